"""Who is told of what: one YAML file (setting `notify`), read at the start.

    screen: https://control-room.example.gov.uk
    recipients: [...]     name, channel, address, and what the channel needs
    routes: [...]         which alarms go to whom, at which hours

An example with every word: alerts/notify.example.yaml. ${NAME} is read from the
environment, so that no secret stands in the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alerts.notify.channels.by_apprise import ByApprise
from alerts.notify.channels.email import Email
from alerts.notify.channels.govuk import GovUk
from alerts.notify.channels.webhook import Webhook
from alerts.notify.sender import Way
from alerts.rule import Duration, Hours, Priority
from alerts.rule_faults import near
from alerts.rule_file import Content, YamlFault, read_yaml

CHANNELS: Final[Mapping[str, type[Way]]] = {
    "webhook": Webhook,
    "email": Email,
    "govuk_sms": GovUk,
    "govuk_email": GovUk,
    "apprise": ByApprise,
}

MOST_WAYS: Final = 200
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class NotifyFileError(Exception):
    """The file cannot be used; the text has one `file:line: what, and what to do` a line. Never a secret."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Limits(_Part):
    """How much, and for how long."""

    per_minute: int = Field(
        6, ge=1, le=10_000, description="messages to one recipient by one channel; the rest is summed up"
    )
    expire_after: Duration = Field(4 * 3600.0, description="a message not taken by then is not tried any more")

    @field_validator("expire_after")
    @classmethod
    def _some_time(cls, value: float) -> float:
        if value < 60:
            raise ValueError("must be a minute or longer")
        return value


class Route(_Part):
    """Which alarms go to whom. An alarm goes along every route that fits, and to nobody twice."""

    to: tuple[str, ...] = Field(min_length=1, description="names of recipients")
    priorities: tuple[Priority, ...] = Field((), description="none is every priority")
    systems: tuple[str, ...] = Field((), description="as rule files name them; * is any text; none is all")
    rules: tuple[str, ...] = Field((), description="names of rules; * is any text; none is all")
    hours: tuple[Hours, ...] = Field((), description="local times at which it is used; none is always")
    cleared: bool = Field(False, description="say as well when an alarm that was told is back to normal")

    def fits(self, rule: str, system: str | None, priority: str) -> bool:
        """Whether such an alarm goes along it, hours aside. A rule of which nobody knows the system fits no system."""
        return (
            (not self.priorities or priority in self.priorities)
            and (not self.rules or any(fnmatchcase(rule, pattern) for pattern in self.rules))
            and (not self.systems or (system is not None and any(fnmatchcase(system, p) for p in self.systems)))
        )


class _File(_Part):
    screen: str = Field("", pattern=r"^(https?://[^\s]+)?$", description="address of the dashboard as people reach it")
    limits: Limits = Limits()
    recipients: tuple[dict[str, Any], ...] = Field(min_length=1, max_length=MOST_WAYS)
    routes: tuple[Route, ...] = Field((), description="none: only escalations are told")


@dataclass(frozen=True)
class NotifySettings:
    """What the file says."""

    screen: str
    limits: Limits
    ways: tuple[Way, ...]
    routes: tuple[Route, ...]

    def list_ways(self, name: str) -> tuple[Way, ...]:
        """All channels of a recipient; none where there is no such recipient."""
        return tuple(way for way in self.ways if way.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(way.name for way in self.ways))


