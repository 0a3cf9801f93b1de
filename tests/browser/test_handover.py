"""Handing over a shift in a real Chromium: two people, two screens, the keyboard, paper; notes where somebody works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from control_room.handover.service import LISTED_MOST
from tests.browser.alarm_room import AlarmRoom
from tests.browser.conftest import wait_for
from tests.browser.test_real_access import list_findings

pytestmark = pytest.mark.browser

SAID = "(document.querySelector('.handover-message')?.textContent ?? '')"
TITLE = "(document.querySelector('.sheet-title')?.textContent ?? '')"
STATE = "(document.querySelector('.sheet-state')?.textContent ?? '')"
SCRIPT = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[AlarmRoom]:
    """One control room for the whole file; each test leaves no handover that waits."""
    with AlarmRoom(tmp_path_factory.mktemp("handover")) as running:
        running.put({"R1": "needs_help"})
        running.wait_until_open()
        running.wait_for_states("unacknowledged")
        yield running


@pytest.fixture
def open_as(room: AlarmRoom, watch: Any) -> Callable[..., Any]:
    """Opens a screen as the person of that name, once it is live."""

    def begin(name: str, path: str = "/handover", width: int = 1920, height: int = 1080, **more: Any) -> Any:
        watched = watch(width, height, **more)
        watched.page.add_init_script(
            f"localStorage.getItem('control-room.name') ?? localStorage.setItem('control-room.name', '{name}')"
        )
        watched.page.goto(room.url + path)
        wait_for(watched.page, "window.controlRoom && controlRoom.debug().state === 'live'", 30)
        if path.startswith("/handover"):
            watched.page.wait_for_selector(".sheet-title")
        return watched

    return begin


def tell(room: AlarmRoom, do: str, by: str, **fields: Any) -> None:
    """A command as the page sends it."""
    command = f"from-a-test-{len(room.room.handover.book.sheets)}-{room.room.handover.book.revision}"
    order = {"do": do, "by": by, "command": command} | fields
    answer = httpx.post(room.url + "/handover/commands", json=order, headers={"origin": room.url}, timeout=60)
    assert answer.status_code == 200, answer.text


def end_all(room: AlarmRoom) -> None:
    if (waiting := room.room.handover.book.waiting) is not None:
        tell(room, "withdraw", waiting.signed_by, sheet=waiting.number, text="The test is over.")


@pytest.fixture(autouse=True)
def _nothing_waits(room: AlarmRoom) -> Iterator[None]:
    yield
    end_all(room)


def reach(page: Page, words: str, most: int = 80) -> None:
    """Presses Tab until that control has the focus: its label, its text or its value."""
    said = (
        "(() => { const e = document.activeElement, words = ['BUTTON', 'A', 'SUMMARY'].includes(e.tagName) ? e.textContent : '';"
        " return [e.labels?.[0]?.textContent, words, e.getAttribute('aria-label')].join(' | '); })()"
    )
    for _ in range(most):
        if words in page.evaluate(said):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{words!r} is not reached by the keyboard")


def test_a_shift_is_handed_over_by_two_people_with_the_keyboard_alone(room: AlarmRoom, open_as: Any) -> None:
    """Written, signed, asked about, answered, accepted; each sees what the other did without doing anything."""
    leaving, arriving = open_as("Anna Weiss"), open_as("Ben Okafor")
    anna, ben = leaving.page, arriving.page
    assert anna.evaluate(TITLE) == "What would be signed now"

    reach(anna, "What must the next shift know first?")
    anna.keyboard.type(f"R1 stands at the kerb. {SCRIPT}")
    reach(anna, "Sign and hand over")
    anna.keyboard.press("Enter")
    wait_for(anna, f"{SAID}.startsWith('Confirmed: signed')")
    wait_for(anna, "document.activeElement.tagName === 'H2'")  # the focus is not lost with the form

    wait_for(ben, f"{TITLE}.startsWith('Handover ')")
    reach(ben, "What do you want to know of Anna Weiss?")
    ben.keyboard.type("Since when?")
    reach(ben, "Ask")
    ben.keyboard.press("Enter")
    wait_for(ben, f"{SAID}.startsWith('Confirmed: asked')")
    wait_for(ben, "document.activeElement.tagName === 'H2'")
    wait_for(anna, f"{STATE}.includes('a question waits for its answer')")
    reach(anna, "Your answer")
    anna.keyboard.type("Since ten.")
    reach(anna, "Answer")
    anna.keyboard.press("Enter")
    wait_for(ben, "document.querySelector('.sheet').innerText.includes('Since ten.')")

    reach(ben, "Talked over face to face")
    ben.keyboard.press("Space")
    reach(ben, "I have read it and take over")
    ben.keyboard.press("Enter")
    wait_for(ben, f"{SAID}.includes('accepted')")
    wait_for(anna, "document.querySelector('.handover-now').textContent.includes('by Ben Okafor')")

    anna.locator(".handover-past tbody a").first.click()
    anna.wait_for_url("**/handover?sheet=*")
    wait_for(anna, f"{STATE}.includes('accepted by Ben Okafor')")
    text = anna.locator(".sheet").inner_text()
    assert all(words in text for words in ("SANDBOX", "Robot R1 needs help", SCRIPT, "Since when?", "face to face"))
    assert "Not to be trusted" not in text
    assert anna.title() == "Milton Keynes control room", "markup is words"
    assert leaving.faults == arriving.faults == []


def test_two_who_sign_at_once_are_told_who_was_first(room: AlarmRoom, open_as: Any) -> None:
    """What the second wrote is still in the form, and can be signed in its place."""
    one, other = open_as("Anna Weiss").page, open_as("Ben Okafor").page
    for page in (one, other):
        page.get_by_label("What must the next shift know first?").fill(
            f"Words of {page.evaluate('controlRoomCommands.name()')}"
        )
    # The other page hears of nothing until it has sent its own.
    other.evaluate(
        "(() => { const real = fetch;"
        " window.fetch = (url, more) => (more?.method === 'POST' ? real(url, more) : new Promise(() => {})); })()"
    )
    one.get_by_role("button", name="Sign and hand over").click()
    wait_for(one, f"{SAID}.startsWith('Confirmed')")
    other.get_by_role("button", name="Sign and hand over").click()
    wait_for(
        other,
        "document.querySelector('.desk-failure')?.textContent.includes('signed by Anna Weiss, waits to be accepted')",
    )
    other.reload()
    other.wait_for_selector("summary:has-text('Nobody takes it over?')")
    other.get_by_text("Nobody takes it over?").click()
    expect(other.get_by_label("What must the next shift know first?")).to_have_value("Words of Ben Okafor")
    assert len([s for s in room.room.handover.book.sheets.values() if s.is_open]) == 1


def list_findings_of_both(page: Page) -> list[str]:
    """Axe's findings in the dark theme and in the light one."""
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        wait_for(page, f"getComputedStyle(document.getElementById('wall')).colorScheme === '{scheme}'")
        found += [f"{scheme}: {finding}" for finding in list_findings(page)]
    return found


