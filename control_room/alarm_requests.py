"""Alarms over HTTP: what a person at the desk does to them, and pages of the journal.

    POST /alarms/commands   {"action", "alarms", "by", "why", "until" | "for_s", "once", "to"}
                            200 {"done": [...], "already": [...], "refused": [...]}, once it is on the disk
                            400 the request is wrong, 503 it could not be written: nothing was done
    GET  /alarms/journal    ?alarm=rule|key&rule=…&before=seq&since=…&until=…&limit=…
                            200 {"events": [...], "before": seq or null}: newest first

Until there is sign-in the name in `by` is what somebody wrote at the desk; the
journal says so (`identity: demo`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from alerts.alarm import Event
from alerts.commands import Action, Answer, Command
from feeds.text import clean_text

COMMANDS_PATH = "/alarms/commands"
JOURNAL_PATH = "/alarms/journal"

ALARMS_MOST = 1_000  # in one command; more do not fit into a body of 64 kB
WHY_MOST = 500
NAME_MOST = 80
ID_MOST = 400

DEMO = {"identity": "demo"}


def _cleaned(most: int) -> Callable[[object], object]:
    def clean(value: object) -> object:
        # What is no text is left for the type to refuse.
        return (clean_text(value, most) or "") if isinstance(value, str) else value

    return clean


Why = Annotated[str, BeforeValidator(_cleaned(WHY_MOST))]
Name = Annotated[str, BeforeValidator(_cleaned(NAME_MOST))]
AlarmId = Annotated[str, Field(min_length=3, max_length=ID_MOST)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    action: Action
    alarms: list[AlarmId] = Field(min_length=1, max_length=ALARMS_MOST)
    by: Name = Field(min_length=1)
    why: Why = ""
    until: Annotated[AwareDatetime | None, Field(strict=False)] = None
    for_s: float | None = Field(None, gt=0, le=31 * 86_400)
    once: bool = False
    to: Name = ""

    @model_validator(mode="after")
    def _one_time(self) -> _Request:
        if self.until is not None and self.for_s is not None:
            raise ValueError("until and for_s are two ways to say one thing; give one")
        return self


class RequestError(Exception):
    """A request cannot be understood; the text says what and what is taken, and repeats nothing of it."""


def decode_command(body: bytes, now: datetime) -> Command:
    """The command in a body.

    Args:
        now: aware UTC; what `for_s` is reckoned from.

    Raises:
        RequestError: it is none.
    """
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError("the body is not JSON") from error
    try:
        request = _Request.model_validate(said)
    except ValidationError as error:
        raise RequestError(_in_words(error)) from error
    until = request.until
    if request.for_s is not None:
        until = now + timedelta(seconds=request.for_s)
    elif until is not None and not _is_in_calendar(until):
        raise RequestError("until: the year must be 1970 to 2999")
    return Command(
        action=request.action,
        alarms=tuple(dict.fromkeys(request.alarms)),
        by=request.by,
        why=request.why,
        until=until.astimezone(UTC) if until is not None else None,
        once=request.once,
        to=request.to,
        facts=DEMO,
    )


def find_fault(path: str, body: bytes, now: datetime) -> str | None:
    """For the gate: what is wrong with the body of a post to this path; None when nothing is."""
    if path != COMMANDS_PATH:
        return None
    try:
        decode_command(body, now)
    except RequestError as error:
        return str(error)
    return None


def encode_answer(answer: Answer) -> dict[str, Any]:
    """What became of a command, as JSON; `done` are ids, the others say why."""
    return {
        "done": list(answer.done),
        "already": [{"alarm": alarm, "why": why} for alarm, why in answer.already.items()],
        "refused": [{"alarm": alarm, "why": why} for alarm, why in answer.refused.items()],
        "seq": max((event.seq for event in answer.events), default=None),
    }


def decode_page(query: bytes) -> dict[str, Any]:
    """Arguments of `SqlJournal.list_page` in a query.

    Raises:
        RequestError: a name is unknown or a value none for it.
    """
    page: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError as error:
        raise RequestError("the query cannot be read") from error
    for name, value in pairs:
        take = _PAGE.get(name)
        if take is None:
            raise RequestError(f"the query takes {', '.join(_PAGE)}, each once")
        try:
            page[name] = take(value)
        except ValueError as error:
            raise RequestError(f"the value of {name} is none for it") from error
    return page


def encode_page(events: Sequence[Event], limit: int) -> dict[str, Any]:
    """A page of the journal; `before` asks for the next one, null where there is none."""
    return {
        "events": [_plain(event) for event in events],
        "before": events[-1].seq if len(events) >= limit else None,
    }


def _plain(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "at": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "alarm": f"{event.rule}|{event.key}",
        "rule": event.rule,
        "key": event.key,
        "what": event.what.value,
        "by": event.by,
        "why": event.why,
        "values": event.values,
        "facts": event.facts,
    }


def _place(text: str) -> int:
    place = int(text)
    if not 0 < place < 2**63:
        raise ValueError("no place in a journal")
    return place


def _short(text: str) -> str:
    if not 0 < len(text) <= ID_MOST:
        raise ValueError("too long")
    return text


def _moment(text: str) -> datetime:
    # A plus in a query is a space to those who did not write it as an escape.
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    if moment.tzinfo is None or not _is_in_calendar(moment):
        raise ValueError("no zone, or a year before 1970 or after 2999")
    return moment.astimezone(UTC)


def _is_in_calendar(moment: datetime) -> bool:
    """Whether another zone cannot push the moment off the calendar."""
    return 1970 <= moment.year <= 2999


_PAGE: Mapping[str, Callable[[str], Any]] = {
    "alarm": _short,
    "rule": _short,
    "before": _place,
    "since": _moment,
    "until": _moment,
    "limit": _place,
}


def _in_words(error: ValidationError) -> str:
    """Where the first fault is and what is wrong, without the value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part)[:40] for part in first["loc"] if isinstance(part, int) or part in _Request.model_fields)
    return f"{place or 'the body'}: {first['msg']}"
