"""Fields of a body, published lists, and what the anonymisation check makes of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import DISRUPTION, EVENT, VEHICLE, Batch, Findings, Kind, Table
from feeds.anonymity.check import CHECK_EVERY_S, MAX_NAMES, Examiner, clean_rows, judge, keep_to_list, show
from feeds.anonymity.forms import MAX_LEAVES, drop_fields, list_leaves, pick, sniff
from feeds.anonymity.lists import FOLDER, FieldList, check_pattern, compile_patterns, get_list, read_standard
from feeds.feed import Feed, FeedFileError, PayloadError, get_adapter, list_adapters, read_feed_file
from feeds.gtfs_rt import fields as protobuf

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PEOPLE = "canary@example.org"


def a_feed(adapter: str = "mds", **more: Any) -> Feed:
    return Feed(name="f", adapter=adapter, url="http://localhost/", **more)


def a_list(*patterns: str, **marked: str) -> FieldList:
    return FieldList(compile_patterns(patterns), {mark: compile_patterns([p]) for mark, p in marked.items()})


def names(body: bytes, turn: int = 0) -> set[str]:
    return {".".join(path) for path, _ in list_leaves(body, turn)}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": 1, "b": {"c": [1, 2], "d": [{"e": null}]}}', {"a", "b.c", "b.d.e"}),
        (b'\xef\xbb\xbf[{"x": 1}, {"y": {}}]', {"x", "y"}),
        (b'{"a": 1}\n{"b": 2}\n', {"a", "b"}),
        (b'{"Message": "{\\"inner\\": {\\"name\\": 1}}"}', {"Message.inner.name"}),
        (b'<a xmlns="u" xmlns:n="v" k="1"><n:b>2</n:b><c><![CDATA[3]]></c><d/></a>', {"b", "c", "k"}),
        (b"site,people\nnorth,4\n", {"site", "people"}),
        (b"site;people\nnorth;4\n", {"site", "people"}),
        (b"BEGIN:VEVENT\r\nDTSTART;TZID=Europe/London:2026\r\nSUMMARY:a\r\n b\r\nEND:VEVENT", {"DTSTART", "DTSTART.TZID", "SUMMARY"}),
        (b"", set()),
        (b"{", set()),
        (b"\x00\xff", set()),
    ],
)  # fmt: skip
def test_fields_are_listed_by_their_paths(body, found):
    """JSON, lines of JSON, JSON in JSON, XML, CSV, iCalendar; nothing for what is none."""
    assert names(body) == found


def test_columns_of_an_archive_are_listed_by_file_and_name():
    """As a timetable has them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("gtfs/stops.txt", "stop_id,stop_name\n1,Mall\n")
    assert names(out.getvalue()) == {"stops.stop_id", "stops.stop_name"}


def test_entities_in_protobuf_are_listed_with_what_the_standard_does_not_have():
    """An extension shows by its number, its text is looked at; the JSON rendering has the same names."""
    message = pb.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    entity = message.entity.add(id="1")
    entity.vehicle.position.latitude = entity.vehicle.position.longitude = 1
    said = PEOPLE.encode()
    inner = entity.SerializeToString() + bytes([0xC2, 0x3E, len(said)]) + said
    message.ClearField("entity")
    body = message.SerializeToString() + bytes([0x12, len(inner)]) + inner
    found = dict(protobuf.list_fields(body, 0))

    assert found["entity", "field_1000"] == PEOPLE
    assert ("entity", "vehicle", "position", "latitude") in found
    assert protobuf.list_fields(b'{"entity": [{"id": "1"}]}', 0) == [(("entity", "id"), "1")]
    dropped = protobuf.drop_fields(body, a_list("header.*", "entity.id").is_listed)
    assert PEOPLE.encode() not in dropped
    assert not pb.FeedMessage.FromString(dropped).entity[0].vehicle.position.HasField("latitude")


def test_of_a_long_list_a_sample_is_read_that_moves_until_all_was_seen():
    """First and last each time; within some turns every item, and each comes first in its turn."""
    assert sorted(pick(10, 3)) == list(range(10))
    assert len({pick(10, turn)[0] for turn in range(30)}) == 10
    seen: set[int] = set()
    for turn in range(60):
        chosen = pick(1_000, turn)
        assert len(chosen) <= 48
        assert {0, 999} <= set(chosen)
        seen |= set(chosen)
    assert len(seen) > 900


