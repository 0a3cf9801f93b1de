"""Sending: due at half past six by the city's clock, once, by whichever process, with real letters to a real server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from control_room.clock import FixedClock
from control_room.storage.summary_outbox import EXPIRED, FAILED, QUEUED, SENT, Line, SummaryOutbox
from control_room.summary.book import Sources
from control_room.summary.daily_file import DailyFileError, load_daily
from control_room.summary.due import due_at, list_due
from control_room.summary.period import day_of, month_of, week_of
from control_room.summary.read import read_summary
from control_room.summary.send import HOLD, DailySender
from control_room.summary_keeper import SummaryKeeper
from tests.alerts.receivers import mail_serving
from tests.control_room.summary.past import LONDON, Past, tell_weeks

DAY = date(2026, 6, 17)
SIX_THIRTY = time(6, 30)
DUE = datetime(2026, 6, 18, 5, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROOT = Path(__file__).resolve().parents[3]


class Mailbox:
    """What a mail server took.

    Attributes:
        answer: to the next letters, such as "451 later"; None takes them.
        hangs: whether it takes a letter and then answers only when told: the moment in which a sender may die.
    """

    def __init__(self) -> None:
        self.letters: list[email.message.EmailMessage] = []
        self.answer: str | None = None
        self.hangs = False
        self.taken = threading.Event()

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.answer is not None:
            return self.answer
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.taken.set()
        if self.hangs:
            await asyncio.sleep(30)
        return "250 taken"

    @property
    def keys(self) -> Counter[tuple[str, str]]:
        """(to, Message-ID) -> how often it came."""
        return Counter((str(letter["To"]), str(letter["Message-ID"])) for letter in self.letters)


@contextmanager
def mail_server():
    mailbox = Mailbox()
    with mail_serving(mailbox) as port:
        yield mailbox, port


@pytest.fixture
def mail():
    with mail_server() as made:
        yield made


def write_list(folder, port: int, *recipients: str) -> Path:
    path = folder / "daily.yaml"
    lines = recipients or ("{name: director, address: director@city.example}",)
    text = (
        f"server: smtp://127.0.0.1:{port}\nsender: room@city.example\nscreen: https://room.city.example\nrecipients:\n"
    )
    path.write_text(text + "".join(f"  - {line}\n" for line in lines))
    return path


def make_sender(engine, city, settings, is_late=lambda: False) -> DailySender:
    sources = Sources(engine, None, True)
    return DailySender(
        settings, SummaryOutbox(engine), city, True, lambda p: read_summary(sources, p, LONDON, city), is_late
    )


def write_days(engine, days: int = 1) -> None:
    past = Past(engine)
    tell_weeks(past, DAY)
    for n in range(days):
        past.total("robot.deliveries", DAY + timedelta(days=n), 30.0)
    past.write()


# When


@pytest.mark.parametrize(
    ("period", "moment"),
    [
        (day_of(DAY), DUE),
        (day_of(date(2026, 1, 10)), datetime(2026, 1, 11, 6, 30, tzinfo=UTC)),
        (day_of(date(2026, 10, 24)), datetime(2026, 10, 25, 6, 30, tzinfo=UTC)),
        (day_of(date(2026, 3, 28)), datetime(2026, 3, 29, 5, 30, tzinfo=UTC)),
        (week_of(DAY), datetime(2026, 6, 22, 5, 30, tzinfo=UTC)),
        (month_of(DAY), datetime(2026, 7, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_summary_is_due_at_half_past_six_of_the_day_after(period, moment):
    """By the city's clock, on the mornings after clocks have changed as well."""
    assert due_at(period, SIX_THIRTY, LONDON) == moment


def test_nothing_is_due_a_second_early_and_seven_days_at_most_are_caught_up():
    """The oldest first; of a recipient who has had none only the last day counts."""
    yesterday = due_at(day_of(DAY - timedelta(days=1)), SIX_THIRTY, LONDON)
    assert list_due("day", DUE - SECOND, SIX_THIRTY, LONDON, yesterday) == []
    assert list_due("day", DUE, SIX_THIRTY, LONDON, yesterday) == [day_of(DAY)]
    assert list_due("day", DUE, SIX_THIRTY, LONDON, None) == [day_of(DAY)]
    assert list_due("day", DUE, SIX_THIRTY, LONDON, DUE) == []
    long_ago = DUE - timedelta(days=40)
    missed = list_due("day", DUE, SIX_THIRTY, LONDON, long_ago)
    assert [p.first for p in missed] == [DAY - timedelta(days=n) for n in range(6, -1, -1)]
    assert list_due("week", DUE, SIX_THIRTY, LONDON, long_ago) == [week_of(DAY - timedelta(days=7))]


# The list


