"""PM files of 5G cells: real files, both roots and layouts, each kind of dirt, and bodies that are none."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.feed import Feed, PayloadError
from feeds.pm_files.report import MAX_NAMES
from feeds.pm_xml import ADAPTER, decode, find_cell_id, looks_like
from tests.feeds.reading import only, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "pm-xml"
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, 15, 30, tzinfo=UTC)
END = "2026-03-02T12:15:00Z"
FEED = Feed(name="cells", adapter="pm_xml", url="http://localhost/pm")
CELL = "ManagedElement=gnb-1,GNBDUFunction=1,NRCellDU=MK-1"

# What a healthy cell reports, by TS 28.552.
GOOD: Mapping[str, str] = {
    "RRU.PrbTotDl": "42",
    "RRU.PrbTotUl": "17.000000",
    "DRB.UEThpDl": "85000",
    "DRB.UEThpUl": "9000",
    "DRB.AirIfDelayDl": "85",
    "RRC.ConnMean": "12.5",
    "RRC.ConnEstabAtt": "200",
    "RRC.ConnEstabSucc": "198",
    "RRU.CellUnavailableTime": "0",
}


def info(
    values: Mapping[str, str], cell: str = CELL, end: str = END, listed: bool = False, suspect: str = "", more: str = ""
) -> str:
    """One measInfo with one object; `listed` takes the layout of lists matched by position."""
    period = f'<granPeriod duration="PT900S" endTime="{end}"/>' if end else ""
    if listed:
        names = f"<measTypes>{' '.join(values)}</measTypes>"
        results = f"<measResults>{' '.join(values.values())}</measResults>"
    else:
        names = "".join(f'<measType p="{p}">{name}</measType>' for p, name in enumerate(values, 1))
        results = "".join(f'<r p="{p}">{value}</r>' for p, value in enumerate(values.values(), 1))
    doubt = f"<suspect>{suspect}</suspect>" if suspect else ""
    return f'<measInfo>{period}{names}<measValue measObjLdn="{cell}">{results}{more}{doubt}</measValue></measInfo>'


def collected(*infos: str, closed: str = "2026-03-02T12:15:00Z") -> bytes:
    """A whole file of TS 32.435."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="MeasDataCollection.xsl"?>'
        '<measCollecFile xmlns="http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec">'
        '<fileHeader fileFormatVersion="32.435 V10.0"><fileSender localDn="gnb-1"/>'
        '<measCollec beginTime="2026-03-02T12:00:00Z"/></fileHeader>'
        f'<measData><managedElement localDn="gnb-1"/>{"".join(infos)}</measData>'
        f'<fileFooter><measCollec endTime="{closed}"/></fileFooter></measCollecFile>'
    ).encode()


def measured(*infos: str) -> bytes:
    """A whole file of TS 28.532: another root, and measData in its header and footer too."""
    return (
        '<measDataFile xmlns="http://www.3gpp.org/ftp/specs/archive/28_series/28.532#measData">'
        '<fileHeader fileFormatVersion="28.532 V7.0"><fileSender senderName="gnb-1"/>'
        '<measData beginTime="2026-03-02T12:00:00Z"/></fileHeader>'
        f'<measData><measEntity localDn="gnb-1"/>{"".join(infos)}</measData>'
        '<fileFooter><measData endTime="2026-03-02T12:15:00Z"/></fileFooter></measDataFile>'
    ).encode()


def feed(**options: Any) -> Feed:
    return FEED.model_copy(update={"options": options})


def read(*bodies: bytes, now: datetime = NOW, by: Feed = FEED) -> Batch:
    return read_one(ADAPTER, by, now, *bodies)


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def failure(body: bytes) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        decode(body)
    return caught.value


# Real files


