"""The sandbox's scenarios, asked for and switched by this process for its admin screen.

    fetch_state, start, stop (network)  >  decode_state (pure)  >  State

Browsers never speak to the sandbox: it trusts whoever reaches its port. Its
address is given by whoever started it (`control_room run`). What it says is
documented in docs/sandbox.md, "Scenarios" and "Faults".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

import httpcore
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

ANSWERS_WITHIN_S = 3.0
# Ten stories are 20 kB; more than this is no list of scenarios.
MAX_BYTES = 1_000_000

Line = Annotated[str, Field(max_length=2_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


class SandboxError(Exception):
    """The sandbox did not do what was asked; the text says what it said, or that it is silent."""


class _Said(BaseModel):
    """What the sandbox says more than we read is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Step(_Said):
    """A part of a scenario; seconds of the city after its start.

    Attributes:
        path, fault: where and what, in a step that is a fault of the exchange; else None.
    """

    words: Line
    after_s: float = Field(ge=0)
    for_s: float = Field(gt=0)
    path: Line | None = None
    fault: Line | None = None


class Running(_Said):
    """A scenario that runs, in the city's time.

    Attributes:
        steps: which of the scenario's steps hold now, from 0; none before its first.
    """

    started_at: AwareDatetime
    ends_at: AwareDatetime
    steps: tuple[int, ...] = ()


class Scenario(_Said):
    """One story.

    Attributes:
        words: what happens.
        running: None while it does not run.
    """

    name: Name
    title: Line
    words: Line
    operator_sees: tuple[Line, ...] = ()
    operator_does: tuple[Line, ...] = ()
    duration_s: float = Field(ge=0)
    steps: tuple[Step, ...] = ()
    running: Running | None = None


class Fault(_Said):
    """A fault that somebody set by hand.

    Attributes:
        left_s: real seconds.
    """

    path: Line
    fault: Line
    left_s: float


class State(_Said):
    """All that the admin screen shows of the sandbox.

    Attributes:
        city_time: by the sandbox's clock.
        rate: seconds of the city a real second; 0 where its clock stands.
    """

    city_time: AwareDatetime
    rate: float = Field(ge=0)
    scenarios: tuple[Scenario, ...]
    faults: tuple[Fault, ...] = ()

    def find(self, name: str) -> Scenario | None:
        return next((scenario for scenario in self.scenarios if scenario.name == name), None)


def decode_state(scenarios: bytes, faults: bytes) -> State:
    """The bodies of `/sandbox/scenarios` and `/sandbox/faults` in one.

    Raises:
        SandboxError: they are not what docs/sandbox.md says; with the first place where not.
    """
    try:
        said = orjson.loads(scenarios)
        held = orjson.loads(faults)
        return State.model_validate({**said, "faults": held["faults"]})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SandboxError(f"the sandbox's answer cannot be read: {where}: {first['msg']}") from None
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise SandboxError("the sandbox's answer cannot be read: it is no list of scenarios and faults") from None


def time_left(running: Running, now: datetime) -> timedelta:
    """How much of it is to come, in the city's time; never negative."""
    return max(running.ends_at - now, timedelta())


class SandboxDesk:
    """Asks one sandbox.

    Args:
        base_url: such as http://127.0.0.1:8051.
        within_s: how long one question may take, body and all.
    """

    def __init__(self, base_url: str, within_s: float = ANSWERS_WITHIN_S) -> None:
        self.base_url = base_url.rstrip("/")
        self._within_s = within_s

    async def fetch_state(self) -> State:
        """What there is and what runs.

        Raises:
            SandboxError: it does not answer, or not as it should.
        """
        scenarios, faults = await asyncio.gather(self._ask("GET", "scenarios"), self._ask("GET", "faults"))
        return decode_state(scenarios, faults)

    async def start(self, name: str) -> State:
        """Start that scenario now; what is true after it.

        Raises:
            SandboxError: as fetch_state; or it runs already, or there is none of that name.
        """
        await self._ask("POST", "scenarios", body=orjson.dumps({"name": name}))
        return await self.fetch_state()

    async def stop(self, name: str) -> State:
        """Stop that scenario where it runs; what is true after it.

        Raises:
            SandboxError: as fetch_state; or there is none of that name.
        """
        await self._ask("DELETE", "scenarios", {"name": name})
        return await self.fetch_state()

    async def _ask(self, method: str, what: str, query: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
        url = f"{self.base_url}/sandbox/{what}" + (f"?{urlencode(query)}" if query else "")
        headers = [("Content-Type", "application/json")] if body else []
        try:
            # A connection for each question: there are few, and a sandbox that was started anew is asked afresh.
            async with (
                asyncio.timeout(self._within_s),
                httpcore.AsyncConnectionPool() as pool,
                pool.stream(method, url, headers=headers, content=body) as answer,
            ):
                text = await _read(answer)
                status = answer.status
        except TimeoutError:
            raise SandboxError(f"the sandbox at {self.base_url} did not answer within {self._within_s:g} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            raise SandboxError(f"the sandbox at {self.base_url} does not answer; is it running?") from None
        if status != 200:
            raise SandboxError(f"the sandbox refused: {_reason(text, status)}")
        return text


async def _read(answer: httpcore.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise SandboxError(f"the sandbox's answer is over {MAX_BYTES:,} bytes")
    return bytes(body)


def _reason(text: bytes, status: int) -> str:
    """The sandbox's own words, cut; the status where it has none."""
    try:
        said: Any = orjson.loads(text)
        words = said["error"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return f"status {status}"
    return " ".join(str(words).split())[:200] or f"status {status}"
