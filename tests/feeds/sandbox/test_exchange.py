"""The exchange over real HTTP: credentials, versions, pages, conditional requests, packing."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from google.transit import gtfs_realtime_pb2 as pb
from lxml import etree

POSITIONS = "/gtfsrt/vehicle-positions"
SIRI = {"s": "http://www.siri.org.uk/siri"}


def test_it_says_what_it_is_and_offers(sandbox):
    """The first page says SANDBOX, the seed, and every path it answers."""
    offer = sandbox.get("/").json()

    assert "SANDBOX" in offer["name"]
    assert (offer["seed"], offer["buses"], offer["robots"]) == (7, 80, 120)
    assert POSITIONS in offer["offers"]
    assert sandbox.get("/nothing-here").status_code == 404


def test_an_unchanged_answer_is_not_sent_again(sandbox):
    """Within a second of the city's clock, If-None-Match and If-Modified-Since bring 304; a second later 200."""
    first = sandbox.get(POSITIONS)
    by_tag = sandbox.get(POSITIONS, headers={"If-None-Match": first.headers["etag"]})
    by_time = sandbox.get(POSITIONS, headers={"If-Modified-Since": first.headers["last-modified"]})
    sandbox.clock.advance(1)
    later = sandbox.get(
        POSITIONS, headers={"If-None-Match": first.headers["etag"], "If-Modified-Since": first.headers["last-modified"]}
    )

    assert (first.status_code, by_tag.status_code, by_time.status_code, later.status_code) == (200, 304, 304, 200)
    assert by_tag.content == b""
    assert later.content != first.content
    assert first.headers["last-modified"] == "Thu, 14 May 2026 07:15:00 GMT"