def test_ericsson_file_tells_which_cells_are_down():
    """Of 2,667 counters 409 are lists; the few names we are sure of give users, set-ups and time out of service."""
    batch = read(sample("ericsson-nr-2022-04-18.xml"))
    rows = {row["cell_id"]: row for row in batch.table.to_records()}

    assert {name: (row["state"], row["availability_percent"]) for name, row in rows.items()} == {
        "seliitdus00487/32": ("up", 100),
        "seliitdus00487/31": ("up", 100),
        "seliitdus00487/2": ("down", 0),
        "seliitdus00487/1": ("down", 0),
        "seliitdus00487/EUtranCellFDD=2": ("down", 0),
        "seliitdus00487/EUtranCellFDD=1": ("down", 0),
    }
    assert rows["seliitdus00487/32"] == {
        **dict.fromkeys(batch.table.columns),
        "cell_key": "cells:seliitdus00487/32",
        "feed": "cells",
        "cell_id": "seliitdus00487/32",
        "state": "up",
        "availability_percent": 100,
        "devices_mean": 0,
        "setup_attempts": 0,
        "period_s": 900,
        "suspect": False,
        "observed_at": "2022-04-18T19:15:00Z",
        "received_at": "2026-03-02T12:15:30Z",
    }
    assert batch.warnings["value_list"] == 409
    assert batch.rejects == {}


@pytest.mark.parametrize("name", ["ts32435-5g.xml", "ts28532-nr.xml", "pm-report.json"])
def test_cells_with_counters_of_another_network_are_left_out_and_counted(name: str):
    """The standards' own examples hold GSM counters: three cells, none of whose counters we know."""
    batch = read(sample(name))

    assert (len(batch.table), batch.rejects) == (0, {"no_known_counter": 3})
    assert (batch.warnings["value_list"], batch.warnings["object_no_cell"]) == (1, 1)
    assert batch.warnings["counter_unknown"] == 24
    assert batch.offending == {"no_known_counter": "UtranCell=Gbg-997"}


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("ts32435-5g.xml", "2000-03-01T12:14:30Z"),
        ("ts28532-nr.xml", "2000-03-01T12:14:30Z"),
        ("pm-report.json", "2023-02-14T12:43:36.564Z"),
    ],
)
def test_a_vendor_name_can_be_mapped_by_the_feed(name: str, end: str):
    """A feed that says what a counter means gets rows: exact values, end of the period, and what is suspect."""
    counters = {"attTCHSeizures": "RRC.ConnEstabAtt", "attTCHSeizures5": "RRC.ConnMean"}
    rows = read(sample(name), by=feed(counters=counters)).table.to_records()

    assert [(r["cell_id"], r["setup_attempts"], r["devices_mean"], r["suspect"], r["state"]) for r in rows] == [
        ("UtranCell=Gbg-997", 813 if "json" in name else 234, 238, False, "up"),
        ("UtranCell=Gbg-998", 890, 898, False, "up"),
        ("UtranCell=Gbg-999", 456, 454, True, "unknown"),
    ]
    assert {(r["observed_at"], r["period_s"]) for r in rows} == {(end, 900)}


@pytest.mark.parametrize(
    ("name", "objects"), [("ts32435-c.xml", 3), ("no-managed-element.xml", 1), ("no-measdata.xml", 0)]
)
def test_files_without_cells_are_valid_and_empty(name: str, objects: int):
    """Objects that are no cells are counted; a file without measurements is an answer."""
    batch = read(sample(name))

    assert (len(batch.table), batch.rejects) == (0, {})
    assert batch.warnings.get("object_no_cell", 0) == objects


def test_lists_are_matched_by_position():
    """TS 32.435 also allows names and values as lists; the first name gets the first value, in each node's own period."""
    report = decode(sample("ts32435-c.xml"))

    assert [g.objects[0].values for g in report.groups] == [
        {"z1": "1", "a1": "11", "zz1": "111", "b1": "1111"},
        {"z2": "2", "a2": "22", "zz2": "222", "b2": "2222"},
        {"z3": "3", "a3": "33", "zz3": "333", "b3": "3333"},
    ]
    assert [(g.element, g.duration) for g in report.groups] == [
        ("Dublin1", "PT100S"),
        ("Dublin2", "PT200S"),
        ("Dublin3", "PT300S"),
    ]


# Counters