def test_no_finding_in_any_state_and_theme(room: AlarmRoom, open_as: Any) -> None:
    """Nothing yet, written, signed, questioned, accepted; for who signed and who arrives, wide and narrow."""
    arriving = open_as("Ben Okafor")
    page = arriving.page
    assert list_findings_of_both(page) == []
    tell(room, "note", "Anna Weiss", about="place", key="Bleak Hall", label="Bleak Hall", text="Open.", for_s=600)
    page.get_by_label("What must the next shift know first?").fill("Half written")
    page.get_by_role("button", name="Add: note").first.click()
    page.get_by_role("button", name="Keep on: note").first.click()
    assert list_findings_of_both(page) == []

    tell(room, "sign", "Anna Weiss", first="Nothing.")
    wait_for(page, f"{STATE}.includes('waits to be accepted')")
    assert list_findings_of_both(page) == []
    sheet = room.room.handover.book.waiting
    tell(room, "question", "Ben Okafor", sheet=sheet.number, text="Really?")
    leaving = open_as("Anna Weiss", width=390, height=844)
    wait_for(leaving.page, f"{STATE}.includes('a question')")
    assert list_findings_of_both(leaving.page) == []
    assert leaving.page.evaluate("document.documentElement.scrollWidth") <= 390

    tell(room, "accept", "Ben Okafor", sheet=sheet.number, sha256=sheet.sha256, how="read_alone")
    page.goto(f"{room.url}/handover?sheet={sheet.number}")
    wait_for(page, f"{STATE}.includes('accepted by Ben Okafor')")
    assert list_findings_of_both(page) == []
    assert arriving.faults == leaving.faults == []