def test_a_body_of_any_size_costs_a_bounded_sample():
    """A hundred thousand rows of CSV, XML, JSON: at most MAX_LEAVES values are looked at."""
    rows = [{"id": n, "a": n, "b": n} for n in range(100_000)]
    xml = b"<r>" + b"<i>1</i>" * 300_000 + b"</r>"
    lines = b"id,a\n" + b"1,2\n" * 300_000
    for body in (json.dumps(rows).encode(), xml, lines):
        assert 0 < len(list_leaves(body, 1)) <= MAX_LEAVES


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=2_000), st.sampled_from([b"", b"{", b"[", b"<a>", b"PK\x03\x04", b"BEGIN:VCALENDAR\n", b"a,b\n"])
)
def test_listing_never_fails(tail, head):
    """Whatever bytes a supplier sends: some fields, or none."""
    assert isinstance(list_leaves(head + tail, 1), list)
    assert isinstance(protobuf.list_fields(head + tail, 1), list)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=2_000), st.sampled_from([b"", b"{", b"[", b"<a>", b"PK\x03\x04", b"BEGIN:VCALENDAR\n", b"a,b\n"])
)
def test_dropping_gives_a_body_or_one_named_error(tail, head):
    """A body that cannot be cleaned is refused as a whole."""
    for drop in (drop_fields, protobuf.drop_fields):
        try:
            assert isinstance(drop(head + tail, lambda path: False), bytes)
        except PayloadError as error:
            assert error.reason == "fields_unreadable"


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"ttl": 1, "rows": [{"id": 1, "who": "x"}, {"who": "x"}]}', b'{"ttl":1,"rows":[{"id":1},{}]}'),
        (b"id,who\n1,x\n2,y\n", b"id\n1\n2\n"),
        (b"BEGIN:VEVENT\r\nID:1\r\nWHO;X=1:x\r\n y\r\nEND:VEVENT\r\n", b"BEGIN:VEVENT\r\nID:1\r\nEND:VEVENT\r\n"),
    ],
)
def test_fields_that_are_not_listed_are_gone_before_anybody_reads(body, left):
    """The rest stands as it stood."""
    assert drop_fields(body, a_list("ttl", "id", "rows.id").is_listed) == left


def test_in_xml_text_and_attributes_go_that_are_not_listed():
    """Comments, tails and texts between elements as well; a document type refuses the body."""
    body = b'<a k="1" id="2"><!-- x --><id>3</id>who<who n="4">x</who><b><who>y</who></b></a>'
    left = drop_fields(body, a_list("id").is_listed)

    assert b"<id>3</id>" in left
    assert not any(word in left for word in (b"<!--", b">x<", b">y<", b"k=", b'n="4', b">who<", b"who<who"))
    with pytest.raises(PayloadError, match="fields_unreadable"):
        drop_fields(b"<!DOCTYPE a [<!ENTITY w 'x'>]><a>&w;</a>", a_list("a").is_listed)


@pytest.mark.parametrize(
    ("pattern", "listed", "not_listed"),
    [
        ("a.b", ["a.b"], ["a", "a.b.c", "x.a.b"]),
        ("a.*", ["a.b"], ["a", "a.b.c"]),
        ("a.**", ["a", "a.b", "a.b.c"], ["ab", "b.a"]),
        ("**.b", ["b", "a.b", "x.y.b"], ["b.c", "ab"]),
        ("vehicle_ref", ["VehicleRef", "vehicle-ref", "VEHICLE_REF"], ["vehicle_refs"]),
        ("title", ["dct:title", "http://purl.org/dc/terms/title", "x#title"], ["subtitle"]),
    ],
)
def test_patterns_mean_what_the_page_says(pattern, listed, not_listed):
    """One name, any name, any number of names; case, dashes and prefixes aside."""
    of = a_list(pattern)

    def path(text: str) -> tuple[str, ...]:
        return (text,) if "//" in text else tuple(text.split("."))

    assert [text for text in listed if not of.is_listed(path(text))] == []
    assert [text for text in not_listed if of.is_listed(path(text))] == []