def test_a_list_says_everything_that_is_wrong_with_its_line_and_never_a_secret(tmp_path):
    """A wrong form, a missing variable, a name twice: one line each; the password in the file is not repeated."""
    path = tmp_path / "daily.yaml"
    path.write_text(
        "server: smtps://me:hunter2@mail.example\nsender: room@city.example\nat: 6.30\nrecipients:\n"
        "  - {name: a_b, address: a@city.example, forms: [doc]}\n"
        "  - {name: c_d, address: \"${NOWHERE}\"}\n"
        "  - {name: e_f, address: e@city.example}\n"
        "  - {name: e_f, address: f@city.example}\n"
    )  # fmt: skip
    with pytest.raises(DailyFileError) as found:
        load_daily(path, {})
    assert f"{path}:3: at" in str(found.value)
    path.write_text(path.read_text().replace("at: 6.30\n", ""))

    with pytest.raises(DailyFileError) as found:
        load_daily(path, {})

    lines = str(found.value).splitlines()
    assert len(lines) == 3
    assert "forms.0" in lines[0] and "NOWHERE" in lines[1] and "two recipients e_f" in lines[2]
    assert "hunter2" not in str(found.value)


# The outbox


def test_a_line_is_claimed_by_one_and_free_again_when_its_holder_is_gone(either):
    """Two processes never hold one line; the second gets it when the claim has run out, with the same key."""
    one, two = SummaryOutbox(either), SummaryOutbox(either)
    line = Line("2026-06-17", "director", "day", "key-1", DUE)
    one.add([line])
    two.add([line])

    assert one.claim(DUE - SECOND, "one", HOLD, ["director"]) is None
    assert one.claim(DUE, "one", HOLD, ["somebody else"]) is None
    claimed = one.claim(DUE, "one", HOLD, ["director"])
    assert claimed is not None
    assert two.claim(DUE + HOLD - SECOND, "two", HOLD, ["director"]) is None
    again = two.claim(DUE + HOLD, "two", HOLD, ["director"])
    assert again is not None
    assert (again.key, again.tries) == ("key-1", 1)
    # Who was away too long has nothing to say of it any more.
    assert not one.settle(claimed, "one", QUEUED, DUE)
    assert two.settle(again, "two", SENT, DUE + HOLD)
    assert [(x.state, x.sent_at) for x in one.list_lines()] == [(SENT, DUE + HOLD)]
    assert one.claim(DUE + 10 * HOLD, "one", HOLD, ["director"]) is None


def test_lines_that_ended_long_ago_are_let_go_and_open_ones_stay(either):
    """After 400 days who got what is nobody's business any more; what waits is never forgotten."""
    outbox = SummaryOutbox(either)
    outbox.add([Line(f"2026-06-{n}", "director", "day", f"key-{n}", DUE) for n in (16, 17)])
    claimed = outbox.claim(DUE, "one", HOLD, ["director"])
    outbox.settle(claimed, "one", SENT, DUE)

    assert outbox.let_go(DUE + timedelta(days=400)) == 0
    assert outbox.let_go(DUE + timedelta(days=401)) == 1
    assert [line.state for line in outbox.list_lines()] == [QUEUED]