def test_a_server_that_is_gone_is_said_and_nothing_written_is_lost(open_as: Any) -> None:
    """No confirmation is a failure that stays; the words are still there after a reload, and trying again does no harm."""
    page = open_as("Anna Weiss").page
    page.get_by_label("What must the next shift know first?").fill("R1 stands at the kerb.")
    page.context.set_offline(True)
    page.get_by_role("button", name="Sign and hand over").click()
    failure = page.locator(".handover-failures .desk-failure")
    expect(failure).to_contain_text(
        "No confirmation came. It may or may not have been done; trying again does no harm."
    )
    assert list_findings(page) == []

    page.context.set_offline(False)
    page.reload()
    page.wait_for_selector(".sheet-title")
    expect(page.get_by_label("What must the next shift know first?")).to_have_value("R1 stands at the kerb.")
    page.get_by_role("button", name="Sign and hand over").click()
    wait_for(page, f"{SAID}.startsWith('Confirmed: signed')")


def test_a_sheet_prints_on_a4_with_all_its_facts(room: AlarmRoom, open_as: Any) -> None:
    """Ink on white from a dark screen, nothing of the screen but the sheet, its words as text."""
    tell(room, "sign", "Anna Weiss", first="R1 stands at the kerb.", work="The fleet desk was called.")
    number = room.room.handover.book.waiting.number
    page = open_as("Ben Okafor", f"/handover?sheet={number}", color_scheme="dark").page
    wait_for(page, f"{TITLE} === 'Handover {number}'")
    document = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=False))
    text = " ".join("".join(p.get_textpage().get_text_range() for p in document).split())

    assert [round(side * 25.4 / 72) for side in document[0].get_size()] == [210, 297]
    assert all(
        words in text
        for words in ("SANDBOX", "R1 stands at the kerb.", "Robot R1 needs help", "Signed by Anna Weiss", "SHA-256")
    )
    assert not any(words in text for words in ("Your name", "Fleet", "Write a note", "Print"))
    # Whether or not backgrounds are printed.
    coloured = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True, print_background=True))
    for paper in (document, coloured):
        picture = paper[0].render(scale=0.5).to_pil().convert("L")
        ink = sum(picture.histogram()[:128]) / (picture.width * picture.height)
        assert picture.getpixel((2, 2)) == 255 and 0.002 < ink < 0.2


def test_a_note_is_written_and_read_where_the_alarm_is_worked_on(room: AlarmRoom, open_as: Any) -> None:
    """In the guidance of the alarm it is about its robot; the robot's card has it as well, and so has the next sheet."""
    desk = open_as("Anna Weiss", "/alarms")
    page = desk.page
    page.wait_for_selector("tbody tr")
    page.locator(".desk-title").first.click()
    notes = page.locator(".desk-detail .notes-of")
    expect(notes).to_contain_text("No note is open about it.")
    notes.get_by_role("button", name="Write a note").click()
    # Letters are text here, and no command to the alarm.
    page.keyboard.press("Tab")
    page.keyboard.type("ask for Joe at the shop")
    room.put({"R2": "needs_help"})
    wait_for(page, "document.querySelectorAll('tbody tr').length >= 2")
    expect(notes.get_by_label("Note about R1")).to_have_value("ask for Joe at the shop")
    assert list_findings(page) == []
    notes.get_by_role("button", name="Keep this note").click()
    expect(notes.locator(".note")).to_contain_text("ask for Joe at the shop")
    [note] = [n for n in room.room.handover.book.notes.values() if n.key == "robots:R1"]
    assert (note.about, note.label, note.by) == ("vehicle", "R1", "Anna Weiss")

    card = open_as("Ben Okafor", "/fleet?vehicle=robots:R1").page
    expect(card.locator(".vehicle-card .notes-of .note")).to_contain_text("ask for Joe at the shop")
    tell(room, "sign", "Anna Weiss", first="Nothing.")
    sheet = open_as("Ben Okafor").page
    wait_for(sheet, f"{TITLE}.startsWith('Handover ')")
    expect(sheet.locator(".sheet")).to_contain_text("ask for Joe at the shop")
    assert desk.faults == []
    tell(room, "done", "Anna Weiss", note=note.number)


def test_escape_leaves_the_form_before_it_leaves_the_guidance(open_as: Any) -> None:
    """And the words are there when it is opened again."""
    page = open_as("Anna Weiss", "/alarms").page
    page.wait_for_selector("tbody tr")
    page.locator(".desk-title").first.click()
    notes = page.locator(".desk-detail .notes-of")
    expect(notes).to_contain_text("No note is open about it.")  # until then it is not known what a note here is about
    notes.get_by_role("button", name="Write a note").click()
    notes.locator("textarea").fill("half")
    page.keyboard.press("Escape")
    expect(notes.locator("form")).to_have_count(0)
    expect(notes.get_by_role("button", name="Write a note")).to_be_focused()
    page.keyboard.press("Enter")
    expect(notes.locator("textarea")).to_have_value("half")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".desk-detail .notes-of")).to_have_count(0)