@pytest.mark.parametrize("pattern", ["", ".", "a..b", "a.", "--", "a.--"])
def test_what_is_no_pattern_is_refused_in_one_sentence(pattern):
    """Said when the feed file is read."""
    with pytest.raises(ValueError, match="is no name of a field"):
        check_pattern(pattern)


@pytest.mark.parametrize("name", sorted(list_adapters()))
def test_every_adapter_has_a_published_list(name):
    """The standard's own, in a file, or by the mapping of the feed."""
    assert read_standard(name) or name in ("ngsi_ld", "table_csv", "table_json")


def test_every_list_belongs_to_an_adapter():
    """No list of a standard that nobody speaks."""
    assert {path.stem for path in FOLDER.glob("*.txt")} <= set(list_adapters())


CSV = {"kind": "environment", "mapping": {"station_id": "site", "quantity": {"constant": "footfall"}, "value": "people"}}  # fmt: skip


def test_a_mapped_feed_publishes_what_its_mapping_speaks_of():
    """And a list of its own counts instead: what is mapped and not on it never reaches a row."""
    body = b"site,people,who\nnorth,4,Ann\n"
    adapter = get_adapter("table_csv")
    plain = a_feed("table_csv", options=CSV)
    narrow = a_feed("table_csv", options=CSV, published_fields=("site",))

    assert judge(list_leaves(body), get_list(plain, adapter)).unpublished == {"who": 1}
    assert judge(list_leaves(body), get_list(narrow, adapter)).unpublished == {"people": 1, "who": 1}
    with pytest.raises(PayloadError, match="field_missing"):
        kept = keep_to_list(narrow, adapter)
        kept.observe([kept.decode(body)], narrow, NOW)


def test_a_list_of_its_own_keeps_the_envelope_and_drops_the_rest_of_the_standard():
    """A robot's speed is not on the list: it is unknown, and the answer is read all the same."""
    status = {
        "device_id": "r1", "provider_id": "p",
        "last_event": {"vehicle_state": "available", "timestamp": 1782907190000},
        "last_telemetry": {"timestamp": 1782907190000, "location": {"lat": 52.04, "lng": -0.76, "speed": 1.0}},
    }  # fmt: skip
    body = json.dumps(
        {"version": "2.0.0", "last_updated": 1782907195000, "ttl": 1000, "vehicles_status": [status]}
    ).encode()
    listed = ("vehicles_status.device_id", "vehicles_status.last_event.*", "vehicles_status.last_telemetry.timestamp",
              "vehicles_status.last_telemetry.location.lat", "vehicles_status.last_telemetry.location.lng")  # fmt: skip
    feed = a_feed(published_fields=listed)
    adapter = keep_to_list(feed, get_adapter("mds"))
    (batch,) = adapter.observe([adapter.decode(body)], feed, NOW)
    (row,) = batch.table.to_records()

    assert (row["latitude"], row["speed_kmh"]) == (52.04, None)
    assert batch.published_at == datetime(2026, 7, 1, 11, 59, 55, tzinfo=UTC)
    assert keep_to_list(a_feed(), get_adapter("mds")) is get_adapter("mds")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("published_fields: ['a..b']", "published_fields: 'a..b' is no name of a field"),
        ("known_identifiers: ['']", "known_identifiers: '' is no name of a field"),
        ("adapter: gtfs_static\n    published_fields: [stops.stop_id]", "an archive is not rewritten"),
        ("promise: {fresh_percent: 101}", "promise.fresh_percent"),
        ("promise: {freshness: 90}", "promise.freshness"),
    ],
)
def test_a_mistake_in_the_lists_is_one_line_of_the_feed_file(tmp_path, text, said):
    """It names feed and field."""
    path = tmp_path / "feeds.yaml"
    adapter = "" if "adapter" in text else "    adapter: mds\n"
    path.write_text(f"feeds:\n  - name: robots\n    url: http://localhost/\n{adapter}    {text}\n", encoding="utf-8")
    with pytest.raises(FeedFileError) as caught:
        read_feed_file(path)
    assert "feed robots" in str(caught.value)
    assert said in str(caught.value)