@pytest.mark.parametrize("whole", [collected, measured])
@pytest.mark.parametrize("listed", [False, True])
def test_every_counter_has_its_column(whole: Any, listed: bool):
    """Both roots and both layouts give the same row, units settled: kbit/s, ms, percent."""
    batch = read(whole(info(GOOD, listed=listed)))

    assert only(batch) == {
        "cell_key": "cells:MK-1",
        "feed": "cells",
        "cell_id": "MK-1",
        "state": "up",
        "availability_percent": 100,
        "prb_dl_percent": 42,
        "prb_ul_percent": 17,
        "throughput_dl_kbps": 85_000,
        "throughput_ul_kbps": 9_000,
        "delay_dl_ms": 8.5,
        "devices_mean": 12.5,
        "setup_attempts": 200,
        "setup_success_percent": 99,
        "period_s": 900,
        "suspect": False,
        "observed_at": "2026-03-02T12:15:00Z",
        "received_at": "2026-03-02T12:15:30Z",
    }
    assert (batch.rejects, batch.warnings) == ({}, {})


def test_parts_of_a_counter_are_not_added():
    """Suffixes select a slice or an operator; the bare name is the whole, and `.sum` stands for it where it is absent."""
    values = {
        "DRB.UEThpDl.1-010203": "70000",
        "DRB.UEThpDl": "50000",
        "RRC.ConnMean_PLMN1": "3",
        "RRC.ConnMean.sum": "8",
    }
    batch = read(collected(info(values)))
    row = only(batch)

    assert (row["throughput_dl_kbps"], row["devices_mean"]) == (50_000, 8)
    assert batch.warnings == {"counter_of_part": 2}


def test_a_count_of_blocks_is_not_taken_for_percent():
    """One value above 100 shows that the source counts blocks: then 51 of 273 is 18.7 %, not 51 %."""
    busy = info({"RRU.PrbTotDl": "201", "RRU.PrbAvailDl": "273"}, cell="NRCellDU=a")
    quiet = info({"RRU.PrbTotDl": "51", "RRU.PrbAvailDl": "273"}, cell="NRCellDU=b")
    alone = info({"RRU.PrbTotDl": "51"}, cell="NRCellDU=c")
    batch = read(collected(busy, quiet, alone))
    loads = {r["cell_id"]: r["prb_dl_percent"] for r in batch.table.to_records()}

    assert loads == {"a": pytest.approx(73.626, abs=1e-3), "b": pytest.approx(18.681, abs=1e-3), "c": None}
    assert batch.warnings == {"prb_is_count": 3}


def test_the_feed_can_say_that_blocks_are_counted():
    """Where the range does not tell, as on a quiet network, an option does."""
    quiet = collected(info({"RRU.PrbTotDl": "51", "RRU.PrbAvailDl": "102"}))

    assert only(read(quiet))["prb_dl_percent"] == 51
    assert only(read(quiet, by=feed(prb="count")))["prb_dl_percent"] == 50
    assert "prb_dl_percent" not in only(read(collected(info({"RRU.PrbTotDl": "300"})), by=feed(prb="percent")))


def test_load_is_made_of_used_and_available_blocks():
    """A source without the percentage may still send both numbers it is made of."""
    values = {"RRU.PrbUsedDl": "60", "RRU.PrbAvailDl": "240", "RRU.PrbUsedUl": "9", "RRU.PrbAvailUl": "0"}
    row = only(read(collected(info(values))))

    assert row["prb_dl_percent"] == 25
    assert "prb_ul_percent" not in row


def test_delay_in_microseconds_is_said_by_the_feed():
    """Open-source monitors print microseconds; the option turns them into ms, and absurd delays are unknown."""
    body = collected(info({"DRB.RlcSduDelayDl": "1500"}))

    assert only(read(body, by=feed(delay_unit="us")))["delay_dl_ms"] == 1.5
    assert only(read(body))["delay_dl_ms"] == 150
    assert read(body).warnings == {"delay_of_rlc": 1}
    assert read(collected(info({"DRB.AirIfDelayDl": "900000"}))).warnings == {"delay_out_of_range": 1}


def test_zero_is_not_missing():
    """A cell that nobody used has 0 users; a counter that says NIL, nothing or a list is unknown."""
    values = {"RRC.ConnMean": "0", "DRB.UEThpDl": "NIL", "DRB.UEThpUl": "", "RRU.PrbTotDl": "1,2,3"}
    batch = read(collected(info(values)))
    row = only(batch)

    assert row["devices_mean"] == 0
    assert not {"throughput_dl_kbps", "throughput_ul_kbps", "prb_dl_percent"} & set(row)
    assert row["state"] == "unknown"
    assert batch.warnings == {"value_missing": 2, "value_list": 1}


