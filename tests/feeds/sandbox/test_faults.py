"""Each fault, by real HTTP: it is what it says it is, only where and as long as asked for."""

from __future__ import annotations

import time

import httpx
import orjson
import pytest
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as pb
from lxml import etree

from feeds.sandbox.faults import FAULTS

POSITIONS = "/gtfsrt/vehicle-positions"
STATUS = "/mds/vehicles/status"
DATAFEED = "/api/v1/datafeed/"


def read(body: bytes) -> pb.FeedMessage:
    message = pb.FeedMessage()
    message.ParseFromString(body)
    return message


def rows(sandbox):
    return sandbox.get(STATUS, headers=sandbox.mds).json()["vehicles_status"]


def test_slow_answers_late_and_whole(sandbox):
    """The answer comes after the delay asked for, and is right."""
    plain = sandbox.get(POSITIONS).content
    sandbox.fault(POSITIONS, "slow", delay_s=0.4)
    began = time.monotonic()
    body = sandbox.get(POSITIONS).content

    assert time.monotonic() - began >= 0.4
    assert body == plain


def test_slow_outlasts_an_impatient_reader(sandbox):
    """A reader that waits less than the delay times out."""
    sandbox.fault(POSITIONS, "slow", delay_s=5)

    with pytest.raises(httpx.ReadTimeout):
        httpx.get(sandbox.base + POSITIONS, timeout=httpx.Timeout(60, read=0.2))


def test_drip_sends_a_byte_at_a_time(sandbox):
    """Bytes come one by one, so that no single read times out, and the whole takes its time."""
    whole = sandbox.get("/gtfsrt/alerts").content
    sandbox.fault("/gtfsrt/alerts", "drip", every_s=0.01)
    got = b""
    began = time.monotonic()
    with httpx.stream("GET", f"{sandbox.base}/gtfsrt/alerts", headers={"Accept-Encoding": "identity"}) as answer:
        for piece in answer.iter_raw():
            got += piece
            if len(got) >= 20:
                break

    assert time.monotonic() - began >= 0.15
    assert int(answer.headers["content-length"]) == len(whole)
    assert whole.startswith(got)
    assert len(got) < len(whole)


def test_refused_closes_without_an_answer(sandbox):
    """The connection ends and nothing was said."""
    sandbox.fault(POSITIONS, "refused")

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.get(POSITIONS)


def test_500_is_a_server_error(sandbox):
    """The exchange fails by its own fault."""
    sandbox.fault(POSITIONS, "500")

    assert sandbox.get(POSITIONS).status_code == 500


def test_429_says_when_to_come_back(sandbox):
    """Too many requests, with Retry-After in seconds."""
    sandbox.fault(POSITIONS, "429", retry_after_s=12)
    answer = sandbox.get(POSITIONS)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "12")


def test_empty_is_200_and_nothing(sandbox):
    """A success without a body."""
    sandbox.fault(POSITIONS, "empty")
    answer = sandbox.get(POSITIONS)

    assert (answer.status_code, answer.content) == (200, b"")


def test_truncated_promises_more_than_it_sends(sandbox):
    """The connection ends before the promised length."""
    sandbox.fault(POSITIONS, "truncated")

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        sandbox.get(POSITIONS)


def test_malformed_is_of_no_format(sandbox):
    """Protobuf, XML and JSON each fail to be read, under a success and an honest length."""
    sandbox.fault("*", "malformed")
    protobuf, xml = sandbox.get(POSITIONS), sandbox.get(DATAFEED, params={"api_key": sandbox.key})
    json = sandbox.get(STATUS, headers=sandbox.mds)

    assert {a.status_code for a in (protobuf, xml, json)} == {200}
    with pytest.raises(DecodeError):
        read(protobuf.content)
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(xml.content)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(json.content)


def test_stale_is_old_rows_under_a_fresh_header(sandbox):
    """Rows stand still an hour ago while the header goes on."""
    sandbox.fault("*", "stale", age_s=3600)
    first = read(sandbox.get(POSITIONS).content)
    sandbox.clock.advance(30)
    second = read(sandbox.get(POSITIONS).content)
    now_s = int(sandbox.clock.now().timestamp())

    assert (first.header.timestamp, second.header.timestamp) == (now_s - 30, now_s)
    assert [e.SerializeToString() for e in first.entity] == [e.SerializeToString() for e in second.entity]
    assert all(3600 <= now_s - e.vehicle.timestamp <= 3640 for e in second.entity)
    assert all(r["last_telemetry"]["timestamp"] < (now_s - 3600) * 1000 for r in rows(sandbox))


def test_future_is_dated_ahead(sandbox):
    """Observations lie ten minutes ahead, the header does not."""
    sandbox.fault("*", "future")
    message = read(sandbox.get(POSITIONS).content)
    now_s = int(sandbox.clock.now().timestamp())

    assert message.header.timestamp == now_s
    assert all(590 <= e.vehicle.timestamp - now_s <= 600 for e in message.entity)
    assert sum(r["last_telemetry"]["timestamp"] > (now_s + 590) * 1000 for r in rows(sandbox)) > 45