def test_the_tag_outranks_the_time(sandbox):
    """A reader whose tag differs gets the answer, whatever time it names."""
    seen = sandbox.get(
        POSITIONS, headers={"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    )

    assert seen.status_code == 200


@pytest.mark.parametrize(("accept", "packed"), [("gzip, br", True), ("identity", False), ("gzip;q=0", False)])
def test_answers_are_packed_for_those_who_ask(sandbox, accept, packed):
    """Gzip when Accept-Encoding allows it, and the same bytes inside."""
    plain = sandbox.get(POSITIONS).content
    with httpx.stream("GET", sandbox.base + POSITIONS, headers={"Accept-Encoding": accept}) as answer:
        raw = b"".join(answer.iter_raw())

    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert (gzip.decompress(raw) if packed else raw) == plain
    assert len(raw) < len(plain) or not packed


def test_many_readers_get_the_same_bytes(sandbox):
    """One answer a second is made, and all who ask within it get that one."""
    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(lambda _: sandbox.get(POSITIONS).content, range(24)))

    assert len(bodies) == 1


def test_robots_come_in_pages_that_end(sandbox):
    """Following `next` brings every robot once and stops at null."""
    url, devices, pages = f"{sandbox.base}/mds/vehicles/status", [], 0
    while url:
        answer = httpx.get(url, headers=sandbox.mds)
        devices += [row["device_id"] for row in answer.json()["vehicles_status"]]
        url, pages = answer.json()["links"]["next"], pages + 1
        assert pages < 10

    assert answer.headers["content-type"] == "application/vnd.mds+json;version=2.0"
    assert (pages, len(devices), len(set(devices))) == (3, 120, 120)


def test_one_robot_can_be_asked_for(sandbox):
    """By device id; an unknown one is 404 in the standard's error form."""
    device = httpx.get(f"{sandbox.base}/mds/vehicles/status", headers=sandbox.mds).json()["vehicles_status"][7][
        "device_id"
    ]
    one = httpx.get(f"{sandbox.base}/mds/vehicles/status/{device}", headers=sandbox.mds)
    none = httpx.get(f"{sandbox.base}/mds/vehicles/status/nobody", headers=sandbox.mds)

    assert [row["device_id"] for row in one.json()["vehicles_status"]] == [device]
    assert none.status_code == 404
    assert set(none.json()) == {"error", "error_description", "error_details"}


@pytest.mark.parametrize(
    ("headers", "params", "status"),
    [
        ({"Accept": "application/vnd.mds+json;version=2.0"}, {}, 401),
        ({"Authorization": "Bearer wrong", "Accept": "application/vnd.mds+json;version=2.0"}, {}, 401),
        ({"Authorization": "Bearer sandbox-demo-token"}, {}, 406),
        ({"Authorization": "Bearer sandbox-demo-token", "Accept": "application/vnd.mds+json;version=0.4"}, {}, 406),
        (
            {
                "Authorization": "Bearer sandbox-demo-token",
                "Accept": "text/html, application/vnd.mds+json; version=2.0",
            },
            {},
            200,
        ),
        (
            {"Authorization": "Bearer sandbox-demo-token", "Accept": "application/vnd.mds+json;version=2.0"},
            {"page": "9"},
            400,
        ),
        (
            {"Authorization": "Bearer sandbox-demo-token", "Accept": "application/vnd.mds+json;version=2.0"},
            {"page": "-1"},
            400,
        ),
    ],
)
def test_mds_asks_for_token_and_version(sandbox, headers, params, status):
    """401 without the token, 406 without a version it speaks, 400 for a page there is not: each as an MDS error."""
    answer = httpx.get(f"{sandbox.base}/mds/vehicles/status", headers=headers, params=params)

    assert answer.status_code == status
    if status != 200:
        assert {"error", "error_description", "error_details"} <= set(answer.json())
        assert answer.json()["error_details"]


def test_siri_filters_as_the_service_does(sandbox):
    """A box and a line leave only the buses that are in it and on it."""
    everything = etree.fromstring(sandbox.get("/api/v1/datafeed/", params={"api_key": sandbox.key}).content)
    lines = [e.text for e in everything.iterfind(".//s:LineRef", SIRI)]
    one = etree.fromstring(
        sandbox.get("/api/v1/datafeed/", params={"api_key": sandbox.key, "lineRef": lines[0]}).content
    )
    west = etree.fromstring(
        sandbox.get("/api/v1/datafeed/", params={"api_key": sandbox.key, "boundingBox": "-0.9,51.9,-0.76,52.2"}).content
    )
    longitudes = [float(e.text) for e in west.iterfind(".//s:Longitude", SIRI)]

    assert [e.text for e in one.iterfind(".//s:LineRef", SIRI)] == [line for line in lines if line == lines[0]]
    assert 0 < len(longitudes) < 24
    assert max(longitudes) <= -0.76


@pytest.mark.parametrize("path", ["/api/v1/datafeed/", "/api/v1/gtfsrtdatafeed/"])
@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 401),
        ({"api_key": "wrong"}, 401),
        ({"api_key": "sandbox-demo-key", "format": "json"}, 400),
        ({"api_key": "sandbox-demo-key", "boundingBox": "1,2,3"}, 400),
        ({"api_key": "sandbox-demo-key", "boundingBox": "-0.6,51.9,-0.9,52.2"}, 400),
    ],
)
def test_the_service_refuses_as_it_does(sandbox, path, params, status):
    """401 without a key, 400 for what it does not know: XML on the SIRI route, text on the protobuf route."""
    answer = sandbox.get(path, params=params)

    assert answer.status_code == status
    if "gtfsrt" in path:
        assert answer.headers["content-type"].startswith("text/plain")
    else:
        assert etree.fromstring(answer.content).find(".//s:ErrorText", SIRI) is not None


def test_the_protobuf_route_of_the_service_answers(sandbox):
    """The same number of buses as in XML."""
    message = pb.FeedMessage()
    message.ParseFromString(sandbox.get("/api/v1/gtfsrtdatafeed/", params={"api_key": sandbox.key}).content)

    assert len(message.entity) == 24
