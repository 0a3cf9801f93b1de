"""What the public screens can be told at all. `docs/experience-protocol.md` shows it as JSON.

A whitelist by construction: every text here is a word of a closed list, matches a
narrow pattern, or comes from the city's own files; no column of a feed has a place in
which its words could travel. What comes over a wire is read by `read_state`, which
refuses any field, word or length that is not of this page. So a mistake of the sender
cannot show what the receiver has no place for.

Times are whole milliseconds since 1970 UTC, days are ISO dates of the city. None is
unknown and never zero. Places are Web Mercator pixels at zoom 18, as on every map here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

VERSION: Final = 1
MAX_STATE_BYTES: Final = 16_000_000
MOST_THINGS: Final = 20_000
MOST_PLACES: Final = 2_000

KINDS: Final = ("robot", "shuttle", "drone", "bus", "scooter")
Kind = Literal["robot", "shuttle", "drone", "bus", "scooter"]
DOING: Final = ("working", "waiting", "charging", "stopped", "unknown")
Doing = Literal["working", "waiting", "charging", "stopped", "unknown"]
BATTERY: Final = ("unknown", "low", "half", "full")
Battery = Literal["unknown", "low", "half", "full"]
SEEN_KINDS: Final = (*KINDS, "mast", "timetable", "roadworks", "air", "requests")
SeenKind = Literal["robot", "shuttle", "drone", "bus", "scooter", "mast", "timetable", "roadworks", "air", "requests"]

# A vehicle's name of the day: no vowels, so that it never spells a word, and nothing that a supplier could have made.
Pseudonym = Annotated[str, Field(pattern=r"^[BCDFGHJKLMNPQRSTVWXZ][2-9][BCDFGHJKLMNPQRSTVWXZ][2-9]$")]
# "4", "X60", "33A", "MK1": what stands on a bus, and too short for anybody's secret.
Route = Annotated[str, Field(pattern=r"^[A-Z]{0,2}[0-9]{1,3}[A-Z]?$")]
PlaceId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
# Of the city's own files; the receiver cannot know them, so it looks at their length alone.
OwnText = Annotated[str, Field(min_length=1, max_length=160)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Ms = Annotated[int, Field(ge=0, le=32_503_680_000_000)]
Pixel = Annotated[int, Field(ge=0, le=256 * 2**18)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]

_CLOSED = ConfigDict(extra="forbid", strict=True)


class PublicStateError(Exception):
    """Bytes that are no public state; the text says where, never what stood there."""


@dataclass(frozen=True, slots=True)
class Things:
    """What moves, a column at a time, all of one length.

    Attributes:
        name: of the day, unique within a kind and day.
        doing: what it is doing now.
        battery: low is under 25 %, half under 75 %.
        route: of a bus, where it is on our own list of routes.
        estate: id of the place it is in.
        heading: 1 + direction in 1/64 turns clockwise from north; 0 is unknown.
        t: when it was there, seconds since 1970; 0 is unknown. A drone's is a minute or more ago.
    """

    __pydantic_config__ = _CLOSED

    name: Annotated[list[Pseudonym], Field(max_length=MOST_THINGS)]
    kind: Annotated[list[Kind], Field(max_length=MOST_THINGS)]
    doing: Annotated[list[Doing], Field(max_length=MOST_THINGS)]
    battery: Annotated[list[Battery], Field(max_length=MOST_THINGS)]
    route: Annotated[list[Route | None], Field(max_length=MOST_THINGS)]
    estate: Annotated[list[PlaceId | None], Field(max_length=MOST_THINGS)]
    x: Annotated[list[Pixel], Field(max_length=MOST_THINGS)]
    y: Annotated[list[Pixel], Field(max_length=MOST_THINGS)]
    heading: Annotated[list[Annotated[int, Field(ge=0, le=64)]], Field(max_length=MOST_THINGS)]
    t: Annotated[list[Annotated[int, Field(ge=0, le=32_503_680_000)]], Field(max_length=MOST_THINGS)]

    def __len__(self) -> int:
        return len(self.name)


NO_THINGS: Final = Things([], [], [], [], [], [], [], [], [], [])


@dataclass(frozen=True, slots=True)
class Sight:
    """Whether we can see one kind of thing.

    Attributes:
        sight: seen; not_seen: it should be, and is not just now; absent: nobody tells this city of it.
        since: since when it is so; None of what is absent, or was never seen.
        minutes: the same in whole minutes.
    """

    __pydantic_config__ = _CLOSED

    sight: Literal["seen", "not_seen", "absent"]
    since: Ms | None
    minutes: Count | None


@dataclass(frozen=True, slots=True)
class CityFacts:
    """What city this is, which moment, and what of it can be seen."""

    __pydantic_config__ = _CLOSED

    title: OwnText
    mode: Literal["live", "sandbox", "replay"]
    simulated: bool
    moment: Ms
    zone: OwnText
    sees: dict[SeenKind, Sight]


FigureName = Literal[
    "deliveries_today",
    "carbon_saved_today_kg",
    "deliveries_total",
    "carbon_saved_total_kg",
    "robots_out",
    "shuttles_running",
    "buses_running",
    "drones_flying",
    "scooters_ready",
    "bus_trips_today",
    "masts_up",
    "estates_with_robots",
    "requests_fixed_week",
]
Why = Literal["not_seen", "absent", "too_few", "not_yet", "not_published"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a screen may show.

    Attributes:
        value: None where it is not known; then `why` says why not.
        unit: a word of ours.
        at_least: more may have happened than was seen.
        source: `live` is measured here; else the title of the document, as the city's own file has it.
        as_of: year or day the source speaks of; None of what is live.
        since: since when it was counted.
    """

    __pydantic_config__ = _CLOSED

    value: Annotated[float, Field(ge=0, le=1e12)] | None
    unit: Literal["deliveries", "kg CO2", "robots", "shuttles", "buses", "drones", "scooters", "trips", "masts",
                  "estates", "requests"]  # fmt: skip
    why: Why | None = None
    at_least: bool = False
    source: OwnText = "live"
    as_of: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}-\d{2})?$")] | None = None
    since: Ms | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An estate, village or town of the city: what never changes of it. `outline` is a ring of [x, y], not closed."""

    __pydantic_config__ = _CLOSED

    id: PlaceId
    name: OwnText
    x: Pixel
    y: Pixel
    outline: Annotated[list[Annotated[list[Pixel], Field(min_length=2, max_length=2)]], Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class NextBus:
    """A bus that the timetable expects at a stop of the place; `to` is a place of the city, None where it is another."""

    __pydantic_config__ = _CLOSED

    route: Route
    to: OwnText | None
    at: Ms


@dataclass(frozen=True, slots=True)
class Roadwork:
    """Work on a road. `road` is its name in the city's own files, None where it is a smaller one; days of the city."""

    __pydantic_config__ = _CLOSED

    road: OwnText | None
    since: Day | None
    until: Day | None