def test_duplicated_says_every_row_twice(sandbox):
    """Twice the rows, the same identities, in all three formats."""
    sandbox.fault("*", "duplicated")
    message = read(sandbox.get(POSITIONS).content)
    xml = etree.fromstring(sandbox.get(DATAFEED, params={"api_key": sandbox.key}).content)

    assert (len(message.entity), len({e.id for e in message.entity})) == (112, 56)
    assert len(xml.findall(".//{*}VehicleActivity")) == 48
    assert (len(rows(sandbox)), len({r["device_id"] for r in rows(sandbox)})) == (100, 50)


def test_drift_renames_adds_and_retypes(sandbox):
    """Half the rows lack their position under its name, half have times no reader expects, all have something new."""
    sandbox.fault("*", "drift")
    message = read(sandbox.get(POSITIONS).content)
    robots = rows(sandbox)
    xml = etree.fromstring(sandbox.get(DATAFEED, params={"api_key": sandbox.key}).content)

    assert [e.vehicle.HasField("position") for e in message.entity[:4]] == [True, False, True, False]
    assert message.entity[0].vehicle.timestamp > 10**12
    assert "lat" not in robots[1]["last_telemetry"]["location"]
    assert robots[0]["last_telemetry"]["timestamp"] == "just now"
    assert all(r["colour"] == "white" for r in robots)
    assert len(xml.findall(".//{*}Lat")) == 12
    assert len(xml.findall(".//{*}Colour")) == 24


def test_a_fault_touches_only_its_path(sandbox):
    """Other feeds go on as before; a pattern touches all it matches."""
    sandbox.fault("/gtfsrt/*", "500")

    assert sandbox.get(POSITIONS).status_code == sandbox.get("/gtfsrt/alerts").status_code == 500
    assert sandbox.get(STATUS, headers=sandbox.mds).status_code == 200
    assert sandbox.get("/").status_code == 200


def test_a_fault_ends_by_itself(sandbox):
    """After its time the feed is well, without anybody clearing it."""
    sandbox.fault(POSITIONS, "500", for_s=30)
    sandbox.stopwatch.now += 29
    before = sandbox.get(POSITIONS).status_code
    sandbox.stopwatch.now += 2

    assert (before, sandbox.get(POSITIONS).status_code) == (500, 200)


def test_faults_are_listed_and_cleared(sandbox):
    """What holds can be seen; a new fault on a path replaces the old; clearing ends one or all."""
    sandbox.fault(POSITIONS, "500")
    sandbox.fault(POSITIONS, "empty")
    sandbox.fault(STATUS, "429")
    url = f"{sandbox.base}/sandbox/faults"
    held = [(f["path"], f["fault"]) for f in httpx.get(url).json()["faults"]]
    httpx.delete(url, params={"path": STATUS})
    left = [f["path"] for f in httpx.get(url).json()["faults"]]

    assert held == [(POSITIONS, "empty"), (STATUS, "429")]
    assert left == [POSITIONS]
    assert httpx.delete(url).json() == {"faults": []}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"path": "*", "fault": "gremlins"}, "no fault 'gremlins'"),
        ({"path": "*", "fault": "slow", "delay": 3}, "no option 'delay'"),
        ({"path": "*", "fault": "slow", "delay_s": "long"}, "not a number"),
        ({"path": "*", "fault": "slow", "delay_s": True}, "not a number"),
        ({"path": "*", "fault": "500", "for_s": -1}, "not from 0"),
        ({"path": "", "fault": "500"}, "path is a text"),
        (["500"], "a JSON object"),
    ],
)
def test_a_wish_that_cannot_be_met_is_explained(sandbox, wish, said):
    """A wrong request changes nothing and says what is wrong with it."""
    answer = httpx.post(f"{sandbox.base}/sandbox/faults", json=wish)

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert httpx.get(f"{sandbox.base}/sandbox/faults").json() == {"faults": []}


def test_no_web_page_can_switch_a_fault_on(sandbox):
    """A form of some site in the operator's browser is refused: it cannot send JSON unasked."""
    answer = httpx.post(
        f"{sandbox.base}/sandbox/faults", content=b'{"fault":"500"}', headers={"Content-Type": "text/plain"}
    )

    assert answer.status_code == 415


def test_a_huge_wish_is_not_read(sandbox):
    """The control door reads ten kilobytes and no more."""
    answer = httpx.post(
        f"{sandbox.base}/sandbox/faults", content=b" " * 20_000, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert "more than" in answer.json()["error"]


def test_every_fault_is_documented():
    """docs/sandbox.md names each fault and each of its options."""
    from pathlib import Path

    text = (Path(__file__).resolve().parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    missing = [f"`{word}`" for kind, options in FAULTS.items() for word in (kind, *options) if f"`{word}`" not in text]

    assert missing == []