def test_many_processes_at_once_claim_each_line_once(either):
    """Three threads on twenty lines: each is claimed by exactly one of them."""
    SummaryOutbox(either).add(
        [Line("2026-06-17", f"r{n}", "day", f"key-{n}", DUE) for n in range(20)],
    )
    claimed: list[str] = []

    def work(owner: str) -> None:
        outbox = SummaryOutbox(either)
        while (line := outbox.claim(DUE, owner, HOLD, [f"r{n}" for n in range(20)])) is not None:
            claimed.append(line.recipient)

    threads = [threading.Thread(target=work, args=(f"owner {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(claimed) == sorted(f"r{n}" for n in range(20))


# Sending


def test_each_recipient_gets_the_summary_once_with_its_forms(engine, city, tmp_path, mail):
    """Words and HTML, what is attached, SANDBOX in the subject; a second round sends nothing more."""
    mailbox, port = mail
    write_days(engine)
    file = write_list(
        tmp_path, port, "{name: director, address: d@city.example, forms: [csv, json]}", "{name: lead, address: l@city.example}"
    )  # fmt: skip
    sender = make_sender(engine, city, load_daily(file))

    assert sender.round(DUE - SECOND).sent == 2  # of the day before, which is the last that was due
    assert sender.round(DUE).sent == 2
    assert sender.round(DUE + timedelta(hours=3)).sent == 0

    assert [str(x["To"]) for x in mailbox.letters[2:]] == ["d@city.example", "l@city.example"]
    letter = mailbox.letters[2]
    assert letter["Subject"].startswith("SANDBOX") and "17 June 2026" in letter["Subject"]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "720 deliveries" in letter.get_body(("plain",)).get_content()
    assert "720 deliveries" in letter.get_body(("html",)).get_content()
    assert [a.get_filename() for a in letter.iter_attachments()] == [
        "SANDBOX-summary-2026-06-17.csv.zip",
        "SANDBOX-summary-2026-06-17.json",
    ]
    assert len(mailbox.keys) == 4


def test_days_of_an_outage_are_caught_up_oldest_first(engine, city, tmp_path, mail):
    """Three days without the control room: three letters, in order, each once."""
    mailbox, port = mail
    write_days(engine, 4)
    sender = make_sender(engine, city, load_daily(write_list(tmp_path, port)))
    sender.round(DUE)
    mailbox.letters.clear()

    sender.round(DUE + timedelta(days=3, hours=2))

    titles = [str(x["Subject"]) for x in mailbox.letters]
    assert [next(d for d in ("18", "19", "20") if f" {d} June" in t) for t in titles] == ["18", "19", "20"]
    assert set(mailbox.keys.values()) == {1}


def test_a_server_that_refuses_for_now_is_tried_again_and_for_good_is_not(engine, city, tmp_path, mail):
    """451 waits a minute and then goes out under the same key; 550 is told, and never tried again."""
    mailbox, port = mail
    write_days(engine)
    sender = make_sender(engine, city, load_daily(write_list(tmp_path, port)))
    mailbox.answer = "451 try later"

    assert (done := sender.round(DUE)).failed == 1 and done.sent == 0
    mailbox.answer = None
    assert sender.round(DUE + 59 * SECOND).sent == 0
    assert sender.round(DUE + 60 * SECOND).sent == 1
    mailbox.answer = "550 no such user"
    assert sender.round(DUE + timedelta(days=1)).failed == 1
    assert sender.round(DUE + timedelta(days=1, hours=5)).failed == 0
    assert [(x.period, x.state) for x in SummaryOutbox(engine).list_lines()] == [
        ("2026-06-18", FAILED),
        ("2026-06-17", SENT),
    ]
    assert "director@city.example" not in SummaryOutbox(engine).list_lines()[0].error


def test_what_nobody_took_within_a_week_goes_out_no_more(engine, city, tmp_path, mail):
    """Nine days later a letter of long ago would only confuse: it is marked, and what is newer goes out."""
    mailbox, port = mail
    write_days(engine)
    sender = make_sender(engine, city, load_daily(write_list(tmp_path, port)))
    mailbox.answer = "451 try later"
    sender.round(DUE)
    mailbox.answer = None

    sender.round(DUE + timedelta(days=9))

    states = Counter(x.state for x in SummaryOutbox(engine).list_lines())
    assert states == {EXPIRED: 1, SENT: 7}
    assert "2026-06-17" not in {x.period for x in SummaryOutbox(engine).list_lines() if x.state == SENT}


def test_a_letter_waits_an_hour_for_history_that_is_late(engine, city, tmp_path, mail):
    """While batches wait for the database the day is not whole; after an hour it goes out as it is."""
    _, port = mail
    write_days(engine)
    settings = load_daily(write_list(tmp_path, port))
    late = make_sender(engine, city, settings, is_late=lambda: True)

    assert late.round(DUE + timedelta(minutes=59)).sent == 0
    assert make_sender(engine, city, settings).round(DUE + timedelta(minutes=59)).sent == 1
    assert late.round(DUE + timedelta(days=1, hours=1)).sent == 1


def test_a_sender_that_is_killed_after_the_server_took_the_letter_sends_it_again_under_the_same_key(
    engine, city, tmp_path, mail
):
    """Killed between taken and marked, nobody can know: the next sends the same letter, told as a repetition by its id."""
    mailbox, port = mail
    write_days(engine)
    file = write_list(tmp_path, port)
    mailbox.hangs = True
    command = [sys.executable, "-m", "tests.control_room.summary.kill_sender"]
    process = subprocess.Popen(
        [*command, engine.url.render_as_string(), str(file), DUE.isoformat()], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert mailbox.taken.wait(60)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
    mailbox.hangs = False
    sender = make_sender(engine, city, load_daily(file))

    assert sender.round(DUE + HOLD - SECOND).sent == 0  # it might still be alive
    assert sender.round(DUE + HOLD).sent == 1
    assert sender.round(DUE + 3 * HOLD).sent == 0

    assert list(mailbox.keys.values()) == [2]
    first, second = (x.get_body(("plain",)).get_content() for x in mailbox.letters)
    assert first == second


def test_two_processes_on_one_database_send_each_letter_once(engine, city, tmp_path, mail):
    """Two senders started at once for six recipients: six letters."""
    mailbox, port = mail
    write_days(engine)
    file = write_list(tmp_path, port, *(f"{{name: r_{n}, address: r{n}@city.example}}" for n in range(6)))
    command = [sys.executable, "-m", "tests.control_room.summary.kill_sender"]
    arguments = [engine.url.render_as_string(), str(file), DUE.isoformat()]
    several = [subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[0] for process in several]

    assert sum(int(text.split()[-1]) for text in said) == 6
    assert set(mailbox.keys.values()) == {1} and len(mailbox.keys) == 6


def test_the_keeper_says_when_letters_are_late_and_when_they_are_not_any_more(engine, city, tmp_path, mail):
    """People see that the summary did not go out, until it has."""
    mailbox, port = mail
    write_days(engine)
    clock = FixedClock(DUE)
    sources = Sources(engine, None, True)
    keeper = SummaryKeeper(load_daily(write_list(tmp_path, port)), city, clock, lambda: sources)
    mailbox.answer = "451 try later"

    keeper.look(sources)
    assert "not every letter was taken" in keeper.note
    mailbox.answer = None
    clock.advance(120)
    keeper.look(sources)
    assert keeper.note == ""
