"""What keeps the alarm desk going: its journal, its rule files, and those who ask over HTTP.

Whatever may block (the disk, a rule file) runs in a thread; the event loop and
the writer never wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import structlog

from alerts.commands import CommandRefused
from alerts.journal import JournalUnavailable, MemoryJournal
from alerts.notify.delivery import OutboxUnavailable
from alerts.notify.notifier import Notifier
from control_room.access import Receive, Scope, Send
from control_room.alarm_desk import AlarmDesk, AlarmWork, History, Order, Rules, Woken
from control_room.alarm_figures import new_tally, read_history
from control_room.alarm_requests import (
    COMMANDS_PATH,
    JOURNAL_PATH,
    RequestError,
    decode_command,
    decode_page,
    encode_answer,
    encode_page,
)
from control_room.clock import Clock
from control_room.rule_book import RuleBook
from control_room.storage.journal import PAGE_MOST
from control_room.storage.outbox import SqlOutbox
from control_room.storage.store import Store

if TYPE_CHECKING:  # with it come the clients of every channel
    from alerts.notify.settings import NotifySettings

log = structlog.get_logger()

RULES_FOLDER = Path(__file__).resolve().parents[1] / "alerts" / "rules"

OPEN_AGAIN_S = 5.0  # a journal that could not be opened is tried again
LOOK_AFTER_S = 60.0
READ_RULES_S = 2.0  # an editor's change is at work before its author wonders

# A command waits for the writer's step and one write to the disk; both are far below this.
ANSWER_WITHIN_S = 10.0

PAGE_USUAL = 100


class AlarmService:
    """The alarm desk with what it needs in this process.

    Args:
        store: where the journal is kept; None for a replay, whose journal is gone with it.
        rules_folder: None is the rules that come with the program.
        clock: by which alarms are reckoned.
        operators: people who answer alarms at the same time.
        notify: who is told of what; None tells nobody. Without a store nobody is told either.
        notes: what else people should know, a sentence each: history that is late.
    """

    def __init__(
        self,
        store: Store | None,
        rules_folder: Path | None,
        zone: ZoneInfo,
        clock: Clock,
        operators: int = 1,
        notify: NotifySettings | None = None,
        notes: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        self._more_notes = notes
        self._store = store
        self._clock = clock
        self._zone = zone
        self._notify = notify
        self._notifier: Notifier | None = None
        self._book = RuleBook(rules_folder or RULES_FOLDER)
        self.desk = AlarmDesk(
            self._book.read(),
            zone,
            clock,
            journal_note=self._journal_note,
            operators=operators,
            heard=self._heard,
            notes=self._notes,
        )

    def take(self, item: AlarmWork) -> None:
        """What waited for the writer; called in its thread."""
        if isinstance(item, Order):
            self.desk.obey(item)
        elif isinstance(item, Rules):
            self.desk.use(item)
        elif isinstance(item, History):
            self.desk.recall(item)

    async def run(self, put: Callable[[AlarmWork], Awaitable[None]]) -> None:
        """Open the journal, then look after it and the rules for ever. Cancel to stop.

        Args:
            put: hands something to the writer.
        """
        self._put = put
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_journal())
            group.create_task(self._keep_rules())

    def close(self) -> None:
        """Let go of the journal, once the writer has ended."""
        if self._notifier is not None:
            self._notifier.close()
        if self._store is not None:
            self._store.close()

    async def _keep_journal(self) -> None:
        while not self.desk.is_open:
            why = await asyncio.to_thread(self._open)
            if why:
                self.desk.keep_closed(why)
            await self._put(Woken())
            if why:
                await asyncio.sleep(OPEN_AGAIN_S)
        await self._recall()
        while self._store is not None:
            await asyncio.sleep(LOOK_AFTER_S)
            try:
                await asyncio.to_thread(self._store.look_after, self._clock.now())
            except Exception:
                # Tidying up: the journal itself is whole without it.
                log.exception("the journal could not be looked after")

    async def _recall(self) -> None:
        """What the journal says of the day before; the figures begin with it."""
        journal = self._store.journal if self._store is not None else None
        while True:
            try:
                tally, upto = (
                    await asyncio.to_thread(read_history, journal, self._clock.now()) if journal else (new_tally(), 0)
                )
            except Exception:
                # The figures wait; alarms do not.
                log.exception("the journal could not be read for the figures of the alarm system")
                await asyncio.sleep(LOOK_AFTER_S)
            else:
                await self._put(History(tally, upto))
                return

    def _open(self) -> str:
        """Open the journal and the desk; why not, or nothing where all is well."""
        try:
            journal = MemoryJournal() if self._store is None else self._store.open()
            notifier = self._make_notifier()
            self.desk.open(journal)
        except (JournalUnavailable, OutboxUnavailable) as error:
            return str(error)
        except Exception:
            log.exception("the alarm system could not start")
            return "the alarm system could not start: a fault of this program; see its log"
        if notifier is not None:
            notifier.start()
            self._notifier = notifier
        return ""

    def _make_notifier(self) -> Notifier | None:
        """Knows the journal's end before the first step adds to it; tells from there on."""
        if self._notify is None or self._store is None or self._store.journal is None:
            return None
        outbox = SqlOutbox(self._store.journal.engine, self._clock.now, self._store.keep_days)
        outbox.begin()
        simulated = self._store.mode != "live"
        return Notifier(
            self._notify, outbox, lambda: self.desk.rules.rules, self._clock.now, self._zone, simulated=simulated
        )

    def _heard(self) -> None:
        if self._notifier is not None:
            self._notifier.wake()

    def _notes(self) -> Sequence[str]:
        return (*(self._notifier.faults if self._notifier is not None else ()), *self._more_notes())

    def _journal_note(self) -> str:
        return self._store.note if self._store is not None else ""

    async def _keep_rules(self) -> None:
        while True:
            await asyncio.sleep(READ_RULES_S)
            rules = await asyncio.to_thread(self._book.read_changed)
            if rules is not None:
                await self._put(rules)

    # Over HTTP; the gate has judged who asks, and the form of what is sent

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer to one request below /alarms/."""
        try:
            if scope["path"] == COMMANDS_PATH:
                status, content = await self._command((await receive()).get("body", b""))
            elif scope["path"] == JOURNAL_PATH:
                status, content = await self._page(scope.get("query_string", b""))
            else:
                status, content = 404, _words("there is nothing here")
        except RequestError as error:
            status, content = 400, _words(str(error))
        except CommandRefused as error:
            status, content = 409, _words(str(error))
        except JournalUnavailable as error:
            status, content = 503, _words(f"nothing was done: {error}")
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _command(self, body: bytes) -> tuple[int, dict[str, Any]]:
        order = Order(decode_command(body, self._clock.now()))
        await self._put(order)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await asyncio.wrap_future(order.answer)
        except TimeoutError:
            if order.answer.cancelled():
                return 503, _words("nothing was done: the control room is too busy; try again")
            return 503, _words("not confirmed in time: it may or may not have been done; look at the list")
        return 200, encode_answer(answer)

    async def _page(self, query: bytes) -> tuple[int, dict[str, Any]]:
        wanted = {"limit": PAGE_USUAL, **decode_page(query)}
        wanted["limit"] = min(wanted["limit"], PAGE_MOST)
        journal = self._store.journal if self._store is not None else None
        if journal is None:
            why = "a replay keeps no journal" if self._store is None else "the journal is not open"
            return 503, _words(why)
        return 200, encode_page(await asyncio.to_thread(lambda: journal.list_page(**wanted)), wanted["limit"])


def _words(text: str) -> dict[str, Any]:
    return {"error": text}
