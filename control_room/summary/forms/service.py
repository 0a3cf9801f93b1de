"""The summaries over HTTP, read from the databases when they are asked for.

    GET /daily, /daily/week, /daily/month    307 to the last one that is over
    GET /daily/2026-11-21                    the page; also 2026-W47, 2026-11
    GET /daily/2026-11-21.pdf                as PDF; .xlsx, .json, .zip (all tables as CSV)
    GET /daily/2026-11-21/promises.csv       one table

404 where the address is no period or has no such table, 503 with the reason
while history cannot be read; a page says so in words. A few are read at a time:
who asks for more waits, and the screens' own work goes on.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from control_room.access import Receive, Scope, Send
from control_room.city import City
from control_room.clock import Clock
from control_room.storage.database import explain
from control_room.summary.book import Sources
from control_room.summary.contents import Summary
from control_room.summary.forms.as_json import encode_json
from control_room.summary.forms.sheets import encode_csv, encode_csv_zip, list_sheets, name_csv
from control_room.summary.forms.words import name_file
from control_room.summary.forms.workbook import encode_xlsx
from control_room.summary.period import NoPeriod, Period, day_of, month_of, parse_period, week_of
from control_room.summary.read import read_summary
from layouts.screens.daily import PATH, build_daily, build_daily_fault, path_of

log = structlog.get_logger()

AT_A_TIME: Final = 2
# The page of a day is 240 kB of text, and 30 packed; PDF and spreadsheets are packed already.
PACKED_FROM: Final = 1_000
_HOST: Final = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)
_PACKED: Final = ("text/", "application/json")
_TYPES: Final = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "zip": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
# What a browser shows by itself; the others are kept as files.
_SHOWN: Final = ("html", "json", "pdf")


@dataclass(frozen=True)
class Wish:
    """What an address asks for.

    Attributes:
        form: one of _TYPES.
        table: name of a table, where one alone is asked for; else empty.
    """

    period: Period
    form: str = "html"
    table: str = ""


@dataclass(frozen=True)
class Answer:
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class DailyService:
    """The summaries of this control room.

    Args:
        sources: the databases; None while they are not open, and in a replay for good.
        simulated: whether the city is; said where there is no summary that could say it.
    """

    def __init__(self, city: City, clock: Clock, sources: Callable[[], Sources | None], simulated: bool) -> None:
        self._city = city
        self._clock = clock
        self._sources = sources
        self._simulated = simulated
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request at or below /daily; the gate has judged who asks."""
        answer = await self.answer(scope["path"], _base_of(scope))
        headers = [(b"content-type", answer.content_type.encode()), *answer.headers]
        body = answer.body
        if len(body) > PACKED_FROM and answer.content_type.startswith(_PACKED):
            headers.append((b"vary", b"accept-encoding"))
            if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b""):
                body = await asyncio.to_thread(gzip.compress, body, 5, mtime=0)
                headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, path: str, base: str = "") -> Answer:
        """What that address says.

        Args:
            base: address by which this server was asked, for links in files.
        """
        if (period := self._find_last(path)) is not None:
            return Answer(b"", status=307, headers=((b"location", path_of(period).encode()),))
        try:
            wish = parse_path(path)
        except NoPeriod as error:
            return Answer(f"404: {error}\n".encode(), status=404)
        sources = self._sources()
        if sources is None:
            return self._fail(wish, "History is not open: it is being opened, or this is a replay, which keeps none.")
        async with self._turns:
            try:
                return await asyncio.to_thread(self._make, sources, wish, base)
            except DBAPIError as error:
                log.warning("a summary cannot be read", period=wish.period.name, error=explain(error))
                return self._fail(wish, f"History does not answer: {explain(error)}.")

    def _find_last(self, path: str) -> Period | None:
        """The last period that is over, where the address names only its sort."""
        today = self._clock.now().astimezone(self._city.zone).date()
        running = {"": day_of(today), "/day": day_of(today), "/week": week_of(today), "/month": month_of(today)}
        found = running.get(path.rstrip("/").removeprefix(PATH))
        return found.previous() if found is not None else None

    def _make(self, sources: Sources, wish: Wish, base: str) -> Answer:
        summary = read_summary(sources, wish.period, self._city.zone, self._city)
        found = encode(summary, wish, base)
        if found is None:
            return Answer(b"404: there is no such table\n", status=404)
        body, name = found
        where = "inline" if wish.form in _SHOWN else "attachment"
        disposition = f'{where}; filename="{name}"'.encode()
        headers = ((b"content-disposition", disposition),) if wish.form != "html" else ()
        return Answer(body, _TYPES[wish.form], headers=headers)

    def _fail(self, wish: Wish, fault: str) -> Answer:
        if wish.form != "html":
            return Answer(f"503: {fault}\n".encode(), status=503)
        page = build_daily_fault(self._city.title, wish.period, fault, self._simulated)
        return Answer(page.encode(), _TYPES["html"], 503)


def _base_of(scope: Scope) -> str:
    """By which name it was asked. The gate lets only our own names through, but reads no port: that is judged here."""
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return f"{scope.get('scheme', 'http')}://{host}" if _HOST.fullmatch(host) else ""


def parse_path(path: str) -> Wish:
    """What an address below /daily asks for.

    Raises:
        NoPeriod: it names no period, or a form that there is none of.
    """
    rest = path.removeprefix(f"{PATH}/").rstrip("/")
    name, _, table = rest.partition("/")
    if table:
        stem, dot, form = table.rpartition(".")
        if not dot or form != "csv":
            raise NoPeriod("a table's address ends in .csv")
        return Wish(parse_period(name), "csv", stem)
    name, dot, form = name.partition(".")
    if dot and form not in ("pdf", "xlsx", "json", "zip"):
        raise NoPeriod("a summary is there as .pdf, .xlsx, .json and .zip")
    return Wish(parse_period(name), form or "html")


def encode(summary: Summary, wish: Wish, base: str = "") -> tuple[bytes, str] | None:
    """The bytes and the file's name; None where there is no such table."""
    name = f"{name_file(summary)}.{wish.form}"
    if wish.form == "html":
        return build_daily(summary).encode(), name
    if wish.form == "csv":
        for sheet in list_sheets(summary):
            if sheet.name == wish.table:
                return encode_csv(sheet, summary.header).encode(), name_csv(sheet, summary.header)
        return None
    if wish.form == "pdf":
        from control_room.summary.forms.pdf import encode_pdf  # Typst is 40 MB that nobody else needs

        return encode_pdf(summary, base), name
    if wish.form == "xlsx":
        return encode_xlsx(summary), name
    return (encode_csv_zip(summary) if wish.form == "zip" else encode_json(summary)), name
