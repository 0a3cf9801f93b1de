"""An incident: what is exported is what was recorded, and what was changed since is not opened."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from alerts.alarm import Event, What
from control_room.blackbox.incident import (
    ExtractedJournal,
    IncidentError,
    export_incident,
    open_incident,
    zip_incident,
)
from control_room.blackbox.marks import read_alarm_marks
from control_room.blackbox.player import Player
from control_room.blackbox.shelf import Shelf
from control_room.cli import main
from control_room.live import encode_panel
from tests.control_room.blackbox.recorded import NOON, Screens, Standing, make_tape, ms, record_span

S = timedelta(seconds=1)
EARLY = NOON - timedelta(hours=3)
EVENTS = [
    Event(EARLY, "battery_low", "buses:1", What.RAISED, facts={"priority": "high", "title": "bus 1: battery"}, seq=1),
    Event(NOON + 120 * S, "battery_low", "buses:1", What.ACKNOWLEDGED, by="Ann", why="called", seq=2),
    Event(NOON + 150 * S, "stuck", "buses:2", What.RAISED, facts={"priority": "low", "title": "bus 2 stuck"}, seq=3),
    Event(NOON + 700 * S, "stuck", "buses:2", What.CLEARED, seq=4),
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Ten minutes over the turn of an hour, and what was given."""
    folder = tmp_path_factory.mktemp("recorded")
    tape = make_tape(folder, Standing(topics=("panel:fleet",), urgent=frozenset(), said={"fleet": "never changes"}))
    given = record_span(tape, Screens(rows=20, start=NOON - 300 * S), NOON - 300 * S, 600)
    tape.close()
    return folder, given


def export(recorded, folder, first=NOON - 100 * S, last=NOON + 200 * S):
    shelf = Shelf(recorded[0], "wall")
    made_at = datetime(2026, 6, 2, tzinfo=UTC)
    return export_incident(shelf, ExtractedJournal(EVENTS), ms(first), ms(last), folder, "wall", made_at)


def test_an_incident_plays_the_bytes_that_were_sent(recorded, tmp_path):
    """Every frame of an opened incident is the one that went to the screens, and panels from before it are there."""
    export(recorded, tmp_path / "out")
    incident = open_incident(tmp_path / "out", tmp_path)
    given = {bundle.frame.now_ms: bundle.frame for bundle, _ in recorded[1]}
    player = Player(Shelf(incident.box, "wall"))

    for second in (-100, -1, 0, 1, 150, 200):
        at = ms(NOON + second * S)
        seen = player.seek(at, ["panel:fleet"])
        assert seen.key == given[at].key(), second
        assert seen.named["panel:fleet"] == encode_panel("fleet", b'"never changes"')
    player.seek(ms(NOON - 100 * S))
    played = player.advance(ms(NOON + 900 * S), frozenset()).frames
    assert played == [given[ms(NOON + n * S)].delta for n in range(-99, 201)]
    assert (incident.mode, incident.city, incident.simulated) == ("sandbox", "Milton Keynes", True)


def test_an_incident_holds_nothing_after_its_end(recorded, tmp_path):
    """What came later stays out; before it, at most the minute that its first key frame begins."""
    incident = export(recorded, tmp_path / "out")

    held = Shelf(incident.box, "wall").look()

    assert held.last == ms(NOON + 200 * S)
    assert 0 <= ms(NOON - 100 * S) - held.first <= 60_000


def test_its_alarms_keep_their_titles(recorded, tmp_path):
    """Events of the time are there, and the raising of the day before that names an alarm answered in it."""
    incident = export(recorded, tmp_path / "out")
    journal = ExtractedJournal.read(incident.folder / "journal.jsonl")

    marks = read_alarm_marks(journal, incident.first, incident.last)

    assert [(m["id"], m["priority"], m["title"], m["what"]) for m in marks] == [
        ("battery_low|buses:1", "high", "bus 1: battery", "acknowledged"),
        ("stuck|buses:2", "low", "bus 2 stuck", "raised"),
    ]
    assert journal.list_between(EARLY, NOON + 900 * S, tuple(What)) == EVENTS[:3]


def test_it_reads_without_the_product(recorded, tmp_path):
    """Words of panels, a picture and a description stand beside the bytes; SANDBOX is said in each."""
    incident = export(recorded, tmp_path / "out")

    assert "SANDBOX" in (incident.folder / "README.txt").read_text()
    picture = (incident.folder / "pictures" / "end.svg").read_text()
    assert "SANDBOX · RECORDED · 2026-06-01 12:03:20 UTC · 20 bus" in picture
    assert picture.count("<g ") == 20
    assert (incident.folder / "panels" / "begin" / "fleet.txt").read_text() == "never changes\n"


