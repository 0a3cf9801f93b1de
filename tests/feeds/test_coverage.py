"""Drive tests: real logs, each dialect, each kind of dirt, the privacy floor, and bodies that are none."""

from __future__ import annotations

import math
import re
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h3  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_room.model import Batch
from feeds.coverage import ADAPTER, decode, looks_like, observe
from feeds.feed import Feed, PayloadError
from tests.feeds.reading import only, read_one, read_sample

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "5g"
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
APP = "Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,RSRQ,SNR,DL_bitrate,UL_bitrate,State,NRxRSRP"
MODEM = "Time,rsrp(dBm),rsrq(dB),rssi(dBm),nr_rsrp(dBm),nr_rsrq(dB),nr_rssi(dBm),Sent Bytes,RATE(MBit/s)"
PLAIN = "time,latitude,longitude,technology,rsrp_dbm,sinr_db,throughput_dl_mbps"
BENCH = {"place": {"latitude": 51.9, "longitude": -8.4}}
CORK = {"time_zone": "Europe/Dublin"}


def feed(**options: Any) -> Feed:
    return Feed(name="cov", adapter="coverage", url="http://localhost/", options=options)


def app(
    *levels: str, mode: str = "5G", snr: str = "8.0", down: str = "5000", state: str = "D", minute: int = 0
) -> bytes:
    """A phone app's log: one line a second at one place, with these signal strengths."""
    return "\n".join(
        [APP]
        + [
            f"2026.03.02_11.{minute:02}.{second:02},-0.76,52.04,1,SANDBOX,7,{mode},{level},-12,{snr},{down},90,{state},-99.0"
            for second, level in enumerate(levels)
        ]
    ).encode()


def joined(*bodies: bytes) -> bytes:
    """Several logs of one header as one file."""
    first, *others = [body.decode().split("\n") for body in bodies]
    return "\n".join(first + [line for lines in others for line in lines[1:]]).encode()


def read(body: bytes, now: datetime = NOW, **options: Any) -> Batch:
    return read_one(ADAPTER, feed(**options), now, body)


def sample(name: str) -> bytes:
    return read_sample(SAMPLES / name)


def failure(body: bytes) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        decode(body)
    return caught.value


# Real logs


@pytest.mark.parametrize(
    ("name", "hexagons", "samples", "repeated", "hidden", "third"),
    [
        ("ucc-drive-2019-12-14.csv", 27, 1012, 102, 8, 1),
        ("ucc-drive-2020-01-16.csv", 8, 351, 33, 0, 0),
        ("ucc-drive-2020-02-27.csv", 21, 760, 68, 7, 1),
        ("ucc-static-2020-02-14.csv", 1, 939, 74, 0, 0),
    ],
)
def test_real_drives_become_hexagons(name: str, hexagons: int, samples: int, repeated: int, hidden: int, third: int):
    """Every line is a sample, a repeated second, or in a hexagon of too few; 3G rows keep no signal strength."""
    body = sample(name)
    batch = read(body, **CORK)
    rows = batch.table.to_records()

    assert (len(rows), sum(row["samples"] for row in rows)) == (hexagons, samples)
    assert batch.rejects == {"repeated_second": repeated}
    assert batch.warnings.get("under_privacy_floor", 0) == hidden
    assert batch.warnings.get("rscp_under_rsrp", 0) == third
    assert batch.warnings["time_without_offset"] == 1
    assert all(row["samples"] >= 10 for row in rows)
    assert all((row["rsrp_dbm"] is None) == (row["technology"] == "other") for row in rows)


def test_a_real_standing_phone_is_one_hexagon():
    """Exact values of the long static log: winter time in Cork is UTC."""
    assert only(read(sample("ucc-static-2020-02-14.csv"), **CORK)) == {
        "coverage_key": "cov:89182a31467ffff/NR",
        "feed": "cov",
        "hexagon": "89182a31467ffff",
        "technology": "NR",
        "latitude": pytest.approx(51.88623, abs=1e-5),
        "longitude": pytest.approx(-8.39380, abs=1e-5),
        "samples": 939,
        "rsrp_dbm": -103,
        "rsrp_low_dbm": -104,
        "rsrq_db": -15,
        "sinr_db": -2,
        "throughput_dl_kbps": 164_189,
        "throughput_ul_kbps": 212,
        "band": "poor",
        "observed_at": "2020-02-14T13:39:48Z",
        "received_at": "2026-03-02T12:00:30Z",
    }