def test_a_note_is_begun_only_when_it_is_known_what_it_is_about(open_as: Any) -> None:
    """The server is slow to say it: nothing opens until it has, and then the note is about the robot, as is its draft."""
    page = open_as("Anna Weiss", "/alarms").page
    page.wait_for_selector("tbody tr")
    held: list[Any] = []
    page.route("**/handover/notes?*", lambda route: held.append(route))
    page.locator(".desk-title").first.click()
    notes = page.locator(".desk-detail .notes-of")
    notes.get_by_role("button", name="Write a note").click()
    page.wait_for_timeout(300)
    assert notes.locator("form").count() == 0
    page.unroute("**/handover/notes?*")  # what waited goes on

    field = notes.get_by_label("Note about R")
    expect(field).to_be_visible()
    field.fill("half")
    page.keyboard.press("Escape")
    notes.get_by_role("button", name="Write a note").click()
    expect(field).to_have_value("half")
    field.fill("")


def test_what_was_confirmed_leaves_its_form_at_once(room: AlarmRoom, open_as: Any) -> None:
    """The page is renewed later, on a slow server seconds later: who goes on writing meanwhile loses nothing to that."""
    page = open_as("Anna Weiss").page
    notes = page.locator(".handover-notes")
    expect(notes.get_by_label("Note", exact=True)).to_be_visible()
    held: list[Any] = []
    page.route("**/handover/state", lambda route: held.append(route))
    notes.get_by_label("Note", exact=True).fill("the gate sticks")
    notes.get_by_role("button", name="Keep this note").click()
    wait_for(page, f"{SAID}.startsWith('Confirmed')")

    # The page gives up waiting for its renewal after twelve seconds, and would clear the form then.
    expect(notes.get_by_label("Note", exact=True)).to_have_value("", timeout=5_000)
    wait_for(page, "document.activeElement.tagName === 'H2'")
    assert held, "the page was renewed before"
    page.unroute("**/handover/state")  # what waited goes on
    expect(notes.locator(".note").filter(has_text="the gate sticks")).to_have_count(1)
    [note] = [n for n in room.room.handover.book.notes.values() if n.text == "the gate sticks"]
    tell(room, "done", "Anna Weiss", note=note.number)


def _repeat_last(room: AlarmRoom, times: int) -> int:
    """As many more sheets like the last one, written as the product writes them; the number of the newest."""
    service = room.room.handover
    store = service._kept
    last = max(service.book.sheets.values(), key=lambda sheet: sheet.number)
    for number in range(last.number + 1, last.number + 1 + times):
        entries = [replace(e, thing=f"sheet {number}", command=f"{e.command}-{number}") for e in last.entries]
        store.append(entries, (number, store.find_facts(last.number)))
    service.open()
    # Told and known before a page is opened, so that none is renewed for it later.
    asyncio.run_coroutine_threadsafe(service._tell(), room._loop).result(30)
    until = time.monotonic() + 30
    while not any(
        r["revision"] == service.book.revision for r in room.room.cache.snapshot.tables["handover"].to_records()
    ):
        assert time.monotonic() < until
        time.sleep(0.02)
    return last.number + times


def test_every_handover_that_is_kept_is_reached(room: AlarmRoom, open_as: Any) -> None:
    """The newest are listed; "Earlier" goes back to the first one, and the focus to the first that came with it."""
    tell(room, "sign", "Anna Weiss", first="Nothing.")
    end_all(room)
    number = _repeat_last(room, LISTED_MOST)
    page = open_as("Ben Okafor").page
    past = page.locator(".handover-past")
    expect(past).to_contain_text(f"The newest {LISTED_MOST} of {number}.")
    past.get_by_role("button", name="Earlier").press("Enter")
    expect(past.locator("tbody tr")).to_have_count(number)
    expect(past.get_by_role("button", name="Earlier")).to_have_count(0)
    wait_for(page, f"document.activeElement.textContent === '{number - LISTED_MOST}'")
    past.get_by_role("link", name="1", exact=True).click()
    page.wait_for_url("**/handover?sheet=1")
    wait_for(page, f"{TITLE} === 'Handover 1'")