def test_a_zip_opens_like_its_folder(recorded, tmp_path):
    """The same incident from a zip, also with pictures that a page has added, and from a folder packed anew."""
    export(recorded, tmp_path / "out")
    zip_incident(tmp_path / "out", tmp_path / "flat.zip")
    with zipfile.ZipFile(tmp_path / "flat.zip", "a") as archive:
        archive.writestr("pictures/2026-06-01T120000Z.png", b"a picture")
    with zipfile.ZipFile(tmp_path / "nested.zip", "w") as archive:
        for file in (tmp_path / "out").rglob("*"):
            archive.write(file, f"incident/{file.relative_to(tmp_path / 'out')}")

    for name in ("flat.zip", "nested.zip"):
        incident = open_incident(tmp_path / name, tmp_path / f"scratch of {name}")
        assert Shelf(incident.box, "wall").look().last == ms(NOON + 200 * S)


def change(path, at=-1):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("name", "hurt", "words"),
    [
        ("a changed frame", lambda f: change(next(f.glob("blackbox/*/*.box")), 5000), "not as it was exported"),
        ("a changed journal", lambda f: change(f / "journal.jsonl"), "journal.jsonl is not as it was exported"),
        ("a missing file", lambda f: (f / "README.txt").unlink(), "README.txt is missing"),
        ("no manifest", lambda f: (f / "incident.json").unlink(), "holds no incident.json"),
        ("a torn manifest", lambda f: (f / "incident.json").write_text('{"what": "inci'), "is no manifest"),
        ("another kind", lambda f: (f / "incident.json").write_text('{"what": "x"}'), "is no manifest"),
        ("a later format", lambda f: rewrite(f, format=99), "is of format 99"),
        ("a way out", lambda f: rewrite(f, files={"../../etc/passwd": {}}), "outside itself"),
        (
            "a recording put in",
            lambda f: (f / "blackbox" / "2026-06-01" / "13-000009-wall.box").write_bytes(b"BX"),
            "does not belong to it",
        ),
    ],
)
def test_a_damaged_incident_is_refused_in_words(recorded, tmp_path, name, hurt, words):
    """Whatever is wrong with it, it is not opened, and the message says what and where."""
    export(recorded, tmp_path / "out")
    hurt(tmp_path / "out")

    with pytest.raises(IncidentError, match=words):
        open_incident(tmp_path / "out", tmp_path / "scratch")


def rewrite(folder, **changes):
    path = folder / "incident.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_zip_that_reaches_outside_is_not_unpacked(tmp_path):
    """A name that leads out of the folder, or a zip cut short, leaves nothing on the disk."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../outside.txt", "x")
    (tmp_path / "bad.zip").write_bytes(packed.getvalue())
    (tmp_path / "cut.zip").write_bytes(packed.getvalue()[:-10])

    with pytest.raises(IncidentError, match="outside itself"):
        open_incident(tmp_path / "bad.zip", tmp_path / "a" / "b")
    with pytest.raises(IncidentError, match="is no whole zip"):
        open_incident(tmp_path / "cut.zip", tmp_path / "c")
    assert not (tmp_path / "a" / "outside.txt").exists()


def test_a_time_of_which_nothing_is_held_is_refused(recorded, tmp_path):
    """An export outside the record says what there is; one that ends before it begins says that."""
    with pytest.raises(IncidentError, match="nothing is held of that time; there is 2026-06-01 11:55:00"):
        export(recorded, tmp_path / "a", NOON + timedelta(days=1), NOON + timedelta(days=1, hours=1))
    with pytest.raises(IncidentError, match="ends after it begins"):
        export(recorded, tmp_path / "b", NOON, NOON - 1 * S)


def test_the_command_line_exports_beside_a_recorder(recorded, tmp_path, capsys):
    """`incident export` writes a folder from a data folder, and says what went wrong in one line."""
    box = tmp_path / "data" / "blackbox" / "sandbox"
    box.parent.mkdir(parents=True)
    box.symlink_to(recorded[0])
    when = ["--from", "2026-06-01T12:00:00Z", "--to", "2026-06-01T12:01:00+00:00"]
    base = ["incident", "export", "--data", str(tmp_path / "data"), *when]

    assert main([*base, str(tmp_path / "out.zip")]) == 0
    assert "SANDBOX" in capsys.readouterr().out
    assert open_incident(tmp_path / "out.zip", tmp_path / "scratch").first == ms(NOON)
    assert main([*base, str(tmp_path / "out.zip")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["incident", "open", str(tmp_path / "data")]) == 2
    assert "holds no incident.json" in capsys.readouterr().err
    assert main(["incident", "export", "--data", str(tmp_path), *when, str(tmp_path / "x")]) == 2
    assert "holds no black box" in capsys.readouterr().err