@pytest.mark.parametrize(
    ("name", "lte", "nr", "odd"),
    [
        ("mtu-cork-2021-12-15.csv", (362, -85, "good"), (300, -85, "good"), {"rate_out_of_range": 1}),
        ("mtu-static-4g-only.csv", (612, -92, "fair"), None, {}),
        ("mtu-static-5g.csv", (429, -102, "poor"), (353, -114, "none"), {}),
        ("mtu-three-modems-5g.csv", (737, -93, "fair"), (88, -86, "good"), {}),
    ],
)
def test_real_modems_measure_lte_and_nr_in_each_row(name: str, lte: Any, nr: Any, odd: dict[str, int]):
    """Zeros say that there was no such radio; the place is the bench's, as the log has none."""
    batch = read(sample(name), **BENCH)
    rows = {r["technology"]: (r["samples"], r["rsrp_dbm"], r["band"]) for r in batch.table.to_records()}

    assert rows == {"LTE": lte} | ({"NR": nr} if nr else {})
    assert (batch.rejects, batch.warnings) == ({}, odd)


def test_a_log_without_places_is_left_out_unless_the_feed_says_where():
    """A modem on a bench knows no position, and none is made up."""
    body = "\n".join([MODEM] + [f"Mon Mar 02 11:00:{s:02} UTC 2026,-90,-9,-60,-99,-11,-80,1,2" for s in range(12)])

    assert read(body.encode()).rejects == {"position_missing": 24}
    assert len(read(body.encode(), **BENCH).table) == 2


def test_a_real_log_is_read_quickly():
    """150 kB take less than a tenth of a second of processor time (of waiting for others, the machine's load decides)."""
    body = sample("ucc-drive-2019-12-14.csv")
    read(body, **CORK)
    taken = []
    for _ in range(7):
        begun = time.thread_time()
        read(body, **CORK)
        taken.append(time.thread_time() - begun)

    assert len(body) > 140_000
    assert min(taken) < 0.1


# Units and dialects


def test_bit_rates_leave_in_one_unit():
    """The app writes kbit/s, the modem Mbit/s of what it sent: both leave as kbit/s, each its own way."""
    modem = "\n".join([MODEM] + [f"Mon Mar 02 11:00:{s:02} UTC 2026,-90,-9,-60,0,0,0,1,2.5" for s in range(12)])
    phone = only(read(app(*["-90"] * 12)))
    bench = only(read(modem.encode(), **BENCH))

    assert (phone["throughput_dl_kbps"], phone["throughput_ul_kbps"]) == (5_000, 90)
    assert ("throughput_dl_kbps" in bench, bench["throughput_ul_kbps"]) == (False, 2_500)


def test_the_plain_dialect_is_read():
    """For whoever can choose: ISO times with offset, units in the names."""
    body = "\n".join([PLAIN] + [f"2026-03-02T12:00:{s:02}+01:00,52.04,-0.76,NR,-{80 + s},9.5,120" for s in range(12)])
    row = only(read(body.encode()))

    assert (row["rsrp_dbm"], row["sinr_db"], row["throughput_dl_kbps"]) == (-86, 9.5, 120_000)
    assert (row["technology"], row["observed_at"]) == ("NR", "2026-03-02T11:00:11Z")


def test_a_hexagon_is_named_by_h3_at_resolution_nine():
    """Other tools of the city find the same index for the same place."""
    row = only(read(app(*["-90"] * 12)))

    assert row["hexagon"] == h3.latlng_to_cell(52.04, -0.76, 9)
    assert h3.get_resolution(row["hexagon"]) == 9


# Sentinels


def test_a_floor_is_weaker_than_any_number():
    """A hole is not averaged away: where most samples are at the floor there is no number, but the word none."""
    mostly = only(read(app(*["-90"] * 5, *["-140"] * 4, *["-200"] * 4)))
    partly = only(read(app(*["-90"] * 9, *["-140"] * 3)))

    assert (mostly["band"], "rsrp_dbm" in mostly, mostly["samples"]) == ("none", False, 13)
    assert (partly["band"], partly["rsrp_dbm"], "rsrp_low_dbm" in partly) == ("good", -90, False)