def test_nothing_tried_is_no_success_rate():
    """0 attempts make no percentage; more successes than attempts make none that can be believed."""
    none = only(read(collected(info({"RRC.ConnEstabAtt": "0", "RRC.ConnEstabSucc": "0"}))))
    more = read(collected(info({"RRC.ConnEstabAtt": "5", "RRC.ConnEstabSucc": "6"})))

    assert (none["setup_attempts"], "setup_success_percent" in none) == (0, False)
    assert ("setup_success_percent" in only(more), more.warnings) == (False, {"setup_out_of_range": 1})


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"RRU.CellUnavailableTime": "900"}, "down"),
        ({"RRU.CellUnavailableTime": "0"}, "up"),
        ({"RRU.CellUnavailableTime": "120"}, "degraded"),
        ({"RRC.ConnEstabAtt": "100", "RRC.ConnEstabSucc": "80"}, "degraded"),
        ({"RRC.ConnEstabAtt": "5", "RRC.ConnEstabSucc": "4"}, "up"),
        ({"RRC.ConnMean": "3"}, "up"),
        ({"RRC.ConnMean": "0"}, "unknown"),
        ({"RRU.CellUnavailableTime": "5000", "RRC.ConnMean": "0"}, "unknown"),
    ],
)
def test_state_follows_from_service_and_success(values: dict[str, str], state: str):
    """Out of service the whole period is down, part of it or failing set-ups degraded; silence proves nothing."""
    assert only(read(collected(info(values))))["state"] == state


def test_a_suspect_value_is_kept_and_flagged():
    """The source does not trust it, so neither does the state; who looks closer still sees the numbers."""
    row = only(read(collected(info(GOOD, suspect="true"))))

    assert (row["suspect"], row["state"], row["prb_dl_percent"]) == (True, "unknown", 42)


# Cells


@pytest.mark.parametrize(
    ("name", "element", "cell"),
    [
        ("ManagedElement=gnb-1,GNBDUFunction=1,NRCellDU=MK5G-01-1", "gnb-1", "MK5G-01-1"),
        ("ManagedElement=gnb-1,GNBDUFunction=1,NRCellDU=2", None, "gnb-1/2"),
        ("NRCellDU=2", "SubNetwork=1,ManagedElement=gnb-7", "gnb-7/2"),
        ("ENodeBFunction=1,EUtranCellFDD=2", "enb", "enb/EUtranCellFDD=2"),
        ("NRCellDU=2,Beam=1", "gnb", "gnb/2"),
        ("ManagedElement=gnb-1,GNBDUFunction=1", "gnb-1", None),
        ("objLdn", "gnb-1", None),
        ("NRCellDU=", "gnb-1", None),
        ("", None, None),
    ],
)
def test_a_cell_is_named_by_its_object(name: str, element: str | None, cell: str | None):
    """Own names stand alone; numbers need their node, and LTE its class, as nodes number both alike."""
    assert find_cell_id(name, element) == cell


def test_halves_of_a_cell_are_one_row():
    """CU and DU of one cell report in groups of their own; what both count is not added up."""
    cu = info({"RRC.ConnMean": "4", "RRU.CellUnavailableTime": "90"}, cell="ManagedElement=g,NRCellCU=7")
    du = info({"RRU.PrbTotDl": "30", "RRU.CellUnavailableTime": "60"}, cell="ManagedElement=g,NRCellDU=7")
    batch = read(measured(cu, du))
    row = only(batch)

    assert (row["cell_id"], row["devices_mean"], row["prb_dl_percent"]) == ("g/7", 4, 30)
    assert row["availability_percent"] == pytest.approx(90)
    assert batch.warnings == {"counter_repeated": 1}


def test_the_newest_period_of_a_cell_wins():
    """Two periods in a file, or two files of one poll: the later end is the state of the cell."""
    old = info({"RRC.ConnMean": "1"}, end="2026-03-02T12:00:00Z")
    new = info({"RRC.ConnMean": "2"}, end="2026-03-02T12:15:00Z")

    for batch in (read(collected(new, old)), read(collected(new), measured(old))):
        assert (only(batch)["devices_mean"], batch.rejects) == (2, {"duplicate": 1})


# Times


