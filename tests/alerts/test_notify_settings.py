"""The notification settings: every fault is said with its line and what to do, and no secret ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.notify.settings import CHANNELS, NotifyFileError, load_notify
from control_room.cli import main
from tests.alerts.notify_room import SECRET, hook, read_settings
from tests.alerts.receivers import Answer, receiving

EXAMPLE = Path(__file__).parents[2] / "alerts" / "notify.example.yaml"
ENVIRONMENT = {
    "TEAMS_WORKFLOW": "workflows://prod.example.org:443/0123456789abcdef/signature-0123456789",
    "NETWORK_DUTY_PHONE": "+447700900123",
    "DUTY_MANAGER_PHONE": "+447700900124",
    "GOVUK_NOTIFY_KEY": "team-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0",
    "SMTP_USER": "room",
    "SMTP_PASSWORD": "not-a-real-password",
    "TICKETS_SECRET": SECRET,
}
DESK = hook("desk", "http://127.0.0.1:9")


def test_the_example_is_right_and_has_every_channel_but_one():
    """What supervisors copy can be used as it stands, once the variables are set."""
    settings = load_notify(EXAMPLE, ENVIRONMENT)

    assert {way.channel for way in settings.ways} == set(CHANNELS) - {"govuk_email"}
    assert [way.channel for way in settings.list_ways("network_duty")] == ["govuk_sms", "email"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipients: []", ":1: recipients: Tuple should have at least 1 item"),
        (f"recipients: [{DESK}]\nroutes: [{{to: [dess]}}]", ":2: there is no recipient dess; did you mean desk?"),
        (f"recipients: [{DESK}, {DESK}]", ":1: desk has two addresses by webhook; give each a name"),
        ("recipients:\n  - {name: desk, channel: pigeon, address: loft}", ":2: channel: must be one of webhook, email"),
        (f"recipients: [{DESK}]\nroutes: [{{to: [desk], priorities: [urgent]}}]", ":2: routes.0.priorities.0: must be"),
        (f"recipients: [{DESK}]\nlimits: {{expire_after: 5 s}}", "must be a minute or longer"),
        (f"recipients: [{DESK}]\nroute: []", ":2: route is no word here; did you mean routes"),
        (
            "recipients:\n  - {name: a_b, channel: webhook, address: 'http://x/y', secret: '${HOOK_SECRET}'}",
            "must be https://",
        ),
        ("recipients:\n  - {name: a_b, channel: webhook, address: 'https://x/y', secret: short}", ":2: secret: must"),
        ("recipients:\n  - {name: a_b, channel: webhook, address: 'https://x/y'}", ":2: lacks secret: shared with"),
        (
            "recipients:\n  - {name: a_b, channel: webhook, address: 'https://x/y', secret: '${NOBODY_SET}'}",
            "needs the environment variable NOBODY_SET",
        ),
        (
            "recipients:\n  - {name: a_b, channel: email, address: nobody, sender: a@b.example, server: 'smtp://h'}",
            "address: is no e-mail address",
        ),
        (
            "recipients:\n  - {name: a_b, channel: email, address: a@b.example, sender: a@b.example, server: 'smtp://u:pw-pw@h'}",
            "must not go over smtp://",
        ),
        (
            "recipients:\n  - {name: a_b, channel: apprise, address: 'carrier://nowhere'}",
            "is no address that apprise knows",
        ),
        ("- a list", "must have screen, recipients and routes"),
    ],
)
def test_a_fault_is_said_with_its_line_and_what_to_do(tmp_path, text, said):
    """Whatever is wrong: one sentence, its place, and what is taken."""
    with pytest.raises(NotifyFileError) as found:
        read_settings(tmp_path, text)

    assert said in str(found.value)


def test_no_fault_repeats_a_value(tmp_path):
    """What was written may be a secret in the wrong place."""
    text = "recipients:\n  - {name: Xsecretx, channel: webhook, address: 'xsecretx', secret: xsecretx, xsecretx: 1}"
    with pytest.raises(NotifyFileError) as found:
        read_settings(tmp_path, text)

    assert "xsecretx" not in str(found.value).replace("xsecretx is no word", "").lower()


def test_the_test_command_reaches_every_channel_of_a_recipient(tmp_path, capsys, monkeypatch):
    """One line a channel; status 0 where all were taken, 1 where one was not."""
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with receiving() as receiver:
        file = tmp_path / "notify.yaml"
        file.write_text(f"recipients:\n  - {hook('desk', receiver.url)}\n")
        well = main(["notify", "test", "desk", "--notify", str(file)])
        receiver.answer = lambda request: Answer(500)
        ill = main(["notify", "test", "desk", "--notify", str(file)])
        nobody = main(["notify", "test", "dess", "--notify", str(file)])

    said = capsys.readouterr()
    assert (well, ill, nobody) == (0, 1, 2)
    assert said.out.splitlines() == ["desk by webhook: sent", "desk by webhook: not sent: answered 500: {}"]
    assert "did you mean desk?" in said.err
    assert receiver.requests[0].json["subject"] == "TEST: notification"
    assert len({request.key for request in receiver.requests}) == 2


def test_a_control_room_with_wrong_settings_does_not_start(tmp_path, capsys):
    """Rather not at all than without the night's messages; the line says why."""
    (tmp_path / "notify.yaml").write_text("recipients: []\n")
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    arguments = ["--feeds", str(tmp_path / "feeds.yaml"), "--data", str(tmp_path / "data"), "--port", "0"]
    status = main(["serve", *arguments, "--notify", str(tmp_path / "notify.yaml")])

    assert status == 2
    assert "notify.yaml" in capsys.readouterr().err