@pytest.mark.parametrize("floor", ["-30.0", "-125", "-125.0"])
def test_a_floor_of_noise_is_no_ratio(floor: str):
    """A modem that cannot tell writes -30 or -125; neither is a measured ratio."""
    assert "sinr_db" not in only(read(app(*["-90"] * 12, snr=floor)))
    assert only(read(app(*["-90"] * 12, snr="-9.0")))["sinr_db"] == -9


@pytest.mark.parametrize("missing", ["-", "", "0", "nan"])
def test_missing_signal_is_unknown(missing: str):
    """A dash, nothing or 0 dBm: the sample counts, its strength does not."""
    row = only(read(app(*[missing] * 12)))

    assert (row["samples"], "rsrp_dbm" in row, "band" in row) == (12, False, False)


def test_idle_seconds_measure_no_throughput():
    """Nothing was sent: 0 kbit/s then says nothing of the network; 0 while downloading does."""
    assert "throughput_dl_kbps" not in only(read(app(*["-90"] * 12, down="0", state="I")))
    assert only(read(app(*["-90"] * 12, down="0", state="D")))["throughput_dl_kbps"] == 0


@pytest.mark.parametrize("mode", ["HSPA+", "UMTS", "HSUPA", "EDGE"])
def test_third_generation_has_no_rsrp(mode: str):
    """Apps store RSCP in the column of RSRP; it would look like splendid 5G."""
    batch = read(app(*["-55"] * 12, mode=mode))
    row = only(batch)

    assert (row["technology"], "rsrp_dbm" in row, "band" in row) == ("other", False, False)
    assert row["throughput_dl_kbps"] == 5_000
    assert batch.warnings["rscp_under_rsrp"] == 1


def test_the_network_mode_says_the_technology():
    """NRx columns are filled on LTE rows too, so they prove no 5G."""
    batch = read(joined(app(*["-95"] * 11, mode="LTE"), app(*["-85"] * 12, minute=1)))

    assert {r["technology"]: (r["samples"], r["rsrp_dbm"]) for r in batch.table.to_records()} == {
        "LTE": (11, -95),
        "NR": (12, -85),
    }


@pytest.mark.parametrize(("level", "reason"), [("35", "rsrp_out_of_range"), ("weak", "value_unreadable")])
def test_a_value_that_cannot_be_is_unknown(level: str, reason: str):
    """Counted, and the rest of the line stays."""
    batch = read(app(*["-90"] * 11, level))

    assert batch.warnings[reason] == 1
    assert (only(batch)["samples"], only(batch)["rsrp_dbm"]) == (12, -90)


# Times


def test_local_time_is_of_the_feeds_zone():
    """Half past eleven in July is half past ten in UTC; the log does not say, so it is counted."""
    body = app(*["-90"] * 12, minute=30).replace(b"2026.03.02", b"2025.07.02")
    batch = read(body)

    assert only(batch)["observed_at"] == "2025-07-02T10:30:11Z"
    assert only(read(body, time_zone="UTC"))["observed_at"] == "2025-07-02T11:30:11Z"
    assert batch.warnings == {"time_without_offset": 1}


@pytest.mark.parametrize(
    ("now", "seen"),
    [
        (datetime(2025, 10, 26, 0, 31, tzinfo=UTC), "2025-10-26T00:30:11Z"),
        (datetime(2025, 10, 26, 1, 31, tzinfo=UTC), "2025-10-26T01:30:11Z"),
    ],
)
def test_the_hour_that_occurs_twice_is_the_nearer_one(now: datetime, seen: str):
    """On the night the clocks go back half past one comes twice; a live log speaks of about now."""
    body = app(*["-90"] * 12, minute=30).replace(b"2026.03.02_11", b"2025.10.26_01")

    assert only(read(body, now=now))["observed_at"] == seen


