"""Who gets the summary: one YAML file (setting `daily-to`), read at the start.

    screen: https://control-room.example.gov.uk     address of the dashboard, for links
    server: smtps://${SMTP_USER}:${SMTP_PASSWORD}@mail.example.gov.uk
    sender: control-room@example.gov.uk
    at: "06:30"                                      by the city's clock; this is the default
    recipients:
      - {name: director, role: Director of place, address: director@example.gov.uk, forms: [pdf]}
      - {name: transport_lead, address: …, forms: [pdf, xlsx], periods: [day, week, month]}

Every letter says the summary in itself; forms are what is attached to it.
${NAME} is read from the environment, so that no secret stands in the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from alerts.notify.channels.email import Email
from alerts.notify.settings import fill_in, in_words
from alerts.rule_file import Content, YamlFault, read_yaml

MOST_RECIPIENTS: Final = 200
AT: Final = time(6, 30)

Form = Literal["pdf", "xlsx", "csv", "json"]


class DailyFileError(Exception):
    """The file cannot be used; the text has one `file:line: what, and what to do` a line. Never a secret."""


class Recipient(Email):
    """Somebody who gets it.

    Attributes of the letter (sender, server) stand here or, for all, at the top of the file.
    """

    channel: Literal["email"] = "email"
    role: str = Field("", max_length=200, description="who it is, for whoever reads the file")
    forms: tuple[Form, ...] = Field((), description="attached: pdf, xlsx, csv, json")
    periods: tuple[Literal["day", "week", "month"], ...] = Field(("day",), min_length=1, description="day, week, month")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    screen: str = Field("", pattern=r"^(https?://[^\s]+)?$", description="address of the dashboard as people reach it")
    server: str = Field("", description="mail server of all recipients that name none")
    sender: str = Field("", description="address it is from, of all recipients that name none")
    at: time = Field(AT, description="when it is sent, by the city's clock, such as 06:30")
    recipients: tuple[dict[str, Any], ...] = Field(min_length=1, max_length=MOST_RECIPIENTS)

    @field_validator("at", mode="before")
    @classmethod
    def _clock(cls, value: Any) -> Any:
        # A number would be taken for seconds.
        if not isinstance(value, time) and not (isinstance(value, str) and re.fullmatch(r"[0-2]\d:[0-5]\d", value)):
            raise ValueError("must be a time such as 06:30")
        return value


@dataclass(frozen=True)
class DailySettings:
    """What the file says."""

    screen: str
    at: time
    recipients: tuple[Recipient, ...]

    def find(self, name: str) -> Recipient | None:
        return next((r for r in self.recipients if r.name == name), None)


def load_daily(path: Path, environment: Mapping[str, str] | None = None) -> DailySettings:
    """Read the file.

    Raises:
        DailyFileError: it cannot be read, or something in it is wrong; all of that is said.
    """
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DailyFileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DailyFileError(f"{path}: cannot be read: it is not UTF-8") from None
    except YamlFault as fault:
        raise DailyFileError(f"{path}:{fault.line}: {fault.what}") from None
    reader = _Reader(content, os.environ if environment is None else environment)
    settings = reader.read()
    if reader.faults or settings is None:
        raise DailyFileError("\n".join(f"{path}:{line}: {what}" for line, what in sorted(set(reader.faults))))
    return settings


class _Reader:
    def __init__(self, content: Content, environment: Mapping[str, str]) -> None:
        self._content = content
        self._environment = environment
        self.faults: list[tuple[int, str]] = list(content.faults)

    def read(self) -> DailySettings | None:
        data = self._content.data
        if not isinstance(data, dict):
            self._fault((), "must have server, sender and recipients")
            return None
        file = self._validate(_File, data, ())
        if not isinstance(file, _File):
            return None
        shared = {name: data[name] for name in ("server", "sender") if data.get(name)}
        recipients: list[Recipient] = []
        for place, item in enumerate(file.recipients):
            found = self._recipient({**shared, **item}, ("recipients", place))
            if found is not None and any(found.name == r.name for r in recipients):
                self._fault(("recipients", place), f"there are two recipients {found.name}; give each a name")
            elif found is not None:
                recipients.append(found)
        return DailySettings(file.screen, file.at, tuple(recipients))

    def _recipient(self, item: Mapping[str, Any], path: tuple[str | int, ...]) -> Recipient | None:
        filled = {}
        for name, value in item.items():
            filled[name], faults = fill_in(name, value, self._environment)
            for fault in faults:
                self._fault((*path, name), fault)
            if faults:
                return None
        found = self._validate(Recipient, filled, path)
        return found if isinstance(found, Recipient) else None

    def _validate(self, model: type[BaseModel], data: Any, path: tuple[str | int, ...]) -> BaseModel | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            # What was written is never repeated: it may be a secret.
            for found in error.errors(include_url=False, include_input=False, include_context=False):
                name = ".".join(str(step) for step in found["loc"])
                self._fault((*path, *found["loc"]), in_words(model, found["type"], name, str(found["msg"])))
            return None

    def _fault(self, path: tuple[str | int, ...], what: str) -> None:
        self.faults.append((self._content.line_of(path), what))