def test_the_end_of_the_period_is_the_time():
    """The file may be closed later; its own time is when it was published."""
    batch = read(collected(info(GOOD, end="2026-03-02T13:14:30+01:00"), closed="2026-03-02T12:15:20Z"))

    assert only(batch)["observed_at"] == "2026-03-02T12:14:30Z"
    assert batch.published_at == datetime(2026, 3, 2, 12, 15, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("", "time_missing"),
        ("yesterday", "time_unreadable"),
        ("1970-01-01T00:15:00Z", "time_unreadable"),
        ("2026-03-02T12:17:00Z", "time_in_future"),
    ],
)
def test_a_cell_without_a_believable_time_is_left_out(end: str, reason: str):
    """No end of period, no row; the reason is counted once a cell."""
    batch = read(collected(info(GOOD, end=end)))

    assert (len(batch.table), batch.rejects) == (0, {reason: 1})


def test_a_time_without_offset_is_local_and_counted():
    """In summer the node's local quarter past one is quarter past twelve in UTC."""
    batch = read(collected(info(GOOD, end="2026-07-02T13:15:00")), now=datetime(2026, 7, 2, 12, 16, tzinfo=UTC))

    assert only(batch)["observed_at"] == "2026-07-02T12:15:00Z"
    assert batch.warnings == {"time_without_offset": 1}


def test_an_unreadable_period_leaves_the_length_unknown():
    """A real file says "some duration": the row stays, without length and without availability."""
    batch = read(collected(info(GOOD)).replace(b"PT900S", b"some duration"))
    row = only(batch)

    assert not {"period_s", "availability_percent"} & set(row)
    assert batch.warnings == {"period_unreadable": 1}


# Dirt


def test_lists_of_other_lengths_are_left_out():
    """Where names and values differ in number no place is sure, so none is guessed."""
    body = collected(info(GOOD, listed=True)).replace(b"<measResults>42", b"<measResults>42 43")

    assert read(body).rejects == {"values_mismatch": 1}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("many", "value_unreadable"),
        ("-3", "value_out_of_range"),
        ("1e99", "value_out_of_range"),
        ("0x1F", "value_unreadable"),
    ],
)
def test_a_value_that_is_no_amount_is_unknown(value: str, reason: str):
    """Text, negative and absurd values are counted; the other counters of the cell stay."""
    batch = read(collected(info({"RRU.PrbTotDl": value, "RRC.ConnMean": "3"})))

    assert "prb_dl_percent" not in only(batch)
    assert batch.warnings == {reason: 1}


def test_a_value_without_name_is_counted():
    """An r whose p no measType explains belongs to no counter."""
    batch = read(collected(info({"RRC.ConnMean": "3"}, more='<r p="99">5</r>')))

    assert (only(batch)["devices_mean"], batch.warnings) == (3, {"value_without_name": 1})


def test_prologs_that_strict_readers_refuse_are_read():
    """A byte order mark, empty lines before the declaration, a style sheet: the content is sound."""
    assert len(read(b"\xef\xbb\xbf\r\n\n" + collected(info(GOOD))).table) == 1


def test_a_file_of_two_nodes_keeps_them_apart():
    """measData of the second node without a managedElement does not inherit the first one's name."""
    second = measured(info({"RRC.ConnMean": "3"}, cell="NRCellDU=1")).replace(b'<measEntity localDn="gnb-1"/>', b"")
    assert only(read(second))["cell_id"] == "1"
    both = measured("</measData><measData>" + info({"RRC.ConnMean": "3"}, cell="NRCellDU=1"))
    assert only(read(both))["cell_id"] == "1"


# Bodies that are none


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"   ", "empty_body"),
        (b"not found", "not_xml"),
        (b"<!doctype html><html></html>", "not_xml"),
        (b"<Siri/>", "not_pm_file"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><measCollecFile/>', "xml_doctype"),
        (b"<measCollecFile><measData>", "xml_broken"),
        (b"{", "not_json"),
        (b"{}", "not_pm_report"),
        (b'{"event": {"perf3gppFields": 3}}', "not_pm_report"),
        (b"[]", "not_pm_report"),
    ],
)
def test_a_body_that_is_no_report_says_why(body: bytes, reason: str):
    """Each refusal has its word."""
    assert failure(body).reason == reason