def test_a_repeated_second_is_one_measurement():
    """Apps log twice a second; the later line has the newer value."""
    body = joined(app(*["-90"] * 12), app(*["-80"] * 12))
    batch = read(body)

    assert (only(batch)["samples"], only(batch)["rsrp_dbm"]) == (12, -80)
    assert batch.rejects == {"repeated_second": 12}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"2026.03.02_11.00.00", b"yesterday", "time_unreadable"),
        (b"2026.03.02_11.00.00", b"1970.01.01_00.00.00", "time_unreadable"),
        (b"2026.03.02_11.00.00", b"2026.03.02_12.05.00", "time_in_future"),
        (b"-0.76,52.04", b"0,0", "position_zero"),
        (b"-0.76,52.04", b"-,-", "position_missing"),
        (b"-0.76,52.04", b"-0.76,95", "position_out_of_range"),
        (b"-0.76,52.04,1", b"-0.76,52.04", "row_unreadable"),
    ],
)
def test_a_line_that_cannot_be_used_is_counted(old: bytes, new: bytes, reason: str):
    """One bad line costs one sample."""
    batch = read(app(*["-90"] * 12).replace(old, new, 1))

    assert batch.rejects == {reason: 1}
    assert only(batch)["samples"] == 11


# Privacy


def test_too_few_samples_are_not_shown():
    """Nine samples in a hexagon may be one person's morning: left out, and how many samples it had is said nowhere."""
    few = read(app(*["-90"] * 9))
    enough = read(app(*["-90"] * 10))

    assert (len(few.table), few.warnings["under_privacy_floor"], few.rejects) == (0, 1, {})
    assert few.offending == {}
    assert (len(enough.table), "under_privacy_floor" in enough.warnings) == (1, False)


@pytest.mark.parametrize("mode", ["LTE", "-"])
def test_what_was_left_out_does_not_follow_from_the_rest(mode: str):
    """Whether a hidden technology had 2 samples or 9, everything that is said is the same."""
    shown = app(*["-90"] * 12)
    hidden = [read(joined(shown, app(*["-95"] * n, mode=mode, minute=1))) for n in (2, 9)]
    said = [(b.table.to_records(), dict(b.rejects), dict(b.warnings), dict(b.offending)) for b in hidden]

    assert said[0] == said[1]
    assert said[0][2]["under_privacy_floor"] == 1


def test_each_figure_needs_as_many_values_as_the_floor():
    """Twelve samples of which three know their strength would give three people's median."""
    row = only(read(app(*["-"] * 9, *["-90"] * 3)))

    assert (row["samples"], "rsrp_dbm" in row, row["rsrq_db"]) == (12, False, -12)


def test_the_floor_is_an_option():
    """A city may be stricter, or a test track may need none."""
    assert len(read(app(*["-90"] * 12), min_samples=20).table) == 0
    assert only(read(app("-90"), min_samples=1))["samples"] == 1


# Bands


@pytest.mark.parametrize(
    ("level", "band"),
    [("-80", "excellent"), ("-81", "good"), ("-90", "good"), ("-100", "fair"), ("-110", "poor"), ("-111", "none")],
)
def test_bands_by_default(level: str, band: str):
    """The limits belong to the better band."""
    assert only(read(app(*[level] * 12)))["band"] == band


def test_bands_are_an_option():
    """A network for robots may ask for more."""
    strict = {"excellent": -70, "good": -75, "fair": -80, "poor": -85}

    assert only(read(app(*["-84"] * 12), bands=strict))["band"] == "poor"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"bands": {"excellent": -80}}, "bands"),
        ({"bands": {"excellent": -80, "good": -70, "fair": -100, "poor": -110}}, "bands"),
        ({"bands": {"excellent": "high", "good": -70, "fair": -100, "poor": -110}}, "bands"),
        ({"min_samples": 0}, "min_samples"),
        ({"min_samples": True}, "min_samples"),
        ({"min_samples": "10"}, "min_samples"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"place": {"latitude": 95, "longitude": 0}}, "place"),
        ({"place": "here"}, "place"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Any], word: str):
    """The person who wrote the feed file is told which line to mend."""
    with pytest.raises(PayloadError) as caught:
        read(app("-90"), **options)

    assert caught.value.reason == "option_wrong"
    assert word in caught.value.detail


