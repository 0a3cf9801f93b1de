"""SIRI situation exchange: real documents, cancellations, dirt, and bodies that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError
from feeds.siri.situations import MAX_REFS
from feeds.siri_sx import decode, looks_like, observe
from tests.feeds.reading import only, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "siri"
FEED = Feed(name="sx", adapter="siri_sx", url="http://localhost/siri-sx/")
NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)


def situation(inside: str = "", number: str = "n-1") -> str:
    return (
        f"<PtSituationElement><ParticipantRef>MK</ParticipantRef><SituationNumber>{number}</SituationNumber>"
        f"{inside}</PtSituationElement>"
    )


def answer(*situations: str, head: str = "<ResponseTimestamp>2026-05-14T11:59:50Z</ResponseTimestamp>") -> bytes:
    return (
        '<?xml version="1.0"?><Siri xmlns="http://www.siri.org.uk/siri" version="2.0"><ServiceDelivery>'
        f"{head}<SituationExchangeDelivery><Situations>{''.join(situations)}</Situations>"
        "</SituationExchangeDelivery></ServiceDelivery></Siri>"
    ).encode()


def period(start: str, end: str = "") -> str:
    ends = f"<EndTime>{end}</EndTime>" if end else ""
    return f"<ValidityPeriod><StartTime>{start}</StartTime>{ends}</ValidityPeriod>"


def read(*bodies: bytes, now: datetime = NOW, feed: Feed = FEED) -> Batch:
    (batch,) = observe([decode(b) for b in bodies], feed, now)
    return batch


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def test_the_first_message_of_the_standard_is_read():
    """English before German, three lines, one stop; a period of last year is over."""
    batch = read(sample("cen-sx-first-message.xml"), now=datetime(2018, 10, 4, 10, 12, tzinfo=UTC))

    assert only(batch) == {
        "disruption_key": "sx:VBL/5a7cf4f0-c7a5-11e8-813f-f38697968b53",
        "feed": "sx",
        "disruption_id": "5a7cf4f0-c7a5-11e8-813f-f38697968b53",
        "title": "Line disruption between Luzernerhof and Verkehrshaus",
        "description": "Affected lines are 6, 8, 24 and 73",
        "language": "en",
        "cause": "fire",
        "effect": "disruption",
        "disruption_type": "travel_alert",
        "status": "published",
        "active_from": "2017-05-04T08:10:00Z",
        "active_until": "2017-05-28T15:10:00Z",
        "is_active": False,
        "periods": 1.0,
        "routes": "ch:vbl:VBL006 ch:vbl:VBL008 ch:vbl:VBL024",
        "stops": "ch:vbl:622",
        "observed_at": "2018-10-04T10:11:00Z",
        "received_at": "2018-10-04T10:12:00Z",
    }
    assert (batch.rejects, batch.warnings, batch.complete) == ({}, {}, True)


def test_a_real_trip_cancellation_of_the_light_profile_is_read():
    """The condition says that trips are cancelled; texts broken over lines come out on one."""
    batch = read(sample("siri-sx-lite.xml"), now=datetime(2024, 11, 27, 11, 49, tzinfo=UTC))
    row = only(batch)

    assert (row["disruption_type"], row["effect"], row["severity"]) == ("cancellation", "tripCancellation", "normal")
    assert row["title"] == "The busroute: 120 obstacle on the track"
    assert (row["active_from"], row["active_until"], row["is_active"]) == (
        "2024-10-04T11:08:00Z",
        "2024-11-30T12:08:00Z",
        True,
    )
    assert (row["routes"], row["cause"], row["status"]) == ("it:apb:Line:80120_.24a", "routeBlockage", "published")
    assert (batch.rejects, batch.warnings) == ({}, {})
    assert batch.published_at == datetime(2024, 11, 27, 11, 48, 4, 308988, UTC)


def test_another_siri_service_is_refused():
    """A vehicle monitoring answer at this address is a mistake, and named."""
    with pytest.raises(PayloadError, match="not_situation_exchange"):
        decode(sample("cen-vm-response.xml"))
    assert not looks_like(sample("cen-vm-response.xml"))
    assert looks_like(sample("siri-sx-lite.xml"))


def test_cancelled_journeys_are_named():
    """Trips, stops and a place in the middle of those that were sent, once each."""
    journeys = "".join(
        f"<AffectedVehicleJourney><FramedVehicleJourneyRef><DataFrameRef>2026-05-14</DataFrameRef>"
        f"<DatedVehicleJourneyRef>{t}</DatedVehicleJourneyRef></FramedVehicleJourneyRef></AffectedVehicleJourney>"
        for t in ("7-O-0800", "7-O-0830", "7-O-0800")
    )
    stops = "".join(
        f"<AffectedStopPoint><StopPointRef>{s}</StopPointRef><Location><Longitude>{lon}</Longitude>"
        f"<Latitude>52.0</Latitude></Location></AffectedStopPoint>"
        for s, lon in (("s 1", "-0.70"), ("s2", "-0.80"))
    )
    row = only(
        read(
            answer(
                situation(
                    "<MiscellaneousReason>roadworks</MiscellaneousReason>"
                    f"<Affects><StopPoints>{stops}</StopPoints><VehicleJourneys>{journeys}</VehicleJourneys></Affects>"
                    "<Consequences><Consequence><Condition>cancelled</Condition><Severity>severe</Severity></Consequence>"
                    "</Consequences>"
                )
            )
        )
    )

    assert (row["disruption_type"], row["effect"], row["severity"]) == ("cancellation", "cancelled", "severe")
    assert (row["trips"], row["stops"]) == ("7-O-0800 7-O-0830", "s_1 s2")
    assert (row["latitude"], row["longitude"]) == (52.0, pytest.approx(-0.75))


def test_the_highest_version_stays():
    """Two versions in one answer are one disruption; the older is counted."""
    two = [situation(f"<Version>{v}</Version><Summary>v{v}</Summary>") for v in (2, 10)]

    for order in (two, two[::-1]):
        batch = read(answer(*order))
        assert only(batch)["title"] == "v10"
        assert batch.rejects == {"duplicate": 1}


@pytest.mark.parametrize(
    ("inside", "expected", "warnings"),
    [
        ("", (None, None, True), {}),
        (period("2026-05-14T10:00:00Z"), ("2026-05-14T10:00:00Z", None, True), {}),
        (period("2026-05-14T10:00:00Z", "2099-12-31T00:00:00Z"), ("2026-05-14T10:00:00Z", None, True), {}),
        (period("2026-05-14T10:00:00Z", "9999-12-31T23:59:59Z"), ("2026-05-14T10:00:00Z", None, True), {}),
        (
            period("2026-05-15T10:00:00+01:00", "2026-05-15T11:00:00+01:00"),
            ("2026-05-15T09:00:00Z", "2026-05-15T10:00:00Z", False),
            {},
        ),
        (period("2026-05-14T10:00:00"), ("2026-05-14T09:00:00Z", None, True), {"time_without_offset": 1}),
        (
            period("2026-05-14T10:00:00Z", "2026-05-13T10:00:00Z"),
            (None, None, None),
            {"period_reversed": 1},
        ),
        (period("soon"), (None, None, None), {"period_unreadable": 1}),
        (
            period("2026-05-14T10:00:00Z") + "<Progress>closed</Progress>",
            ("2026-05-14T10:00:00Z", None, False),
            {},
        ),
    ],
)
def test_what_is_in_force_follows_period_and_progress(inside: str, expected: tuple[Any, ...], warnings: dict[str, int]):
    """No period is always, no or a far end is open; what cannot be believed leaves it unknown; closed is over."""
    batch = read(answer(situation("<Summary>x</Summary>" + inside)))
    row = only(batch)

    assert (row.get("active_from"), row.get("active_until"), row.get("is_active")) == expected
    assert batch.warnings == warnings


def test_people_are_not_read():
    """Who reported it, with name and telephone, is nowhere in the rows."""
    source = "<Source><SourceType>directReport</SourceType><Email>jo@example.org</Email><Name>Jo Blogs</Name></Source>"
    batch = read(answer(situation(source + "<Summary>Works</Summary>")))

    assert "Jo" not in str(batch.table.to_records()) and "example.org" not in str(batch.table.to_records())


def test_only_safe_addresses_are_kept():
    """A script in place of an address is left out and counted."""
    link = "<InfoLinks><InfoLink><Uri>{}</Uri></InfoLink></InfoLinks><Summary>x</Summary>"
    good = read(answer(situation(link.format("https://made.example/a?b=1"))))
    bad = read(answer(situation(link.format("javascript:alert(1)"))))

    assert only(good)["url"] == "https://made.example/a?b=1"
    assert "url" not in only(bad)
    assert bad.warnings == {"url_refused": 1}


def test_rows_without_identity_and_road_situations_are_counted():
    """A situation without a number cannot be followed; one of the roads is another feed's matter."""
    body = answer(
        situation(number=""),
        situation("<Summary>kept</Summary>", number="n-2"),
        situation(number="x" * 200),
        "<RoadSituationElement><SituationNumber>r</SituationNumber></RoadSituationElement>",
    )
    batch = read(body)

    assert [r["disruption_id"] for r in batch.table.to_records()] == ["n-2"]
    assert batch.rejects == {"id_missing": 1, "id_too_long": 1}
    assert batch.warnings == {"road_situation": 1}