def test_external_entities_are_never_read(tmp_path: Path):
    """A file beside us does not come out of a feed."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><measDataFile>&x;</measDataFile>'

    assert failure(body.encode()).reason == "xml_doctype"
    assert "hunter2" not in str(failure(body.encode()))


def test_a_flood_of_names_or_values_is_refused():
    """Bodies made to be costly end early, in bounded time of the processor."""
    names = " ".join(f"n{i}" for i in range(MAX_NAMES + 5))
    begun = time.thread_time()

    assert failure(collected(f"<measInfo><measTypes>{names}</measTypes></measInfo>")).reason == "too_many_names"
    assert failure(b'{"a":' + b"[" * 3_000_000).reason == "too_many_values"
    assert time.thread_time() - begun < 5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"counters": {"pmX": "speed"}}, "pmX"),
        ({"counters": ["pmX"]}, "counters"),
        ({"prb": "share"}, "prb"),
        ({"delay_unit": "s"}, "delay_unit"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], word: str):
    """The person who wrote the feed file is told which line to mend."""
    with pytest.raises(PayloadError) as caught:
        read(collected(info(GOOD)), by=feed(**options))

    assert caught.value.reason == "option_wrong"
    assert word in caught.value.detail


def test_more_objects_than_the_feed_allows_fail_the_poll():
    """The limit is the feed's own."""
    small = Feed(name="cells", adapter="pm_xml", url="http://localhost/", limits={"max_rows": 1})  # type: ignore[arg-type]

    with pytest.raises(PayloadError) as caught:
        read(collected(info(GOOD), info(GOOD, cell="NRCellDU=b")), by=small)
    assert caught.value.reason == "too_many_rows"


def test_it_knows_its_own():
    """Both roots, with prefix or without, and the event; no other XML or JSON."""
    assert looks_like(collected(info(GOOD)))
    assert looks_like(measured(info(GOOD)))
    assert looks_like(b'<?xml version="1.0"?><md:measCollecFile xmlns:md="x">')
    assert looks_like(b'{"event": {"perf3gppFields": {}}}')
    assert not looks_like(b"<Siri><ServiceDelivery/></Siri>")
    assert not looks_like(b'{"vehicles_status": []}')
    assert not looks_like(b"cell_id,latitude\n")
    assert ADAPTER.kinds == ("cell",)


@settings(max_examples=60, deadline=20_000)
@given(st.one_of(st.binary(max_size=400), st.binary(max_size=60).map(lambda b: collected(info(GOOD))[:300] + b)))
def test_any_bytes_give_rows_or_a_payload_error(body: bytes):
    """Nothing else comes out of a body, whatever it is."""
    try:
        read(body)
    except PayloadError as error:
        assert error.reason


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 10**18), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "lastEpochMicrosec",
                    "granularityPeriod",
                    "measInfoList",
                    "measTypes",
                    "sMeasTypesList",
                    "measValuesList",
                    "measObjInstId",
                    "measResults",
                    "p",
                    "sValue",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)


@settings(max_examples=60, deadline=20_000)
@given(_JSON)
def test_any_event_gives_rows_or_a_payload_error(value: Any):
    """The right words with the wrong things behind them fail like anything else."""
    body = orjson.dumps({"event": {"commonEventHeader": value, "perf3gppFields": {"measDataCollection": value}}})
    try:
        read(body)
    except PayloadError as error:
        assert error.reason


def test_every_reason_is_documented():
    """The page names each reject, warning and failure that the code can give."""
    page = (ROOT / "docs" / "feeds" / "pm_xml.md").read_text(encoding="utf-8")
    files = [
        ROOT / "feeds" / name
        for name in (
            "pm_xml.py",
            "pm_files/counters.py",
            "pm_files/json_form.py",
            "pm_files/xml_form.py",
            "pm_files/report.py",
        )
    ]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    given = set(
        re.findall(r'(?:(?:reject|warn|PayloadError)\(|(?:rejects|warnings)\[|return|= )\s*"([a-z]+_[a-z_]+)"', code)
    )

    assert {"no_known_counter", "prb_is_count", "too_many_values", "value_list", "time_missing"} <= given
    assert [reason for reason in sorted(given) if f"`{reason}`" not in page] == []