# Bodies that are none


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b" \n ", "empty_body"),
        (b"<html></html>", "not_csv"),
        (b'{"error": "no"}', "not_csv"),
        (b"file not found", "not_csv"),
        (b"a,b,c\n1,2,3", "not_drive_test"),
        (b"\xff\xfe\x00", "not_text"),
        (APP.encode() + b'\n"' + b"x" * 200_000, "not_csv"),
        (b"a," * 300, "not_csv"),
    ],
)
def test_a_body_that_is_no_log_says_why(body: bytes, reason: str):
    """Each refusal has its word."""
    assert failure(body).reason == reason


def test_one_long_field_does_not_cost_memory_for_every_line():
    """A time of 100,000 letters among 2,000 lines: a column padded to it would take 800 MB."""
    body = joined(*(app(*["-90"] * 60, minute=minute) for minute in range(35)))
    body = body.replace(b"2026.03.02_11.00.00", b"9" * 100_000, 1)
    tracemalloc.start()
    try:
        batch = read(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert batch.rejects == {"time_unreadable": 1}
    assert peak < 30_000_000


def test_a_log_without_lines_is_an_answer():
    """Nobody drove today: valid, and empty."""
    batch = read(APP.encode() + b"\n")

    assert (len(batch.table), batch.rejects) == (0, {})


def test_more_lines_than_the_feed_allows_fail_the_poll():
    """The limit is the feed's own."""
    small = Feed(name="cov", adapter="coverage", url="http://localhost/", limits={"max_rows": 5})  # type: ignore[arg-type]

    with pytest.raises(PayloadError) as caught:
        observe([decode(app(*["-90"] * 6))], small, NOW)
    assert caught.value.reason == "too_many_rows"


def test_it_knows_its_own():
    """By the header alone, whatever its case; no other text with commas."""
    assert looks_like(APP.encode() + b"\n")
    assert looks_like(b"\xef\xbb\xbf" + MODEM.encode())
    assert looks_like(PLAIN.upper().encode() + b"\r\n")
    assert not looks_like(b"route_id,route_name\n")
    assert not looks_like(b"cell_id,latitude,longitude,technology\n")
    assert not looks_like(b"<Siri/>")
    assert ADAPTER.kinds == ("coverage",)


@settings(max_examples=60, deadline=20_000)
@given(
    st.one_of(
        st.binary(max_size=300), st.text(max_size=120).map(lambda t: app("-90", "-91") + t.encode("utf-8", "replace"))
    )
)
def test_any_bytes_give_rows_or_a_payload_error(body: bytes):
    """Nothing else comes out of a body, whatever it is."""
    try:
        read(body, min_samples=1)
    except PayloadError as error:
        assert error.reason


_WORDS = st.sampled_from(
    ["-", "", "0", "-90", "1e400", "inf", "-inf", "nan", "9" * 30, "5G", "x", "2026.03.02_11.00.00"]
)


@settings(max_examples=80, deadline=20_000)
@given(st.lists(st.lists(_WORDS, min_size=14, max_size=14), max_size=6))
def test_any_values_give_believable_rows_or_none(lines: list[list[str]]):
    """Whatever stands in the fields, a row has a hexagon, a time, and numbers that a radio can give."""
    body = "\n".join([APP, *(",".join(line) for line in lines)]).encode()

    for row in read(body, min_samples=1).table.to_records():
        assert h3.is_valid_cell(row["hexagon"])
        assert row["observed_at"] is not None
        assert row["rsrp_dbm"] is None or (-140 < row["rsrp_dbm"] <= -20 and math.isfinite(row["rsrp_dbm"]))


def test_every_reason_is_documented():
    """The page names each reject, warning and failure that the code can give."""
    page = (ROOT / "docs" / "feeds" / "coverage.md").read_text(encoding="utf-8")
    files = [ROOT / "feeds" / name for name in ("coverage.py", "drive_test/dialects.py", "delimited.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    given = set(
        re.findall(r'(?:(?:reject|warn|PayloadError)\(|(?:rejects|warnings)\[|return|= )\s*"([a-z]+_[a-z_]+)"', code)
    )

    assert {"under_privacy_floor", "repeated_second", "rscp_under_rsrp", "not_drive_test", "time_in_future"} <= given
    assert [reason for reason in sorted(given) if f"`{reason}`" not in page] == []
