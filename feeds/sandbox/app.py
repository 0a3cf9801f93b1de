"""The sandbox exchange as an ASGI application: the city's answers on the paths real suppliers use.

An answer is made at most once for each second of the city's clock and kept, so
many readers cost what one does. Credentials are fixed demonstration values, in
the open on purpose: they guard nothing, they let readers show that they send them.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import partial

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Path
from starlette.types import ASGIApp

from control_room.clock import Clock
from feeds.sandbox import bods, buses, robots
from feeds.sandbox.city import City, View, to_utc
from feeds.sandbox.faults import FAULTS, BadFault, Fault, Faults, choose_view
from feeds.sandbox.happenings import Happenings
from feeds.sandbox.robots import Page
from feeds.sandbox.runs import AlreadyRunning, BadRun, Runs, build_overlay, find_fault
from feeds.sandbox.scenario import BadScenario, list_scenarios
from feeds.sandbox.twins import Asked, Offer, Refusal, list_twins
from feeds.sandbox.wire import FaultGate

# What the feed file of the sandbox reads from the environment.
DEMO_ENVIRONMENT: Mapping[str, str] = {
    "SANDBOX_BODS_KEY": "sandbox-demo-key",
    "SANDBOX_MDS_TOKEN": "sandbox-demo-token",
    **{name: value for twin in list_twins() for name, value in twin.environment.items()},
}
KEPT_ANSWERS = 32
CONTROL_MAX_BYTES = 10_000
PROTOBUF = "application/x-protobuf"
MDS_TYPE = "application/vnd.mds+json;version=2.0"
MDS_VERSIONS = ("2.0",)


@dataclass
class Answer:
    """A body with what conditional requests need; packed when first asked for so."""

    body: bytes
    etag: str
    packed: bytes | None = None

    def gzipped(self) -> bytes:
        if self.packed is None:
            # Level 3: half the time of the usual 6 for a tenth more bytes. mtime 0: same city, same bytes.
            self.packed = gzip.compress(self.body, 3, mtime=0)
        return self.packed


class Exchange:
    """One city and one clock behind HTTP."""

    def __init__(
        self, city: City, clock: Clock, faults: Faults, real_now: Callable[[], float] = time.monotonic
    ) -> None:
        self.city = city
        self.faults = faults
        self.runs = Runs()
        self._clock = clock
        self._real_now = real_now
        self._kept: OrderedDict[tuple[object, ...], Answer] = OrderedDict()

    def view(self, request: Request) -> View:
        return choose_view(request.scope.get("sandbox.fault"), self._now_s())

    def answer(self, request: Request, view: View, kind: str, key: object, make: Callable[[], bytes]) -> Response:
        """The answer made by `make`, kept under path and key for as long as the view is the same."""
        name = (request.url.path, key, view)
        kept = self._kept.get(name)
        if kept is None:
            body = make()
            kept = Answer(body, f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"')
            self._kept[name] = kept
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)
        headers = {
            "Content-Type": kind,
            "ETag": kept.etag,
            "Last-Modified": formatdate(view.published_s, usegmt=True),
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
        }
        if _is_unchanged(request, kept.etag, view.published_s):
            return Response(status_code=304, headers=headers)
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(kept.gzipped(), headers={**headers, "Content-Encoding": "gzip"})
        return Response(kept.body, headers=headers)

    async def offers(self, request: Request) -> Response:
        now_s = self._now_s()
        return JSONResponse(
            {
                "name": "SANDBOX exchange: a simulated city, nothing here is real",
                "seed": self.city.seed,
                "now": to_utc(now_s).isoformat().replace("+00:00", "Z"),
                "buses": self.city.bus_movement.size,
                "robots": self.city.robot_movement.size,
                "offers": {path: text for path, _, text in _routes(self) if text},
                "faults": list(FAULTS),
                "scenarios": [scenario.name for scenario in list_scenarios()],
            }
        )

    async def gtfsrt(self, request: Request, make: Callable[[City, View], bytes]) -> Response:
        view = self.view(request)
        return self.answer(request, view, PROTOBUF, None, lambda: make(self.city, view))

    async def siri(self, request: Request) -> Response:
        view = self.view(request)
        refusal = self._bods_refusal(request)
        if refusal:
            text, status = refusal
            body = bods.build_error(text, to_utc(view.published_s))
            return Response(body, status, {"Content-Type": "text/xml"})
        filters = bods.read_filters(request.query_params)
        key = tuple(sorted(filters.items()))
        return self.answer(request, view, "text/xml", key, lambda: bods.build_siri(self.city, view, filters))

    async def bods_gtfsrt(self, request: Request) -> Response:
        refusal = self._bods_refusal(request)
        if refusal:
            return PlainTextResponse(*refusal)
        view = self.view(request)
        filters = bods.read_filters(request.query_params)

        def make() -> bytes:
            return buses.build_positions(self.city, view, bods.find_buses(self.city, view, filters), as_bods=True)

        return self.answer(request, view, PROTOBUF, tuple(sorted(filters.items())), make)

    async def mds_status(self, request: Request) -> Response:
        return self._mds_pages(request, robots.build_status)

    async def mds_vehicles(self, request: Request) -> Response:
        return self._mds_pages(request, robots.build_vehicles)

    async def mds_one_status(self, request: Request) -> Response:
        refusal = self._mds_refusal(request)
        if refusal:
            return refusal
        robot = robots.find_robot(self.city, request.path_params["device_id"])
        if robot is None:
            return _mds_error(404, "not_found", "No vehicle has that device_id.", request.url.path)
        view, page = self.view(request), Page(1, 1, _address(request))
        return self.answer(request, view, MDS_TYPE, None, lambda: robots.build_one_status(self.city, view, robot, page))

    async def twin(self, request: Request, offer: Offer) -> Response:
        view = self.view(request)
        query = {**dict(request.query_params), **{k: str(v) for k, v in request.path_params.items()}}
        headers = {k.lower(): v for k, v in request.headers.items()}
        asked = Asked(query, headers, _address(request), str(request.base_url).rstrip("/"))
        made = offer.make(self.city, view, asked)
        if isinstance(made, Refusal):
            return Response(made.body, made.status, {"Content-Type": made.kind, **made.headers})
        return self.answer(request, view, offer.kind, tuple(sorted(query.items())), lambda: made)

    async def control(self, request: Request) -> Response:
        """List, set or clear faults."""
        now = self._real_now()
        if request.method == "DELETE":
            self.faults.clear(request.query_params.get("path"))
        elif request.method == "POST":
            # A web page cannot send this type to us unasked, so no site can switch faults on.
            if request.headers.get("content-type", "").split(";")[0] != "application/json":
                return JSONResponse({"error": "send application/json"}, 415)
            try:
                wish = orjson.loads(await _read_body(request))
                self.faults.add(wish, now, self._now_s())
            except (orjson.JSONDecodeError, BadFault) as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"faults": [f.as_json(now) for f in self.faults.list_held(now)]})

    async def control_scenarios(self, request: Request) -> Response:
        """List, start or stop scenarios; the answer is always the list as it then is."""
        try:
            if request.method == "DELETE":
                self.stop_scenario(request.query_params.get("name"))
            elif request.method == "POST":
                if request.headers.get("content-type", "").split(";")[0] != "application/json":
                    return JSONResponse({"error": "send application/json"}, 415)
                self.start_scenario(*_read_start(orjson.loads(await _read_body(request))))
        except BadScenario as error:
            return JSONResponse({"error": str(error)}, 404)
        except AlreadyRunning as error:
            return JSONResponse({"error": str(error)}, 409)
        except (orjson.JSONDecodeError, BadFault, BadRun) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self.runs.as_json(self._now_s(), self._clock.rate))

    def start_scenario(self, name: str, started_s: int | None = None) -> None:
        """Start a scenario now, or as if at that second of the city.

        Raises:
            BadScenario: there is none of that name.
            BadRun: it cannot be started, as it runs or that second is far from now.
        """
        self.runs.start(name, self._now_s(), started_s)
        self._renew_city()

    def stop_scenario(self, name: str | None) -> None:
        """Stop that scenario, or all; what it did goes back to usual by the ways of the city, without a jump.

        Raises:
            BadScenario: there is none of that name.
        """
        self.runs.stop(name, self._now_s())
        self._renew_city()

    def find_fault(self, path: str) -> Fault | None:
        """The fault that holds on that path now: one set by hand, else one of a scenario that runs."""
        by_hand = self.faults.find(path, self._real_now())
        return by_hand or find_fault(self.runs.runs, path, self._now_s())

    def _renew_city(self) -> None:
        self.city.happenings = Happenings(self.city.seed, build_overlay(self.runs.runs))
        # Answers of this second were made before it.
        self._kept.clear()

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())

    def _bods_refusal(self, request: Request) -> tuple[str, int] | None:
        if request.query_params.get("api_key") != DEMO_ENVIRONMENT["SANDBOX_BODS_KEY"]:
            return "Authentication credentials were not provided or are not known.", 401
        try:
            bods.read_filters(request.query_params)
        except bods.BadFilter as error:
            return str(error), 400
        return None

    def _mds_refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {DEMO_ENVIRONMENT['SANDBOX_MDS_TOKEN']}":
            refusal = _mds_error(401, "unauthorized", "A bearer token that we know is needed.", "Authorization")
            refusal.headers["WWW-Authenticate"] = 'Bearer realm="sandbox"'
            return refusal
        if not _accepts_mds(request.headers.get("accept", "")):
            # Without a version the standard means 0.2, which we never spoke.
            return _mds_error(
                406, "not_acceptable", f"Ask for {MDS_TYPE} in Accept.", "Accept", supported=list(MDS_VERSIONS)
            )
        return None

    def _mds_pages(self, request: Request, make: Callable[[City, View, Page], bytes]) -> Response:
        refusal = self._mds_refusal(request)
        if refusal:
            return refusal
        text, pages = request.query_params.get("page", "1"), robots.count_pages(self.city)
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= pages):
            return _mds_error(400, "bad_param", f"page must be a number from 1 to {pages}.", "page")
        view, page = self.view(request), Page(int(text), pages, _address(request))
        return self.answer(request, view, MDS_TYPE, page, lambda: make(self.city, view, page))


def create_sandbox(
    city: City, clock: Clock, real_now: Callable[[], float] = time.monotonic, scenarios: Sequence[str] = ()
) -> ASGIApp:
    """The exchange, faults and scenarios included.

    Args:
        clock: what the city goes by; scenarios too.
        real_now: seconds by which faults set by hand run out.
        scenarios: names of those that start at once.

    Raises:
        BadScenario: there is none of such a name.
        BadRun: one is named twice.
    """
    faults = Faults()
    exchange = Exchange(city, clock, faults, real_now)
    for name in scenarios:
        exchange.start_scenario(name)
    routes = [Path(path, handler, methods=["GET"]) for path, handler, _ in _routes(exchange)]
    routes.append(Path("/sandbox/faults", exchange.control, methods=["GET", "POST", "DELETE"]))
    routes.append(Path("/sandbox/scenarios", exchange.control_scenarios, methods=["GET", "POST", "DELETE"]))
    return FaultGate(Starlette(routes=routes), exchange.find_fault)


def _routes(exchange: Exchange) -> list[tuple[str, Callable[..., object], str]]:
    """Path, handler, and what it offers; "" is another spelling of one above."""
    return [
        ("/", exchange.offers, ""),
        ("/gtfsrt/vehicle-positions", partial(exchange.gtfsrt, make=buses.build_positions), "GTFS-Realtime 2.0"),
        ("/gtfsrt/trip-updates", partial(exchange.gtfsrt, make=buses.build_trip_updates), "GTFS-Realtime 2.0"),
        ("/gtfsrt/alerts", partial(exchange.gtfsrt, make=buses.build_alerts), "GTFS-Realtime 2.0"),
        ("/api/v1/datafeed/", exchange.siri, "SIRI-VM 2.0 as the Bus Open Data Service answers; api_key"),
        ("/api/v1/datafeed", exchange.siri, ""),
        ("/api/v1/gtfsrtdatafeed/", exchange.bods_gtfsrt, "the same positions as GTFS-Realtime; api_key"),
        ("/api/v1/gtfsrtdatafeed", exchange.bods_gtfsrt, ""),
        ("/mds/vehicles", exchange.mds_vehicles, "MDS 2.0; bearer token"),
        ("/mds/vehicles/status", exchange.mds_status, "MDS 2.0; bearer token"),
        ("/mds/vehicles/status/{device_id}", exchange.mds_one_status, "MDS 2.0; bearer token"),
        *((o.path, partial(exchange.twin, offer=o), o.words) for twin in list_twins() for o in twin.offers),
    ]


def _address(request: Request) -> str:
    return str(request.url.replace(query=""))


def _mds_error(status: int, error: str, description: str, detail: str, **more: object) -> Response:
    return Response(robots.build_error(error, description, detail, **more), status, {"Content-Type": MDS_TYPE})


def _accepts_mds(accept: str) -> bool:
    """Whether a version we speak is among those the Accept header names."""
    for item in accept.split(","):
        kind, *params = (part.strip().lower() for part in item.split(";"))
        if kind == "application/vnd.mds+json" and any(p == f"version={v}" for p in params for v in MDS_VERSIONS):
            return True
    return False


def _takes_gzip(accept_encoding: str) -> bool:
    for item in accept_encoding.split(","):
        name, *params = (part.strip().lower() for part in item.split(";"))
        if name == "gzip":
            return not any(p.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for p in params)
    return False


def _is_unchanged(request: Request, etag: str, modified_s: int) -> bool:
    """Whether the reader holds this answer; If-None-Match outranks If-Modified-Since (RFC 9110, 13.2.2)."""
    held = request.headers.get("if-none-match")
    if held is not None:
        return etag in (tag.strip() for tag in held.split(",")) or held.strip() == "*"
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return parsedate_to_datetime(since).timestamp() >= modified_s
    except ValueError:
        return False


def _read_start(wish: object) -> tuple[str, int | None]:
    """Name, and second of the city where one is given, of a request to start a scenario.

    Raises:
        BadRun: it is no such request.
    """
    if not isinstance(wish, dict) or not isinstance(wish.get("name"), str):
        raise BadRun('send {"name": "..."}, and "started_at" where it is not to start now')
    if strange := sorted(set(map(str, wish)) - {"name", "started_at"}):
        raise BadRun(f"{strange[0][:80]!r} is not known here; name and started_at are")
    text = wish.get("started_at")
    if text is None:
        return wish["name"], None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRun("started_at must be a time with a zone, such as 2026-05-14T07:15:00Z")
    return wish["name"], int(moment.timestamp())


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body.extend(chunk)
        if len(body) > CONTROL_MAX_BYTES:
            raise BadFault(f"more than {CONTROL_MAX_BYTES} bytes")
    return bytes(body)