def found_in(value: Any, listed: FieldList | None = None) -> Findings:
    return judge(list_leaves(json.dumps(value).encode()), listed or a_list("**"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"note": PEOPLE}, "note (e-mail address)"),
        ({"a": [{"text": "ring 07700 900123"}]}, "a.text (telephone number)"),
        ({"Mobile": "07700900123"}, "Mobile (telephone number)"),
        ({"tel": 447700900123}, "tel (telephone number)"),
        ({"label": "KX21 CNY"}, "label (number plate)"),
        ({"ref": "AB123456C"}, "ref (National Insurance number)"),
        ({"seen": "12 Acacia Avenue, Bletchley MK3 6AB"}, "seen (home address)"),
        ({"driver": {"name": "Ann"}}, "driver (a person's field)"),
        ({"driver_id": 17}, "driver_id (a person's field)"),
        ({"operator_location": {"lat": 1.0}}, "operator_location (a person's field)"),
        ({"by_plate": {"KX21CNY": {"arrived": 1}}}, "by_plate.(an identifier).arrived (number plate)"),
        ({"by_mail": {PEOPLE: None}}, "by_mail.(an identifier) (e-mail address)"),
    ],
)
def test_an_identifier_is_told_by_field_and_sort(value, said):
    """In values, in names, in what a field is called; never what stood there."""
    assert found_in(value).identifiers == {said: 1}
    assert "KX21" not in said and PEOPLE not in said


@pytest.mark.parametrize(
    "value",
    [
        {"fleet_number": "15423", "label": "15423"},
        {"cell_id": "07700900123", "nci": 7700900123},
        {"driver_name": None, "email": "", "phone": False},
        {"stop_name": "Silbury Boulevard", "operator_ref": "SCMK"},
        {"contact": "the depot"},
        {"drivers_available": 4},
    ],
)
def test_what_is_nobodys_raises_nothing(value):
    """Numbers of things, empty fields, companies."""
    assert found_in(value).identifiers == {}


def test_where_a_standard_has_identifiers_they_count_as_taken_away():
    """So a fault that is always there does not hide a new one; an address of a place is none at all."""
    marked = a_list("**", removed="**.text", place="**.venue")
    home = "12 Acacia Avenue, Bletchley MK3 6AB"
    found = found_in({"text": PEOPLE, "venue": home, "note": home}, marked)

    assert found.removed == {"text (e-mail address)": 1}
    assert found.identifiers == {"note (home address)": 1}


def test_a_plate_where_vehicles_are_named_by_plates_is_known_and_an_address_there_is_not():
    """The standard has plates there, and nothing else of a person."""
    marked = a_list("**", plate="vehicle.*")

    assert found_in({"vehicle": {"id": "KX21CNY"}}, marked) == Findings(removed={"vehicle.id (number plate)": 1})
    assert found_in({"vehicle": {"license_plate": "M-AB 12"}}, marked).identifiers == {}
    assert found_in({"vehicle": {"id": PEOPLE}}, marked).identifiers == {"vehicle.id (e-mail address)": 1}
    assert found_in({"license_plate": "M-AB 12"}).identifiers == {"license_plate (number plate)": 1}


def test_what_is_far_behind_in_a_body_of_large_items_is_found_in_time():
    """The sample is used up by a few items; it is not always the same few."""
    rows = [{f"n{i}": i for i in range(200)} for _ in range(200)]
    rows[150]["driver"] = "Ann"
    body = json.dumps(rows).encode()
    xml = b"<r>" + b"<i><a>1</a><b>2</b></i>" * 20_000 + b"<driver>Ann</driver></r>"
    for content in (body, xml):
        found = [judge(list_leaves(content, turn), a_list("**")).identifiers for turn in range(300)]
        assert any(found)


def test_what_a_feed_file_calls_known_is_no_fault_and_not_unpublished():
    """The national bus service tells who drives."""
    body = b"<Siri><DriverRef>17</DriverRef></Siri>"
    adapter = get_adapter("siri_vm")
    plain = judge(list_leaves(body), get_list(a_feed("siri_vm"), adapter))
    known = judge(list_leaves(body), get_list(a_feed("siri_vm", known_identifiers=("DriverRef",)), adapter))

    assert plain == Findings({"DriverRef": 1}, {"DriverRef (a person's field)": 1}, {})
    assert known == Findings({}, {}, {"DriverRef (a person's field)": 1})


