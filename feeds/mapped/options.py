"""What a mapping in a feed file may say. Closed: a word that is not here is an error when the file is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from control_room.model import KINDS, VEHICLE_STATES, Column, Kind
from feeds.quantities import NAME, QUANTITIES
from feeds.units import Unit, find_unit

# Kinds that a mapping may fill, and the column that says which thing a row is about. Crime, requests
# and bookings are not among them: their rules about people need code.
IDENTITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "vehicle": "vehicle_id",
        "environment": "station_id",
        "event": "event_id",
        "disruption": "disruption_id",
        "service": "service_id",
        "hire_station": "station_id",
        "cell": "cell_id",
        "cell_site": "cell_id",
    }
)
# What the engine fills in itself.
_OURS: Final = frozenset({"feed", "received_at", "is_suspect", "heading_source", "speed_source"})
# Fields that are about a person by their name alone; FEEDS rule: such data never passes an adapter.
_PERSONAL: Final = re.compile(
    r"(?i)plate|driver|operative|e-?mail|phone|givenname|familyname|surname|contactpoint|anpr|passport|person"
)


def _word(value: Any) -> Any:
    """A key or word as YAML reads it, as text: YAML makes booleans of yes and no, and numbers of 1."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else value


Word = Annotated[str, BeforeValidator(_word)]


class Source(BaseModel):
    """Where one column is from. Written as `column: path` when only the path is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attr: tuple[str, ...] = Field((), description="path, or several of which the first that is there counts")
    constant: str | float | None = Field(None, description="the same in every row, instead of a path")
    part: Literal["longitude", "latitude", "altitude"] | None = Field(None, description="of a point")
    unit: str | None = Field(None, description="unit it arrives in, where the answer does not say")
    to: str | None = Field(None, description="unit to show a quantity in")
    scale: float = Field(1.0, description="the number is multiplied by this first")
    values: Mapping[Word, Word] = Field(default_factory=dict, description="the supplier's word -> ours")
    strip_prefix: str = Field("", description="left off the start of a text")
    time_format: str | None = Field(None, description="iso, unix_s, unix_ms or a pattern such as %d/%m/%Y %H:%M")
    zone: str | None = Field(None, description="zone of a time that names none, as in Europe/London")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"attr": (value,)}
        if isinstance(value, list):
            return {"attr": tuple(value)}
        if isinstance(value, dict) and isinstance(value.get("attr"), str):
            return {**value, "attr": (value["attr"],)}
        return value

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if bool(self.attr) == (self.constant is not None):
            raise ValueError("needs either a path (attr) or a constant")
        for name in (self.unit, self.to):
            if name is not None and find_unit(name) is None:
                raise ValueError(f"unit {name!r} is not known; see docs/mapping.md")
        for path in self.attr:
            if _PERSONAL.search(path):
                raise ValueError(f"{path!r} is about a person by its name; personal data is not taken in")
        check_zone(self.zone)
        check_time_format(self.time_format)
        return self


class MappingOptions(BaseModel):
    """What every generic adapter's `options` may say; each adapter adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = "environment"
    mapping: Mapping[str, Source]
    quantities: Mapping[str, Source] = Field(default_factory=dict, description="one row each, of kind environment")
    zone: str | None = Field(None, description="zone of times that name none; unsaid: Europe/London, and a warning")
    time_format: str = "iso"
    missing: tuple[Word, ...] = Field(("", "-", "NA", "N/A", "NaN", "null", "None"), description="texts for no value")
    decimal_comma: bool = False
    ignore: tuple[str, ...] = Field((), description="fields that are known and not wanted")

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if value not in IDENTITIES:
            raise ValueError(f"{value!r} is not one of {', '.join(IDENTITIES)}")
        return value

    @field_validator("quantities", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        if isinstance(value, dict) and any(isinstance(name, bool) for name in value):
            raise ValueError('YAML reads no without quotes as false: write the quantity "no" in quotes')
        return value

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_zone(self.zone)
        check_time_format(self.time_format)
        kind, identity = KINDS[self.kind], IDENTITIES[self.kind]
        for name, source in self.mapping.items():
            _check_column(kind, name, source)
        if identity not in self.mapping:
            raise ValueError(f"mapping needs {identity}: it says which thing a row is about")
        if self.kind != "environment":
            if self.quantities:
                raise ValueError("quantities belong to kind environment only")
            return self
        if bool(self.quantities) == bool({"quantity", "value"} & set(self.mapping)):
            raise ValueError("environment needs either quantities, or the columns quantity and value")
        if not self.quantities and not {"quantity", "value"} <= set(self.mapping):
            raise ValueError("quantity and value go together")
        for name, source in self.quantities.items():
            _check_quantity(name, source)
        return self


def _check_column(kind: Kind, name: str, source: Source) -> None:
    column = kind.by_name.get(name)
    if column is None or name == kind.key or name in _OURS:
        fit = ", ".join(c.name for c in kind.columns if c.name != kind.key and c.name not in _OURS)
        why = "is filled in by us" if column is not None else "is no column"
        raise ValueError(f"mapping: {name!r} {why} of kind {kind.name}; there are: {fit}")
    if column.type == "choice":
        words = [source.constant] if source.constant is not None else source.values.values()
        for word in words:
            if word not in list_words(column):
                raise ValueError(f"mapping: {name}: {word!r} is not one of {', '.join(list_words(column))}")
    if column.type == "number" and source.unit is not None:
        arrives, ours = find_unit(source.unit), find_unit(column.unit)
        if arrives is None or ours is None or arrives.family != ours.family:
            raise ValueError(
                f"mapping: {name}: {source.unit!r} cannot be turned into {column.unit or 'a plain number'!r}"
            )
    if source.to is not None:
        raise ValueError(f"mapping: {name}: 'to' is for quantities; a column's unit is {column.unit!r}")


def _check_quantity(name: str, source: Source) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"quantities: {name!r} is not a name of lower-case letters, digits and _")
    arrives, shown = find_unit(source.unit), quantity_unit(name, source)
    if arrives is not None and shown is not None and arrives.family != shown.family:
        raise ValueError(f"quantities: {name}: {source.unit!r} cannot be turned into {shown.name!r}; say 'to'")


def quantity_unit(name: str, source: Source | None = None) -> Unit | None:
    """The unit a quantity is shown in: what the mapping says, else our own for it, else that it arrives in."""
    if source is not None and source.to is not None:
        return find_unit(source.to)
    if name in QUANTITIES:
        return find_unit(QUANTITIES[name].unit)
    return find_unit(source.unit) if source is not None else None


def list_words(column: Column) -> tuple[str, ...]:
    """Words a choice column may hold."""
    return column.values or (VEHICLE_STATES if column.name == "state" else ())


def check_zone(name: str | None) -> None:
    """ValueError where there is no such zone."""
    if name is None:
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"zone {name!r} is not known; write one such as Europe/London or UTC") from None


def check_time_format(pattern: str | None) -> None:
    """ValueError where times cannot be written and read by this pattern."""
    if pattern is None or pattern in ("iso", "unix_s", "unix_ms"):
        return
    moment = datetime(2026, 3, 1, 13, 45, tzinfo=UTC)
    try:
        read = datetime.strptime(moment.strftime(pattern), pattern)  # noqa: DTZ007
    except ValueError:
        read = None
    if read is None or read.date() != moment.date():
        raise ValueError(f"time_format {pattern!r} is neither iso, unix_s, unix_ms nor a pattern with day, month, year")


def say(error: ValidationError) -> str:
    """The first fault, in one line: where, and what."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        said = "is no option here"
    return f"{where}: {said}" if where else said