def load_notify(path: Path, environment: Mapping[str, str] | None = None) -> NotifySettings:
    """Read the file.

    Raises:
        NotifyFileError: it cannot be read, or something in it is wrong; all of that is said.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NotifyFileError(f"{path}: cannot be read: {why}") from None
    try:
        content = read_yaml(text)
    except YamlFault as fault:
        raise NotifyFileError(f"{path}:{fault.line}: {fault.what}") from None
    reader = _Reader(content, os.environ if environment is None else environment)
    settings = reader.read()
    if reader.faults or settings is None:
        raise NotifyFileError("\n".join(f"{path}:{line}: {what}" for line, what in sorted(set(reader.faults))))
    return settings


class _Reader:
    def __init__(self, content: Content, environment: Mapping[str, str]) -> None:
        self._content = content
        self._environment = environment
        self.faults: list[tuple[int, str]] = list(content.faults)

    def read(self) -> NotifySettings | None:
        data = self._content.data
        if not isinstance(data, dict):
            self._fault((), "must have screen, recipients and routes")
            return None
        file = self._validate(_File, data, ())
        if not isinstance(file, _File):
            return None
        ways = [self._way(item, ("recipients", i)) for i, item in enumerate(data["recipients"])]
        known = [way for way in ways if way is not None]
        seen: set[tuple[str, str]] = set()
        for i, way in enumerate(ways):
            if way is not None and way.place in seen:
                self._fault(("recipients", i), f"{way.name} has two addresses by {way.channel}; give each a name")
            seen |= {way.place} if way is not None else set()
        if len(known) == len(ways):
            names = list(dict.fromkeys(way.name for way in known))
            for i, route in enumerate(file.routes):
                for name in route.to:
                    if name not in names:
                        self._fault(("routes", i, "to"), f"there is no recipient {name}{near(name, names)}")
        return NotifySettings(file.screen, file.limits, tuple(known), file.routes)

    def _way(self, item: dict[str, Any], path: tuple[str | int, ...]) -> Way | None:
        channel = item.get("channel")
        model = CHANNELS.get(channel) if isinstance(channel, str) else None
        if model is None:
            self._fault((*path, "channel"), f"channel: must be one of {', '.join(CHANNELS)}")
            return None
        filled = {name: self._fill(value, (*path, name)) for name, value in item.items()}
        if None in filled.values():
            return None
        way = self._validate(model, filled, path)
        return way if isinstance(way, Way) else None

    def _fill(self, value: Any, path: tuple[str | int, ...]) -> Any:
        """The value with its variables; None where one is not set, which was told."""
        filled, faults = fill_in(str(path[-1]), value, self._environment)
        for fault in faults:
            self._fault(path, fault)
        return filled

    def _validate(self, model: type[BaseModel], data: Any, path: tuple[str | int, ...]) -> BaseModel | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            # What was written is never repeated: it may be a secret.
            for found in error.errors(include_url=False, include_input=False, include_context=False):
                place = (*path, *found["loc"])
                name = ".".join(str(step) for step in found["loc"])
                self._fault(place, in_words(model, found["type"], name, str(found["msg"])))
            return None

    def _fault(self, path: tuple[str | int, ...], what: str) -> None:
        self.faults.append((self._content.line_of(path), what))


def fill_in(name: str, value: Any, environment: Mapping[str, str]) -> tuple[Any, list[str]]:
    """The value with its ${NAME} from the environment, and no faults; or None, and what is missing."""
    if not isinstance(value, str):
        return value, []
    missing = [variable for variable in _VARIABLE.findall(value) if not environment.get(variable)]
    if missing:
        return None, [f"{name}: needs the environment variable {m}; set it and restart" for m in missing]
    return _VARIABLE.sub(lambda found: environment[found[1]], value), []


def in_words(model: type[BaseModel], sort: str, name: str, message: str) -> str:
    """What is wrong with a field, as pydantic tells it, in words for whoever wrote the file."""
    if sort == "extra_forbidden":
        known = list(model.model_fields)
        if "." in name:
            return f"{name} is no word of this file"
        return f"{name} is no word here{near(name, known) or '; there are: ' + ', '.join(known)}"
    if sort == "missing":
        field = model.model_fields.get(name)
        meaning = f": {field.description}" if field is not None and field.description else ""
        return f"lacks {name}{meaning}"
    words = message.removeprefix("Value error, ").replace("Input should be", "must be").replace("String should", "must")
    return f"{name}: {words}" if name else words