def test_names_without_end_are_told_up_to_a_limit():
    """A supplier that makes names from ids does not fill a screen, nor does a long one."""
    found = found_in({f"name_{n}": 1 for n in range(200)}, a_list("none"))

    assert len(found.unpublished) == MAX_NAMES
    assert len(show(tuple("abcdefghij" * 3 for _ in range(9)))) <= 80


def test_bodies_are_looked_at_now_and_then_and_pages_in_turn():
    """A feed asked each second is checked each CHECK_EVERY_S; a clock set back does not end it."""
    examiner = Examiner(a_feed(), get_adapter("mds"))
    body = b'{"vehicles_status": [{"who": 1}]}'

    assert examiner.check_bodies([body], NOW) == Findings({"vehicles_status.who": 1}, {}, {})
    assert examiner.check_bodies([body], NOW + timedelta(seconds=1)) is None
    assert examiner.check_bodies([body], NOW + timedelta(seconds=CHECK_EVERY_S)) is not None
    assert examiner.check_bodies([body], NOW - timedelta(hours=1)) is not None
    assert examiner.check_bodies([], NOW + timedelta(days=1)) is None
    seen: Counter[str] = Counter()
    pages = [json.dumps({f"p{n}": 1}).encode() for n in range(10)]
    for turn in range(10):
        seen.update((examiner.check_bodies(pages, NOW + timedelta(days=1, minutes=turn)) or Findings()).unpublished)
    assert set(seen) == {f"p{n}" for n in range(10)}


def a_batch(kind: Kind, rows: list[dict[str, Any]], **more: Any) -> Batch:
    return Batch(kind, "f", Table.of(kind, {n: [row.get(n) for row in rows] for n in rows[0]}), NOW, **more)


def test_no_row_leaves_with_an_identifier():
    """A text with one is unknown after it, a row that is named by one is left out, all else stands."""
    batch = a_batch(
        VEHICLE,
        [
            {"vehicle_key": "f:1", "vehicle_id": "1", "label": f"Ann {PEOPLE}", "route_name": "7", "speed_kmh": 3.0},
            {"vehicle_key": "f:2", "vehicle_id": "2", "label": "15423", "route_name": "7", "speed_kmh": 4.0},
            {"vehicle_key": f"f:{PEOPLE}", "vehicle_id": PEOPLE, "label": None, "route_name": "7", "speed_kmh": 5.0},
        ],
        offending={"bad": f"from {PEOPLE}"},
    )
    (cleaned,), found = clean_rows([batch])

    assert [(r["vehicle_id"], r["label"], r["speed_kmh"]) for r in cleaned.table.to_records()] == [("1", None, 3.0), ("2", "15423", 4.0)]  # fmt: skip
    assert cleaned.rejects == {"identifier_as_name": 1}
    assert cleaned.warnings == {"identifier_hidden": 3}
    assert cleaned.offending == {"bad": "from (e-mail address hidden)"}
    assert found == {
        "vehicle.vehicle_key (e-mail address)": 1,
        "vehicle.vehicle_id (e-mail address)": 1,
        "vehicle.label (e-mail address)": 1,
    }


def test_a_notice_for_everybody_keeps_its_words_without_the_number_and_is_no_fault():
    """ "Ring 01908 123456 for a bus" is an office; the number goes, the news stays."""
    batch = a_batch(
        DISRUPTION, [{"disruption_key": "f:1", "disruption_id": "1", "description": "Closed. Ring 01908 123456."}]
    )
    (cleaned,), found = clean_rows([batch])

    assert cleaned.table["description"].tolist() == ["Closed. Ring (telephone number hidden)."]
    assert (found, cleaned.rejects) == ({}, {})


def test_an_event_may_be_named_as_calendars_name_it():
    """A UID is a random text, @ and a host: nobody's address."""
    batch = a_batch(EVENT, [{"event_key": "f:4f5@cal.example.org", "event_id": "4f5@cal.example.org", "title": "Fair"}])
    (cleaned,), found = clean_rows([batch])

    assert (len(cleaned.table), found, cleaned) == (1, {}, batch)


def test_forms_are_told_by_how_a_body_begins():
    """Whatever the server says that it is."""
    bodies = {
        b" \n{}": "json",
        b"[1]": "json",
        b"<a/>": "xml",
        b"PK\x03\x04": "zip",
        b"begin:vcalendar": "ical",
        b"a,b": "csv",
    }
    assert {body: sniff(body) for body in bodies} == bodies
