"""The command `summary`: what it prints and writes, and what it says of mistakes."""

from __future__ import annotations

import json
from datetime import date

import pytest

from control_room.cli import main
from control_room.history.place import open_history
from tests.control_room.summary.past import Past, tell_weeks

DAY = date(2026, 6, 17)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data folder of the simulated city, which holds a history and nothing else."""
    made = tmp_path_factory.mktemp("data")
    engine = open_history(made, "sandbox")
    past = Past(engine)
    tell_weeks(past, DAY)
    past.total("robot.deliveries", DAY, 30.0)
    past.write()
    engine.dispose()
    return made


def test_without_a_form_the_answer_is_printed(folder, capsys):
    """SANDBOX first, then the sentences, then of how much it is and from what."""
    assert main(["summary", "2026-06-17", "--data", str(folder)]) == 0

    said = capsys.readouterr().out
    assert said.startswith("SANDBOX")
    assert "Robots made 720 deliveries, 107 % above usual (usually 306 to 390)." in said
    assert "there is no journal of alarms" in said


@pytest.mark.parametrize("simulated", [False, True])
def test_one_simulated_feed_among_real_ones_is_enough_for_the_mark(tmp_path, capsys, simulated):
    """As on the screens: what is partly made up says so."""
    open_history(tmp_path, "live").dispose()
    feed = {"adapter": "gtfs_realtime", "url": "https://feeds.example/x", "vehicle_type": "bus"}
    feeds = [{"name": "buses", **feed}, {"name": "night_buses", "simulated": simulated, **feed}]
    (tmp_path / "feeds.yaml").write_text(json.dumps({"feeds": feeds}))

    assert main(["summary", "2026-06-17", "--data", str(tmp_path), "--feeds", str(tmp_path / "feeds.yaml")]) == 0
    assert capsys.readouterr().out.startswith("SANDBOX") == simulated


def test_every_form_is_written_from_one_reading(folder, tmp_path):
    """JSON, tables, spreadsheet, PDF, page and e-mail, without a screen or a network."""
    files = {form: tmp_path / f"day.{form}" for form in ("json", "xlsx", "pdf", "html", "email")}
    flags = [word for form, path in files.items() for word in (f"--{form}", str(path))]

    assert main(["summary", "2026-06-17", "--data", str(folder), *flags, "--csv", str(tmp_path / "tables")]) == 0

    begins = {form: path.read_bytes()[:9] for form, path in files.items()}
    assert begins["pdf"].startswith(b"%PDF") and begins["xlsx"].startswith(b"PK")
    assert begins["html"].lower() == b"<!doctype" and begins["email"] == b"Subject: "
    assert "720" in json.dumps(json.loads(files["json"].read_text()))
    assert any((tmp_path / "tables").iterdir())


def test_a_week_and_a_month_are_those_that_the_day_is_in(folder, capsys):
    """--week and --month round the day to what it is part of."""
    assert main(["summary", "2026-06-17", "--week", "--data", str(folder)]) == 0
    assert "15 to 21 June 2026 (week 25)" in capsys.readouterr().out
    assert main(["summary", "2026-06-17", "--month", "--data", str(folder)]) == 0
    assert "June 2026" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["2026-06-31"], "is no day"),
        (["2026-06-17", "--pdf", "/nowhere/at/all.pdf"], "cannot be written"),
        (["2026-06-17", "--feeds", "/nowhere/feeds.yaml"], "/nowhere/feeds.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(folder, capsys, words, said):
    """What, where, and no traceback."""
    assert main(["summary", *words, "--data", str(folder)]) == 2

    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1


def test_a_folder_without_history_is_said(tmp_path, capsys):
    """Nothing is made there, and no summary of nothing is printed."""
    assert main(["summary", "--data", str(tmp_path)]) == 2

    assert "holds no history" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
