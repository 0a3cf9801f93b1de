"""The application: the one place that knows everyone.

    create_app(...) -> ControlRoom, an ASGI application

From the outside in: gate (who may), static files (compressed once), our own
few routes (health, base map, tiles, live socket), Dash.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dash
import orjson
import structlog

from callbacks import navigation, sandbox, trends
from control_room import callback_body
from control_room.access import (
    LOOPBACK_NAMES,
    OPERATOR,
    WALL,
    Gate,
    Receive,
    Scope,
    Send,
    audiences_now,
    content_security_policy,
    demo_identity,
)
from control_room.alarm_desk import AlarmWork, Woken
from control_room.alarm_requests import find_fault
from control_room.alarm_service import AlarmService
from control_room.blackbox.incident import Incident
from control_room.blackbox.service import BlackBox, find_kept
from control_room.build import read_build
from control_room.cache import Cache
from control_room.city import City
from control_room.clock import Clock
from control_room.desk_detail import PATH as DESK_DETAIL
from control_room.desk_detail import serve as serve_detail
from control_room.diary import Diary
from control_room.display_requests import ORDERS_PATH
from control_room.display_requests import find_fault as find_display_fault
from control_room.display_service import DisplayService
from control_room.displays import Displays
from control_room.find import Finder
from control_room.find_service import FIND_PATH, FindService
from control_room.handover.requests import COMMANDS_PATH as HANDOVER_COMMANDS
from control_room.handover.requests import find_fault as find_handover_fault
from control_room.handover.service import HandoverService
from control_room.handover.shifts import Plan, ShiftError, parse_shifts
from control_room.history_keeper import HistoryKeeper
from control_room.live import Bundle, LiveHub, Mode
from control_room.model import Snapshot
from control_room.person_layouts import PATH as DESK_LAYOUT
from control_room.person_layouts import PersonLayouts
from control_room.person_layouts import find_fault as find_layout_fault
from control_room.public.ground import Ground, list_expected, read_events
from control_room.public.past import Watched
from control_room.public.service import PublicService
from control_room.publish import COLUMNS_OF, Publisher
from control_room.quality_keeper import PastQuality, QualityKeeper
from control_room.sandbox_desk import SandboxDesk
from control_room.settings import SettingError
from control_room.static_files import StaticFiles
from control_room.storage.database import DatabaseError
from control_room.storage.store import Store
from control_room.summary.book import Sources
from control_room.summary.forms.service import DailyService
from control_room.summary.forms.supplier import SupplierService
from control_room.summary.place import list_promises
from control_room.summary_keeper import SummaryKeeper
from control_room.tiles import MBTiles
from control_room.trend_desk import TrendDesk
from control_room.wall_service import EVERY as EVERY_WALL
from control_room.wall_service import ONE_THING, WallService
from control_room.writer import advance, note_failure, note_past, note_time, note_unchanged
from feeds.feed import Feed, begin_health, get_adapter
from feeds.fetch import Source
from feeds.poller import Failed, Outcome, Poller
from layouts.screens.admin_sandbox import build_admin_sandbox
from layouts.screens.admin_screens import PATH as ADMIN_SCREENS
from layouts.screens.admin_screens import build_admin_screens
from layouts.screens.admin_style import PARTS_PATH as STYLE_PARTS
from layouts.screens.admin_style import PATH as ADMIN_STYLE
from layouts.screens.admin_style import build_admin_style, build_style_groups
from layouts.screens.alarm_health import PATH as ALARM_HEALTH
from layouts.screens.alarm_health import build_alarm_health_screen
from layouts.screens.alarms import build_alarms_screen
from layouts.screens.daily import PATH as DAILY
from layouts.screens.desk import PATH as DESK
from layouts.screens.desk import build_desk
from layouts.screens.feeds import build_feeds_screen
from layouts.screens.handover import PATH as HANDOVER
from layouts.screens.handover import build_handover_screen
from layouts.screens.map import MAP, MAP_TABLE, build_map_screen, build_map_table
from layouts.screens.pages import LINKS, PAGES, Page, build_page
from layouts.screens.supplier import PATH as SUPPLIERS
from layouts.screens.timeline import PATH as TIMELINE
from layouts.screens.timeline import build_timeline
from layouts.screens.trends import PATH as TRENDS
from layouts.screens.trends import build_trends
from layouts.screens.wall import build_wall, build_wall_table
from layouts.shell import build_shell, index_page
from layouts.static_html import to_html

if TYPE_CHECKING:
    from alerts.notify.settings import NotifySettings
    from control_room.summary.daily_file import DailySettings

log = structlog.get_logger()

ROOT = Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"
PAGE_PATHS = frozenset(page.path for page in PAGES)

# Decoding is short and holds the interpreter; more threads would only take turns.
DECODERS = 2

# One collection holds the interpreter for about 6 ms.
COLLECT_EVERY_S = 60.0


class ControlRoom:
    """Everything that runs in this process, as one ASGI application.

    Args:
        settings: values of `control_room.settings`.
        source: what answers polls: a Fetcher, or a recording.
        mode: "live", "sandbox" or "replay"; shown on every screen.
        desk: the sandbox that the feeds come from, for its admin screen; None where there is none.
        incident: a part of a black box that is looked at instead; None usually.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        city: City,
        feeds: Sequence[Feed],
        clock: Clock,
        source: Source,
        mode: Mode,
        desk: SandboxDesk | None = None,
        incident: Incident | None = None,
    ) -> None:
        self._desk = desk if mode == "sandbox" else None
        self.settings = settings
        self.city = city
        self.feeds = tuple(feeds)
        self.clock = clock
        self.mode = mode
        # Some of it is enough; `layouts.panel.View.simulated` says the same of a screen.
        self.is_simulated = mode == "sandbox" or any(feed.simulated for feed in self.feeds)
        self._source = source
        self._publisher = Publisher(self.feeds, city, clock, mode)
        self._diary = self._publisher.diary = Diary(self.feeds, city.zone)
        self.hub = LiveHub(clock, mode)
        # What an operator may find is what a wall shows: one audience so far.
        self._find = FindService(
            Finder(city, LINKS), lambda: self._publisher.view(self.cache.snapshot).snapshot, time.monotonic
        )
        self._wanted: Mapping[str, frozenset[str]] = {}
        store = _store(settings, mode)
        self._quality = QualityKeeper(store, clock)
        self.history = HistoryKeeper(
            Path(settings["data"]) if store is not None else None,
            mode,
            settings["database"],
            self.feeds,
            city,
            clock,
            may_begin=lambda: store is not None and store.journal is not None,
            tell_usual=self._publisher.take_usual,
        )
        self._layouts = PersonLayouts(store, clock)
        self._build_of_pages = read_build([ASSETS, ROOT / "layouts"])
        self.displays = DisplayService(store, self.hub, clock, news=lambda: self.cache.put(Woken()))
        self.public = PublicService(
            Ground(
                city,
                self.feeds,
                mode,
                self.is_simulated,
                list_expected(self.feeds),
                read_events(city),
            ),
            clock,
            lambda: self.cache.snapshot,
            self._count_deliveries,
            settings["redis"],
            Path(settings["data"]) if store is not None else None,
        )
        self.displays.list_screens = lambda: {**self.hub.screens, **self.public.screens}
        self._displays = Displays(
            self.displays.list_screens,
            self.hub.epoch,
            clock.rate,
            self.displays.book,
            city.zone,
            self._build_of_pages,
            clock.now(),
        )
        self.handover = HandoverService(
            store,
            clock,
            lambda: self._publisher.view(self.cache.snapshot),
            _plan(settings),
            settings["handover_days"],
            news=lambda: self.cache.put(Woken()),
            told=lambda: frozenset(kind for kind, _ in self.cache.snapshot.parts),
        )
        self._promises = list_promises(self.feeds)
        self.daily = DailyService(city, clock, partial(self.find_sources, store), self.is_simulated)
        self.suppliers = SupplierService(city, clock, partial(self.find_sources, store))
        self._trends = TrendDesk(city, clock, lambda: self.history.reader)
        self.summaries = SummaryKeeper(
            _daily(settings, mode), city, clock, partial(self.find_sources, store), lambda: bool(self.history.note)
        )
        self.alarms = AlarmService(
            store,
            Path(settings["rules"]) if settings["rules"] else None,
            city.zone,
            clock,
            settings["operators"],
            _notify(settings, mode),
            notes=lambda: [note for note in (self.history.note, self.summaries.note) if note],
        )
        self.cache: Cache[Outcome | AlarmWork | PastQuality, Mapping[str, Bundle]] = Cache(
            Snapshot.empty(clock.now(), (begin_health(f) for f in self.feeds)),
            self._apply,
            lambda snapshot: note_time(snapshot, self.clock.now()),
            self._announce,
            self._make,
            self._publish,
            settings["frame_gap_ms"] / 1000,
            judge=self._judge,
            due_s=lambda: self.alarms.desk.due_s,
        )
        self._blackbox = BlackBox(
            find_kept(settings, mode),
            city,
            mode,
            self.is_simulated,
            self._publisher,
            clock,
            lambda: store.journal if store is not None else None,
            incident,
        )
        self._tiles = MBTiles(Path(settings["mbtiles"])) if settings["mbtiles"] else None
        if self._tiles:
            facts = {"mbtiles_attribution": self._tiles.attribution, "mbtiles_max_zoom": self._tiles.max_zoom}
            self.settings = {**settings, **facts}
        self.walls = WallService(
            self.settings, clock, lambda: self._publisher.view(self.cache.snapshot), lambda: self._dash.server
        )
        self._dash = self._make_dash()
        self.asgi = Gate(
            StaticFiles(self._route),
            _host_names(settings),
            demo_identity(loopback_only=not settings["open_demo"]),
            self._policy,
            find_fault=self._find_fault,
        )
        self._csp: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self.asgi(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Writer and pollers at work; all ended on leaving."""
        decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")
        pollers = [
            Poller(f, get_adapter(f.adapter), self._source, self.cache.put, self.clock, executor=decoders)
            for f in self.feeds
        ]
        tasks = [asyncio.create_task(self.cache.run(), name="writer")]
        tasks += [asyncio.create_task(p.run(), name=f"poll {p.feed.name}") for p in pollers]
        tasks.append(asyncio.create_task(self.alarms.run(self.cache.put), name="alarms"))
        tasks.append(asyncio.create_task(self.displays.run(), name="displays"))
        tasks.append(asyncio.create_task(self.handover.run(), name="handover"))
        tasks.append(
            asyncio.create_task(self._quality.run(self.cache.put, lambda: self.cache.snapshot), name="feed quality")
        )
        tasks.append(asyncio.create_task(self.history.run(lambda: self.cache.snapshot), name="history"))
        tasks.append(asyncio.create_task(self.summaries.run(), name="summaries"))
        tasks.append(asyncio.create_task(self.public.run(), name="public screens"))
        tasks.append(asyncio.create_task(_collect_garbage(), name="garbage"))
        for task in tasks:
            task.add_done_callback(_log_death)
        self._blackbox.start()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            decoders.shutdown(wait=False, cancel_futures=True)
            self._find.close()
            self._trends.close()
            await asyncio.to_thread(self._quality.save, self.cache.snapshot)
            await asyncio.to_thread(self.history.close)
            await asyncio.to_thread(self.alarms.close)
            await asyncio.to_thread(self._blackbox.close)

    def find_sources(self, store: Store | None) -> Sources | None:
        """What summaries are read from; None while the databases are not open, and in a replay."""
        reader, journal = self.history.reader, store.journal if store is not None else None
        if reader is None or journal is None:
            return None
        return Sources(reader.engine, journal.engine, self.is_simulated, self._promises, self.settings["operators"])

    def _apply(self, snapshot: Snapshot, outcome: Outcome | AlarmWork | PastQuality) -> Snapshot:
        if isinstance(outcome, PastQuality):
            return note_past(snapshot, outcome.past, self.clock.now())
        if isinstance(outcome, AlarmWork):
            self.alarms.take(outcome)
            return note_time(snapshot, self.clock.now())
        name, now = outcome.feed.name, self.clock.now()
        if isinstance(outcome, Failed):
            return note_failure(snapshot, name, outcome.error.reason, outcome.error.detail, now, outcome.found)
        if outcome.not_modified:
            return note_unchanged(snapshot, name, now, outcome.latency_ms)
        return advance(snapshot, name, outcome.batches, now, self.city, outcome.latency_ms, outcome.found)

    def _judge(self, snapshot: Snapshot) -> Snapshot:
        """Our own displays and handovers are judged like anything else of the city."""
        self._diary.note(snapshot)
        now = self.clock.now()
        return self.alarms.desk.judge(self.handover.note(self._displays.note(snapshot, now), now))

    def _announce(self, snapshot: Snapshot) -> None:
        for audience, find_card in self._publisher.find_cards(snapshot).items():
            self.hub.publish_cards(audience, find_card)
        self._wanted = {
            audience: self.hub.wanted_panels(audience)
            | self.hub.wanted_layers(audience)
            | self.hub.wanted_vehicles(audience)
            for audience in COLUMNS_OF
        }

    def _make(self, snapshot: Snapshot) -> Mapping[str, Bundle]:
        return self._publisher.make(snapshot, self._wanted)

    def _publish(self, made: Mapping[str, Bundle]) -> None:
        for audience, bundle in made.items():
            self.hub.publish(audience, bundle)
        self._blackbox.take(made, self.cache.snapshot)

    def _make_dash(self) -> dash.Dash:
        app = dash.Dash(
            "control_room",
            backend="fastapi",
            assets_folder=str(ASSETS),
            # Scripts of the worker are loaded by the worker, those of `early` by the head of the page.
            assets_path_ignore=["worker", "early", "experience"],
            title=f"{self.city.title} control room",
            update_title="",
            serve_locally=True,
            suppress_callback_exceptions=True,
        )
        # Dash's own socket is not used and would be opened by every page; the gate denies it as well.
        app.backend.websocket_capability = False
        app.layout = build_shell()
        screens: dict[str, tuple[str, Callable[[Mapping[str, str]], Any]]] = {
            "/wall": (WALL, self._build_wall),
            EVERY_WALL: (WALL, lambda _: self.walls.build_map()),
            "/wall/table": (WALL, self._build_wall_table),
            DESK: (OPERATOR, self._build_desk),
            ADMIN_STYLE: (OPERATOR, self._build_admin_style),
            MAP: (WALL, self._build_map),
            MAP_TABLE: (WALL, self._build_map_table),
            "/feeds": (WALL, self._build_feeds_screen),
            "/alarms": (OPERATOR, self._build_alarms_screen),
            ALARM_HEALTH: (OPERATOR, self._build_alarm_health),
            HANDOVER: (OPERATOR, self._build_handover),
            TIMELINE: (OPERATOR, self._build_timeline),
            TRENDS: (OPERATOR, self._build_trends),
            **{page.path: (WALL, partial(self._build_page, page)) for page in PAGES},
        }
        if self._desk is not None:
            screens["/admin/sandbox"] = (OPERATOR, self._build_admin_sandbox)
            sandbox.register(app, self._desk, self.city.zone)
        trends.register(app, self._trends, self.is_simulated)
        screens[ADMIN_SCREENS] = (OPERATOR, self._build_admin_screens)
        navigation.register(app, screens)
        # Where a display may be sent: every screen there is. A name after the wall's is judged by the wall itself.
        self.displays.places = frozenset(screens) | {"/wall/*"}
        app.index_string = index_page(self.city, self.mode, self._build_of_pages, sorted(self.displays.places))
        return app

    def _build_wall(self, parameters: Mapping[str, str]) -> Any:
        if ONE_THING.isdisjoint(parameters):
            return self.walls.build_map()
        view = self._publisher.view(self.cache.snapshot)
        return build_wall(view, parameters.get("follow") or None, self.settings, parameters)

    def _build_map(self, parameters: Mapping[str, str]) -> Any:
        return build_map_screen(self._publisher.view(self.cache.snapshot), parameters, self.settings)

    def _build_map_table(self, parameters: Mapping[str, str]) -> Any:
        return build_map_table(self._publisher.view(self.cache.snapshot), parameters, self.settings)

    def _build_wall_table(self, _: Mapping[str, str]) -> Any:
        return build_wall_table(self._publisher.view(self.cache.snapshot), self.settings)

    def _build_admin_style(self, _: Mapping[str, str]) -> Any:
        return build_admin_style(self._publisher.view(self.cache.snapshot), self.settings)

    def _write_style_parts(self) -> str:
        view = self._publisher.view(self.cache.snapshot)
        return to_html(build_style_groups(view), view.now)

    def _build_desk(self, parameters: Mapping[str, str]) -> Any:
        return build_desk(self._publisher.view(self.cache.snapshot), parameters, self.settings)

    def _build_feeds_screen(self, _: Mapping[str, str]) -> Any:
        return build_feeds_screen(self._publisher.view(self.cache.snapshot), self.settings)

    def _build_alarms_screen(self, _: Mapping[str, str]) -> Any:
        return build_alarms_screen(self._publisher.view(self.cache.snapshot), self.settings)

    def _build_page(self, page: Page, parameters: Mapping[str, str]) -> Any:
        view = self._publisher.view(self.cache.snapshot)
        return build_page(page, view, self.settings, parameters.get("vehicle") or None)

    def _build_timeline(self, parameters: Mapping[str, str]) -> Any:
        view = self._publisher.view(self.cache.snapshot)
        return build_timeline(view, parameters, self.settings)

    def _build_trends(self, parameters: Mapping[str, str]) -> Any:
        return build_trends(self._publisher.view(self.cache.snapshot), parameters, self.settings)

    def _build_alarm_health(self, _: Mapping[str, str]) -> Any:
        return build_alarm_health_screen(self._publisher.view(self.cache.snapshot), self.settings)

    def _build_handover(self, parameters: Mapping[str, str]) -> Any:
        return build_handover_screen(self._publisher.view(self.cache.snapshot), self.settings, parameters)

    def _build_admin_screens(self, _: Mapping[str, str]) -> Any:
        return build_admin_screens(self._publisher.view(self.cache.snapshot), self.settings, self.displays.places)

    def _build_admin_sandbox(self, _: Mapping[str, str]) -> Any:
        return build_admin_sandbox(self._publisher.view(self.cache.snapshot), self.settings)

    def _find_fault(self, path: str, body: bytes) -> str | None:
        if path == callback_body.PATH:
            return callback_body.find_fault(body, self._dash.callback_map)
        if path == ORDERS_PATH:
            return find_display_fault(path, body, self.displays.places)
        if path == DESK_LAYOUT:
            return find_layout_fault(path, body)
        if path == HANDOVER_COMMANDS:
            return find_handover_fault(path, body)
        return find_fault(path, body, self.clock.now())

    def _policy(self) -> str:
        if self._csp is None:
            tiles = urlsplit(self.settings["tiles"].replace("{", "").replace("}", ""))
            hosts = [f"{tiles.scheme}://{tiles.netloc}"] if tiles.netloc else []
            self._csp = content_security_policy(self._dash.csp_hashes(), hosts)
        return self._csp

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/live":
            await self.hub.serve(scope, receive, send, _audience_of_screen())
        elif path == "/public/stream":
            await self.public.serve(scope, receive, send)
        elif path.startswith("/timeline/") or (path == "/timeline" and scope["type"] == "websocket"):
            await self._blackbox.serve(scope, receive, send)
        elif path == "/healthz":
            await _json(send, self._health())
        elif path == "/city/basemap.json":
            await _bytes(
                send, await asyncio.to_thread((self.city.folder / "basemap.json").read_bytes), b"application/json"
            )
        elif path.startswith("/tiles/"):
            await self._tile(path, send)
        elif path.startswith("/alarms/") and path != ALARM_HEALTH:
            await self.alarms.serve(scope, receive, send)
        elif path == DESK_LAYOUT:
            await self._layouts.serve(scope, receive, send)
        elif path.startswith("/handover/"):
            await self.handover.serve(scope, receive, send)
        elif path == DAILY or path.startswith(f"{DAILY}/"):
            await self.daily.serve(scope, receive, send)
        elif path.startswith(f"{SUPPLIERS}/"):
            await self.suppliers.serve(scope, receive, send)
        elif path == DESK_DETAIL:
            await serve_detail(scope, send, lambda: self._publisher.view(self.cache.snapshot))
        elif path == STYLE_PARTS:
            parts = await asyncio.to_thread(self._write_style_parts)
            await _bytes(send, parts.encode(), b"text/html; charset=utf-8")
        elif path == FIND_PATH:
            await self._find.serve(scope, receive, send)
        elif path == ORDERS_PATH:
            await self.displays.serve(scope, receive, send)
        elif (wall := await self.walls.answer(scope)) is not None:
            await _bytes(send, wall.body, wall.content_type, wall.status)
        elif path == "/":
            home = b"/wall" if self._blackbox.incident is None else b"/timeline"
            await send({"type": "http.response.start", "status": 307, "headers": [(b"location", home)]})
            await send({"type": "http.response.body", "body": b""})
        elif path == "/admin/sandbox" and self._desk is None:
            await _bytes(send, b"404: there is nothing here\n", b"text/plain; charset=utf-8", status=404)
        else:
            if path.startswith(("/wall", "/map", "/admin/")) or path in (
                "/feeds",
                "/alarms",
                DESK,
                HANDOVER,
                TIMELINE,
                TRENDS,
                ALARM_HEALTH,
                *PAGE_PATHS,
            ):
                # Dash serves its page at its root only; which screen it shows, the page's own address says.
                scope = {**scope, "path": "/", "raw_path": b"/"}
            await self._dash.server(scope, receive, send)

    def _count_deliveries(self) -> Watched | None:
        """Robots' trips that were seen to end today; None before anything was watched."""
        days = self._diary.days
        trips = sum(spent.trips for (kind, _), spent in days.sum_fleets().items() if kind == "robot")
        return None if days.since is None else Watched(days.since, trips)

    async def _tile(self, path: str, send: Send) -> None:
        zoom, x, y = (int(p) for p in path.split("/")[2:])
        tile = await asyncio.to_thread(self._tiles.find_tile, zoom, x, y) if self._tiles else None
        if tile is None:
            await _bytes(send, b"", b"text/plain", status=404)
        else:
            await _bytes(send, tile.image, tile.content_type.encode())

    def _health(self) -> dict[str, Any]:
        """For a load balancer: that we live, and no more than anybody may know."""
        return {"status": "ok", "snapshot": self.cache.snapshot.version, "mode": self.mode}

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _store(settings: Mapping[str, Any], mode: Mode) -> Store | None:
    """Where the journal of alarms is kept; a replay's is gone with it."""
    if mode == "replay":
        return None
    try:
        return Store(Path(settings["data"]), mode, settings["journal_days"], settings["database"])
    except DatabaseError as error:
        raise SettingError(str(error)) from error


def _plan(settings: Mapping[str, Any]) -> Plan:
    try:
        return parse_shifts(settings["shifts"])
    except ShiftError as error:
        raise SettingError(f"--shifts: {error}") from error


def _notify(settings: Mapping[str, Any], mode: Mode) -> NotifySettings | None:
    """Who is told of alarms. Nobody is told of what a recording shows."""
    if mode == "replay" or not settings["notify"]:
        return None
    from alerts.notify.settings import NotifyFileError, load_notify  # and with it the clients of every channel

    try:
        return load_notify(Path(settings["notify"]))
    except NotifyFileError as error:
        raise SettingError(f"--notify: {error}") from error


def _daily(settings: Mapping[str, Any], mode: Mode) -> DailySettings | None:
    """Who gets the summary. Nobody is sent what a recording shows."""
    if mode == "replay" or not settings["daily_to"]:
        return None
    from control_room.summary.daily_file import DailyFileError, load_daily

    try:
        return load_daily(Path(settings["daily_to"]))
    except DailyFileError as error:
        raise SettingError(f"--daily-to: {error}") from error


def _host_names(settings: Mapping[str, Any]) -> set[str]:
    named = {h.strip() for h in settings["public_host"].split(",") if h.strip()}
    return set(LOOPBACK_NAMES) | named | ({settings["host"]} - {"0.0.0.0", "::"})  # noqa: S104 - compared, not bound


def _audience_of_screen() -> str:
    """The audience whose bytes this socket gets; the gate has let only walls and staff through."""
    return "wall" if WALL in audiences_now.get() else "nobody"


async def _collect_garbage() -> None:
    """The collector seldom runs by itself (server.py says why); what closed connections leave in cycles is little."""
    while True:
        await asyncio.sleep(COLLECT_EVERY_S)
        gc.collect()


def _log_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("a loop that should never end has ended", task=task.get_name(), exc_info=error)


async def _json(send: Send, content: Any) -> None:
    await _bytes(send, orjson.dumps(content), b"application/json")


async def _bytes(send: Send, body: bytes, content_type: bytes, status: int = 200) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