@dataclass(frozen=True, slots=True)
class Fixed:
    """Requests that the council closed in the last week that can be told: six or seven full days.

    Attributes:
        count: rounded to five; None where `words` is not `count`.
        words: count; fewer_than_ten: none to nine; unknown: we have not seen the whole of it.
        first, last: its days, both included; None while unknown.
    """

    __pydantic_config__ = _CLOSED

    words: Literal["count", "fewer_than_ten", "unknown"]
    count: Annotated[int, Field(ge=10, multiple_of=5)] | None
    first: Day | None
    last: Day | None


@dataclass(frozen=True, slots=True)
class Estate:
    """What goes on in one place now.

    Attributes:
        robots: in it now; None while robots are not seen.
        buses: the next three; empty: none soon; None while the timetable is not seen.
        roadworks: in force today; None while they are not seen.
        air: index word of the nearest station; None where none is near or lately heard.
    """

    __pydantic_config__ = _CLOSED

    id: PlaceId
    robots: Count | None
    buses: Annotated[list[NextBus], Field(max_length=3)] | None
    roadworks: Annotated[list[Roadwork], Field(max_length=12)] | None
    air: Literal["low", "moderate", "high", "very high"] | None
    requests_fixed_week: Fixed


@dataclass(frozen=True, slots=True)
class Mast:
    """A 5G mast, somewhere in a square of 250 m. `unknown`: we cannot say how it does."""

    __pydantic_config__ = _CLOSED

    x: Pixel
    y: Pixel
    state: Literal["up", "busy", "unknown"]
    estate: PlaceId | None


@dataclass(frozen=True, slots=True)
class Event:
    """A planned event that the city itself has marked as public."""

    __pydantic_config__ = _CLOSED

    title: OwnText
    place: OwnText | None
    starts: Ms
    ends: Ms | None


@dataclass(frozen=True, slots=True)
class PublicState:
    """The whole of what the public screens are given of one moment."""

    __pydantic_config__ = _CLOSED

    city: CityFacts
    things: Things
    figures: dict[FigureName, Figure]
    places: Annotated[list[Place], Field(max_length=MOST_PLACES)]
    estates: Annotated[list[Estate], Field(max_length=MOST_PLACES)]
    masts: Annotated[list[Mast], Field(max_length=MOST_PLACES)]
    events: Annotated[list[Event], Field(max_length=50)]
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """Whether what is shown is the last good hour, because nothing newer can be had. Made by the public process."""

    recorded: bool
    first: int | None = None
    last: int | None = None
    since: int | None = None


_READ: Final = TypeAdapter(PublicState)
_OUR_NAMES: Final = frozenset(
    f.name
    for c in (PublicState, CityFacts, Things, Sight, Figure, Place, Estate, NextBus, Roadwork, Fixed, Mast, Event)
    for f in fields(c)
)


def write_state(state: PublicState) -> bytes:
    """The state as it travels between processes: JSON, deflated. Whole each time, so whoever joins late has all."""
    return zlib.compress(orjson.dumps(state), 1)


def read_state(data: bytes) -> PublicState:
    """The state of these bytes.

    Raises:
        PublicStateError: not a state of this version, or it holds what has no place in one.
    """
    opener = zlib.decompressobj()
    try:
        text = opener.decompress(data, MAX_STATE_BYTES)
    except zlib.error as error:
        raise PublicStateError("is not deflated") from error
    if not opener.eof:
        raise PublicStateError(f"is cut short, or over {MAX_STATE_BYTES} bytes")
    return read_json(text)


def read_json(text: bytes) -> PublicState:
    """As `read_state`, of the JSON itself."""
    try:
        state = _READ.validate_json(text)
    except ValidationError as error:
        # Where and of which sort, in names of this page alone: whatever else it holds is what must not be told.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) if isinstance(part, int) or part in _OUR_NAMES else "?" for part in first["loc"])
        raise PublicStateError(f"{error.error_count()} faults, the first at {where}: {first['type']}") from None
    columns = {len(getattr(state.things, f.name)) for f in fields(Things)}
    if len(columns) != 1:
        raise PublicStateError("things: its columns differ in length")
    if len(set(zip(state.things.kind, state.things.name, strict=True))) != len(state.things):
        raise PublicStateError("things: a name is given twice")
    return state


def as_json(value: Any) -> Any:
    """A fact as plain JSON content: what `build_sentences` takes and screens get."""
    return orjson.loads(orjson.dumps(value))
