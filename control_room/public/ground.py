"""What of the city never changes while the public process runs: its places, their squares, its roads, its own events.

All text that visitors read of a place or a road is from here, which is from the city's own files.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from itertools import accumulate
from math import ceil, cos, radians
from typing import Any, Final, Literal

import numpy as np
import yaml

from control_room.ages import Limits
from control_room.city import City, CityError
from control_room.marks import ROUND_THE_EARTH_M, WORLD, mercator
from control_room.public.state import Event, OwnText, Place

GRID_M: Final = 250.0
EVENTS_FILE: Final = "events.yaml"
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Ground:
    """The city as the projection needs it.

    Attributes:
        feeds: with their limits of age.
        expected: kinds that some feed should bring, whether it has yet or not.
        mode: of the dashboard.
        simulated: whether any of it is made up.
        master: secret of the names of the day; new with each start, never written.
    """

    city: City
    feeds: Sequence[Limits]
    mode: Literal["live", "sandbox", "replay"]
    simulated: bool
    expected: frozenset[str] = frozenset()
    events: tuple[Event, ...] = ()
    master: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @cached_property
    def places(self) -> list[Place]:
        return build_places(self.city)

    @cached_property
    def id_of(self) -> Mapping[str, str]:
        """Name of a place of the city -> its id. What is not in it is no place of ours."""
        return {place.name: place.id for place in self.places}

    @cached_property
    def square_px(self) -> int:
        """Side of a coarse square in map pixels: at least 250 m wherever it lies in the city."""
        return ceil(GRID_M / (ROUND_THE_EARTH_M * cos(radians(self.city.box.north)) / WORLD))

    @cached_property
    def roads(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """What names one of the city's own roads in a text, and how we write that road."""
        roads = []
        for feature in self.city.grid_roads["features"]:
            ref, name = feature["properties"].get("ref"), feature["properties"].get("name")
            words = [re.escape(str(w)) for w in (ref, name) if w]
            if words:
                ours = " ".join(str(w) for w in (ref, name) if w)
                roads.append((re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE), ours))
        return tuple(roads)

    @cached_property
    def _names(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        # The longest first: "Central Milton Keynes" before "Milton Keynes".
        names = sorted(self.id_of, key=lambda n: (-len(n), n))
        return tuple((re.compile(rf"\b{re.escape(n)}\b", re.IGNORECASE), n) for n in names)

    def find_road(self, text: str | None) -> str | None:
        """Our name of the road that a text speaks of; None where it is not one of the city's own."""
        return next((ours for pattern, ours in self.roads if pattern.search(text[:200])), None) if text else None

    def find_place(self, text: str | None) -> str | None:
        """Our name of the place that a text speaks of; likewise."""
        return next((ours for pattern, ours in self._names if pattern.search(text[:200])), None) if text else None

    def coarse(self, x: int, y: int) -> tuple[int, int]:
        """The middle of the square of 250 m that this point is in."""
        side = self.square_px
        return x // side * side + side // 2, y // side * side + side // 2


def build_places(city: City) -> list[Place]:
    """The city's places by name, with the outlines of its embedded base map; [] where that has none."""
    outlines = _read_outlines(city)
    names = sorted(city.localities, key=lambda p: p.name)
    x, y = mercator(np.array([p.latitude for p in names]), np.array([p.longitude for p in names]))
    places: list[Place] = []
    used: set[str] = set()
    for place, px, py in zip(names, x.tolist(), y.tolist(), strict=True):
        ident = base = make_id(place.name)
        number = 1
        while ident in used:
            number += 1
            ident = f"{base}-{number}"
        used.add(ident)
        places.append(Place(ident, place.name, px, py, outlines.get(place.name, [])))
    return places


def make_id(name: str) -> str:
    """An id of a name: its letters and digits in small, joined by hyphens."""
    return "-".join(_WORD.findall(name.casefold().replace("'", "")))[:50].strip("-") or "place"


def _read_outlines(city: City) -> dict[str, list[list[int]]]:
    path = city.folder / "basemap.json"
    try:
        basemap: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise CityError(f"{path}: cannot be read: {error}") from error
    unit = float(basemap.get("unit_deg", 1e-5))
    outlines = {}
    for estate in basemap.get("estates", []):
        cell = estate.get("cell") or []
        lon, lat = (np.array(list(accumulate(cell[start::2]))) * unit for start in (0, 1))
        if len(lon) >= 3:
            x, y = mercator(lat, lon)
            outlines[estate["name"]] = [[px, py] for px, py in zip(x.tolist(), y.tolist(), strict=True)]
    return outlines


def read_events(city: City) -> tuple[Event, ...]:
    """The events of `events.yaml` in the city's folder that say `public: true`; none where there is no such file.

    Raises:
        CityError: the file is wrong; the text says which event and what to do.
    """
    path = city.folder / EVENTS_FILE
    if not path.exists():
        return ()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        listed = content["events"] or []
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise CityError(f"{path}: is no YAML with a list named events: {error}") from error
    events = []
    for number, entry in enumerate(listed, 1):
        try:
            if entry.get("public") is not True:
                continue
            starts, ends = _moment(entry["starts"], city), _moment(entry.get("ends"), city)
            title: OwnText = str(entry["title"]).strip()
            place = entry.get("place")
            if not title or len(title) > 160 or (place is not None and len(str(place)) > 160):
                raise ValueError("title and place are texts of at most 160 characters")
            if starts is None or (ends is not None and ends < starts):
                raise ValueError("starts is missing, or ends is before it")
            events.append(Event(title, None if place is None else str(place), starts, ends))
        except (AttributeError, KeyError, ValueError, TypeError) as error:
            raise CityError(
                f"{path}: event {number}: {error}; it needs title, starts (2026-12-01 18:00), and public: true"
            ) from error
    return tuple(events)


def _moment(value: Any, city: City) -> int | None:
    """Milliseconds of a time in the file: as the city's clock shows it, where it names no zone."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is no time")
    moment = value if value.tzinfo else value.replace(tzinfo=city.zone)
    return round(moment.timestamp() * 1000)


def list_expected(feeds: Iterable[Any]) -> frozenset[str]:
    """Kinds of vehicles that the feed file says outright: they are missed before they ever came."""
    return frozenset(f.vehicle_type for f in feeds if "vehicle_type" in f.model_fields_set)
