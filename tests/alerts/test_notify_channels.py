"""Each channel against a server that speaks it: SMTP, GOV.UK Notify, Teams over TLS."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import threading
from contextlib import contextmanager

import pytest

from alerts.notify.channels.by_apprise import ByApprise
from alerts.notify.channels.email import Email
from alerts.notify.channels.govuk import GovUk
from alerts.notify.message import Message
from alerts.notify.sender import SendFailed
from tests.alerts.receivers import Answer, NotifyService, mail_serving, receiving, refusing

MESSAGE = Message(
    "SANDBOX HIGH: bus 7: battery low", "bus 7: battery low\nDo first: Call the fleet.", {"priority": "high"}
)
KEY = "0123456789abcdef0123456789abcdef"
SERVICE, API_KEY = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"


# E-mail


class Mailbox:
    """What the mail server took, and how it answers a recipient."""

    def __init__(self):
        self.letters = []
        self.answer = "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server, session, envelope):
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 taken"


@contextmanager
def mail_server():
    mailbox = Mailbox()
    with mail_serving(mailbox) as port:
        yield mailbox, port


def mail_way(port):
    return Email(
        name="duty",
        channel="email",
        address="duty@city.example",
        sender="room@city.example",
        server=f"smtp://127.0.0.1:{port}",
    )


def test_an_e_mail_arrives_whole_with_its_key_as_message_id():
    """A mail program shows a repetition as the same letter."""
    with mail_server() as (mailbox, port):
        sender = mail_way(port).build_sender()
        sender.send(MESSAGE, KEY, repeated=False)
        sender.send(MESSAGE, KEY, repeated=True)

    [(mail_from, to, content), (_, _, again)] = mailbox.letters
    letter = email.message_from_bytes(content, policy=email.policy.default)
    assert (mail_from, to) == ("room@city.example", ["duty@city.example"])
    assert letter["Subject"] == MESSAGE.subject
    assert letter["Message-ID"] == f"<{KEY}@city.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().strip().splitlines() == MESSAGE.text.splitlines()
    assert email.message_from_bytes(again, policy=email.policy.default)["Message-ID"] == letter["Message-ID"]


@pytest.mark.parametrize(("answer", "final"), [("550 no such user duty@city.example", True), ("451 try later", False)])
def test_a_mail_server_that_refuses_is_told_apart(answer, final):
    """5xx is for good, 4xx is not now; what it says of the address is not repeated."""
    with mail_server() as (mailbox, port):
        mailbox.answer = answer
        with pytest.raises(SendFailed) as failed:
            mail_way(port).build_sender().send(MESSAGE, KEY, repeated=False)

    assert failed.value.final is final
    assert answer[:3] in str(failed.value)
    assert "duty@city.example" not in str(failed.value)


def test_no_mail_server_is_a_failed_try():
    """Nobody listens there: tried again."""
    with refusing() as port, pytest.raises(SendFailed, match="cannot be reached") as failed:
        mail_way(port).build_sender().send(MESSAGE, KEY, repeated=False)

    assert failed.value.final is False


def test_a_title_cannot_add_a_header():
    """A line break in a subject is refused by the letter, never sent."""
    with mail_server() as (mailbox, port):
        forged = Message("HIGH: bus\r\nBcc: x@evil.example", "text")
        with pytest.raises((SendFailed, ValueError)):
            mail_way(port).build_sender().send(forged, KEY, repeated=False)

    assert mailbox.letters == []


# GOV.UK Notify


@contextmanager
def notify_service():
    with receiving() as receiver:
        yield NotifyService(receiver, SERVICE, API_KEY), receiver


def govuk_way(server, channel="govuk_sms", address="+447700900123", key=API_KEY):
    return GovUk(
        name="duty",
        channel=channel,
        address=address,
        template=TEMPLATE,
        api_key=f"test-{SERVICE}-{key}",
        server=server,
    )


def test_a_text_message_goes_to_the_service_with_our_key_as_reference():
    """Number, template, the words for its places, and the reference."""
    with notify_service() as (service, receiver):
        govuk_way(receiver.url).build_sender().send(MESSAGE, KEY, repeated=False)

    [taken] = service.taken
    assert taken == {
        "type": "sms",
        "phone_number": "+447700900123",
        "template_id": TEMPLATE,
        "reference": KEY,
        "personalisation": {"subject": MESSAGE.subject, "text": MESSAGE.text, "priority": "high", "link": ""},
    }


def test_an_e_mail_of_the_service_goes_likewise():
    """The same words to an address."""
    with notify_service() as (service, receiver):
        govuk_way(receiver.url, "govuk_email", "duty@city.example").build_sender().send(MESSAGE, KEY, repeated=False)

    assert [(t["type"], t["email_address"], t["reference"]) for t in service.taken] == [
        ("email", "duty@city.example", KEY)
    ]


def test_what_the_service_has_is_not_sent_again():
    """Its answer was lost: before the repetition it is asked by reference, and nobody gets two."""
    with notify_service() as (service, receiver):
        sender = govuk_way(receiver.url).build_sender()
        sender.send(MESSAGE, KEY, repeated=False)
        sender.send(MESSAGE, KEY, repeated=True)
        sender.send(MESSAGE, "f" * 32, repeated=True)

    assert [taken["reference"] for taken in service.taken] == [KEY, "f" * 32]


@pytest.mark.parametrize(
    ("status", "sort", "final"),
    [
        (400, "ValidationError", True),
        (400, "BadRequestError", True),
        (403, "AuthError", False),
        (429, "RateLimitError", False),
        (429, "TooManyRequestsError", False),
        (500, "Exception", False),
        (503, "ServiceUnavailable", False),
    ],
)
def test_the_services_refusals_are_told_apart(status, sort, final):
    """A wrong template is for good; a limit, a wrong key and a fault of theirs may be mended."""
    said = {"status_code": status, "errors": [{"error": sort, "message": f"phone_number +447700900123 {sort}"}]}
    with notify_service() as (service, receiver):
        service.before = lambda request: Answer(status, json.dumps(said).encode())
        with pytest.raises(SendFailed, match=str(status)) as failed:
            govuk_way(receiver.url).build_sender().send(MESSAGE, KEY, repeated=False)

    assert failed.value.final is final
    assert "7700900123" not in str(failed.value)


def test_a_key_that_the_service_does_not_know_is_said_without_it():
    """403, tried again: somebody may mend the key meanwhile."""
    with notify_service() as (service, receiver):
        other = "00000000-8d35-48ac-975b-e847b4f122b0"
        with pytest.raises(SendFailed, match="403") as failed:
            govuk_way(receiver.url, key=other).build_sender().send(MESSAGE, KEY, repeated=False)

    assert service.taken == []
    assert other not in str(failed.value)
    assert failed.value.final is False


def test_the_service_out_of_reach_is_a_failed_try():
    """Nobody listens there."""
    with refusing() as port, pytest.raises(SendFailed, match="cannot be reached"):
        govuk_way(f"http://127.0.0.1:{port}").build_sender().send(MESSAGE, KEY, repeated=False)


# apprise


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    import ssl

    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    try:
        subprocess.run([*command, "-keyout", folder / "key", "-out", folder / "cert"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def teams_way(port):
    workflow, signature = "0123456789abcdef0123456789abcdef", "a-signature_of_a-workflow_01234567890123456"
    address = f"workflows://127.0.0.1:{port}/{workflow}/{signature}/?verify=no&image=no"
    return ByApprise(name="desk", channel="apprise", address=address)


def test_teams_gets_a_card_with_title_and_text(certificate):
    """A real TLS server gets what a Teams workflow would: an adaptive card."""
    with receiving(certificate) as receiver:
        teams_way(receiver.port).build_sender().send(MESSAGE, KEY, repeated=False)

    [request] = receiver.requests
    said = json.dumps(request.json)
    assert "AdaptiveCard" in said
    assert MESSAGE.subject in said
    assert "Call the fleet" in said


@pytest.mark.parametrize("status", [429, 500])
def test_teams_that_refuses_is_a_failed_try_without_its_address(certificate, status):
    """The signature in the address is a secret: no error repeats it."""
    with receiving(certificate) as receiver:
        receiver.answer = lambda request: Answer(status)
        with pytest.raises(SendFailed) as failed:
            teams_way(receiver.port).build_sender().send(MESSAGE, KEY, repeated=False)

    assert failed.value.final is False
    assert "signature_of" not in str(failed.value)
    assert str(status) in str(failed.value)


def test_what_apprise_logs_reaches_no_log_of_ours(certificate, caplog):
    """Its warnings hold addresses."""
    with receiving(certificate) as receiver:
        receiver.answer = lambda request: Answer(500)
        with pytest.raises(SendFailed):
            teams_way(receiver.port).build_sender().send(MESSAGE, KEY, repeated=False)

    assert "signature_of" not in caplog.text


def test_two_threads_hear_only_their_own_failure():
    """Why a try failed is caught for the thread that made it."""
    reasons = {}
    with receiving() as well, receiving() as ill:
        ill.answer = lambda request: Answer(500)

        def send(name, port):
            way = ByApprise(name="desk", channel="apprise", address=f"json://127.0.0.1:{port}/")
            try:
                way.build_sender().send(MESSAGE, KEY, repeated=False)
                reasons[name] = ""
            except SendFailed as error:
                reasons[name] = str(error)

        threads = [threading.Thread(target=send, args=(n, r.port)) for n, r in (("well", well), ("ill", ill))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert reasons["well"] == ""
    assert "500" in reasons["ill"]