def test_an_answer_without_situations_is_empty_not_wrong():
    """No disruption at all is the best of news."""
    batch = read(answer())

    assert (len(batch.table), batch.rejects, batch.warnings) == (0, {}, {})


def test_thousands_of_affected_lines_are_cut_and_counted():
    """One situation cannot fill memory with what it names."""
    lines = "".join(f"<LineRef>{n}</LineRef>" for n in range(MAX_REFS + 100))
    batch = read(answer(situation(f"<Summary>x</Summary><Affects><Networks>{lines}</Networks></Affects>")))

    assert only(batch)["routes"].split()[-1] == str(MAX_REFS - 1)
    assert batch.warnings == {"affected_cut": 1}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"{}", "not_xml"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><Siri/>", "xml_doctype"),
        (b"<Siri><ServiceDelivery>", "xml_broken"),
        (b"<Other/>", "not_siri"),
        (b"<Siri><ServiceDelivery/></Siri>", "not_situation_exchange"),
        (
            b"<Siri><ServiceDelivery><Status>false</Status><ErrorCondition><OtherError><ErrorText>no key api_key=abc</ErrorText>"
            b"</OtherError></ErrorCondition></ServiceDelivery></Siri>",
            "siri_error",
        ),
    ],
)
def test_what_is_no_situation_exchange_is_refused(body: bytes, reason: str):
    """Each with its own reason; the server's words come without what may be a secret."""
    with pytest.raises(PayloadError) as caught:
        decode(body)

    assert caught.value.reason == reason
    assert "abc" not in caught.value.detail


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_rows_or_a_payload_error(noise: bytes, inside: bool):
    """As a whole body, or within a sound document."""
    body = answer(situation("@@")).replace(b"@@", noise) if inside else noise
    try:
        batch = read(body)
    except PayloadError:
        return
    assert batch.kind.name == "disruption"


_WORDS = st.sampled_from(
    [
        "Summary",
        "ValidityPeriod",
        "StartTime",
        "EndTime",
        "Affects",
        "LineRef",
        "Latitude",
        "Longitude",
        "Version",
        "Consequences",
        "Consequence",
        "Condition",
        "PtSituationElement",
        "Source",
        "InfoLinks",
    ]
)
_TREE = st.recursive(
    st.tuples(_WORDS, st.text(alphabet="0-19:TZ.x", max_size=12)).map(lambda p: f"<{p[0]}>{p[1]}</{p[0]}>"),
    lambda inner: st.tuples(_WORDS, st.lists(inner, max_size=3)).map(lambda p: f"<{p[0]}>{''.join(p[1])}</{p[0]}>"),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(_TREE)
def test_known_elements_in_any_order_give_rows(inside: str):
    """The standard's own elements, nested as nobody would: rows come, or a typed error."""
    try:
        batch = read(answer(situation(inside)))
    except PayloadError:
        return
    assert len(batch.table) + sum(batch.rejects.values()) >= 1
