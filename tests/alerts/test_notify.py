"""Who is told of what, and that it reaches them: a real journal and outbox on a disk, real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import threading

import pytest

from alerts.commands import Command
from alerts.notify.channels import webhook
from alerts.notify.delivery import State
from tests.alerts.notify_room import SECRET, T0, Room, hook, read_settings
from tests.alerts.receivers import Answer, receiving, refusing


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def make_room(tmp_path, receiver):
    """Makes a room whose desk and manager are told by webhook; ends its lives with the test."""
    rooms = []

    def make(routes="- {to: [desk]}", limits="{per_minute: 6}", mode="live", **more):
        text = (
            f"screen: https://control.example\nlimits: {limits}\n"
            f"recipients:\n  - {hook('desk', receiver.url)}\n  - {hook('manager', receiver.url)}\nroutes:\n  {routes}\n"
        )
        rooms.append(Room(tmp_path, read_settings(tmp_path, text), mode, **more))
        return rooms[-1]

    yield make
    for room in rooms:
        room.close()


@pytest.fixture
def hangs_on(monkeypatch):
    """Who waits for an answer waits longer than any of these tests takes, however busy the machine is."""
    monkeypatch.setitem(webhook._TIMEOUTS, "read", 120.0)


def subjects(receiver):
    return [request.json["subject"] for request in receiver.requests]


def test_an_alarm_is_told_with_what_to_do_first(make_room, receiver):
    """Title first, priority in words, place, since when, first step, how long there is, and the screen."""
    room = make_room()
    room.tell({"7": 5})
    room.settle()

    [request] = receiver.requests
    assert request.json["subject"] == "HIGH: bus 7: battery low"
    assert request.json["text"].splitlines() == [
        "bus 7: battery low",
        "Priority high, alarmed at 12:00:00 GMT on Mon 02 Mar",
        "Where: Bletchley",
        "Do first: Call the fleet.",
        "Answer within 10 min. Owner: Fleet desk",
        "https://control.example/alarms",
    ]
    assert room.states() == {("desk", "raised"): "sent"}


def test_a_simulated_city_says_so_in_every_message(make_room, receiver):
    """Nobody may be sent out for a city that does not exist."""
    room = make_room(mode="sandbox")
    room.tell({"7": 5})
    room.settle()

    [request] = receiver.requests
    assert request.json["subject"].startswith("SANDBOX ")
    assert "simulated city" in request.json["text"]
    assert request.json["simulated"] is True


def test_the_signature_is_that_of_the_body_and_its_time(make_room, receiver):
    """A receiver who knows the secret can tell our message from anybody else's."""
    room = make_room()
    room.tell({"7": 5})
    room.settle()

    [request] = receiver.requests
    parts = dict(part.split("=") for part in request.headers["control-room-signature"].split(","))
    right = hmac.new(SECRET.encode(), f"{parts['t']}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert parts["v1"] == right
    assert request.json["key"] == request.key


def test_nobody_is_told_of_what_is_acknowledged_shelved_or_over(make_room, receiver):
    """A shelved alarm is told of when its shelf ends, and only then."""
    room = make_room()
    room.tell({"7": 50})
    room.engine.command(Command("shelve", ("battery_low|buses:7",), "Ann", "known", T0.replace(hour=13)), room.now)
    room.pass_s(10)
    room.tell({"7": 5})
    room.settle()
    quiet = list(receiver.requests)
    room.pass_s(3600)
    room.tell({"7": 5})
    room.settle()

    assert quiet == []
    assert [r.json["what"] for r in receiver.requests] == ["unshelved"]
    assert "no longer put aside" in receiver.requests[0].json["text"]


def test_an_escalation_reaches_who_it_is_for_whatever_the_routes(make_room, receiver):
    """Nobody has answered for five minutes: the manager is told, with how long it has waited."""
    room = make_room()
    room.tell({"7": 5})
    room.settle()
    room.pass_s(300)
    room.tell({"7": 5})
    room.settle()

    assert room.states() == {("desk", "raised"): "sent", ("manager", "escalated"): "sent"}
    assert subjects(receiver)[1] == "NOT ANSWERED, HIGH: bus 7: battery low"
    assert "Nobody has acknowledged it for 5 min" in receiver.requests[1].json["text"]


def test_an_answer_in_time_keeps_the_manager_asleep(make_room, receiver):
    """An acknowledged alarm does not escalate."""
    room = make_room()
    room.tell({"7": 5})
    room.settle()
    room.pass_s(200)
    room.engine.command(Command("acknowledge", ("battery_low|buses:7",), "Ann"), room.now)
    room.pass_s(200)
    room.tell({"7": 5})
    room.settle()

    assert room.states() == {("desk", "raised"): "sent"}


def test_names_of_people_leave_in_no_message(make_room, receiver):
    """Who acknowledged, what they wrote, to whom it was given: that stays here."""
    room = make_room("- {to: [desk], cleared: true}")
    room.tell({"7": 5})
    for action, why, to in (("acknowledge", "Zebedee looks", ""), ("assign", "", "Zebedee")):
        room.engine.command(Command(action, ("battery_low|buses:7",), "Zebedee", why, to=to), room.now)
    room.pass_s(5)
    room.tell({"7": 1})  # more urgent: alarms again
    room.pass_s(5)
    room.tell({"7": 50})
    room.settle()

    assert len(receiver.requests) >= 2
    assert not any(b"Zebedee" in request.body for request in receiver.requests)


def test_the_end_is_told_to_those_who_were_told_and_asked_for_it(make_room, receiver):
    """`cleared: true` brings one message more; who was not told of the alarm does not hear of its end."""
    room = make_room("- {to: [desk], cleared: true}\n  - {to: [manager], priorities: [highest], cleared: true}")
    room.tell({"7": 5})
    room.settle()
    room.pass_s(60)
    room.tell({"7": 50})
    room.settle()

    assert room.states() == {("desk", "raised"): "sent", ("desk", "cleared"): "sent"}
    assert subjects(receiver)[1] == "Back to normal: bus 7: battery low"


@pytest.mark.parametrize(
    ("route", "is_told"),
    [
        ("{to: [desk], priorities: [highest]}", False),
        ("{to: [desk], priorities: [highest, high]}", True),
        ("{to: [desk], rules: [too_*]}", False),
        ("{to: [desk], rules: [batt*]}", True),
        ("{to: [desk], systems: [Private 5G network]}", False),
        ("{to: [desk], systems: [SANDBOX buses]}", True),
        ('{to: [desk], hours: [{from: "17:00", until: "08:00"}]}', False),
        ('{to: [desk], hours: [{days: [mon], from: "08:00", until: "17:00"}]}', True),
        ("{to: [desk], hours: [{days: [sat, sun]}]}", False),
    ],
)
def test_a_route_takes_what_fits_it(make_room, route, is_told):
    """By priority, rule, system, local hour and day; it is Monday noon and the alarm is high."""
    room = make_room(f"- {route}")
    room.tell({"7": 5})
    room.settle()

    assert bool(room.deliveries()) is is_told


def test_two_routes_to_one_recipient_tell_once(make_room, receiver):
    """An alarm goes along every route that fits, and to nobody twice."""
    room = make_room("- {to: [desk]}\n  - {to: [desk, manager], priorities: [high]}")
    room.tell({"7": 5})
    room.settle()

    assert sorted(room.states()) == [("desk", "raised"), ("manager", "raised")]
    assert len({request.key for request in receiver.requests}) == 2


def test_ten_thousand_alarms_at_once_are_one_message(make_room, receiver):
    """A flood is told by its first-out, with how many there are."""
    room = make_room()
    room.tell({f"{i}": 5 for i in range(10_000)})
    room.settle()

    assert subjects(receiver) == ["HIGH: bus 0: battery low and 9999 like it"]


def test_a_flood_that_comes_bit_by_bit_is_told_when_it_is_one(make_room, receiver):
    """Five are told one by one, the sixth makes a flood: one message more, then silence."""
    room = make_room(limits="{per_minute: 100}")
    batteries = {f"{i}": 50.0 for i in range(40)}
    for name in list(batteries)[:30]:
        batteries[name] = 5.0
        room.pass_s(1)
        room.tell(batteries)
        room.settle()

    assert [r.json["what"] for r in receiver.requests] == ["raised"] * 5 + ["flood"]
    assert subjects(receiver)[5] == "HIGH: bus 0: battery low and 5 like it"


def test_a_storm_of_unlike_alarms_is_a_handful_and_a_summary(make_room, receiver):
    """Twelve alarms that no flood folds, at once: four messages, and a minute later one for the other eight."""
    room = make_room()
    for step in range(12):
        room.pass_s(61)  # each alone in its minute as far as floods go
        room.tell({f"{i}": 5.0 if i <= step else 50.0 for i in range(40)})
    room.settle()  # the notifier was away meanwhile

    def told():
        return [request.json for request in receiver.requests if request.path == "/desk"]

    at_once = len(told())
    room.pass_s(61)
    room.settle()
    of_desk = [d for d in room.deliveries() if d.recipient == "desk"]
    folded = [d for d in of_desk if d.state is State.FOLDED]

    assert at_once == 4  # of six a minute two are kept for the highest priority
    assert len(told()) == 5
    assert told()[-1]["what"] == "summary"
    assert told()[-1]["count"] == 8
    assert told()[-1]["text"].count("battery low") == 8
    assert len(folded) == 7
    assert {d.told_in for d in folded} == {next(d.seq for d in of_desk if d.key == told()[-1]["key"])}
    assert {d.state for d in of_desk} == {State.SENT, State.FOLDED}


def test_the_highest_priority_does_not_wait_behind_a_storm(make_room, receiver):
    """Places of each minute are kept for it."""
    room = make_room()
    for step in range(8):
        room.pass_s(61)
        room.tell({f"{i}": 5.0 if i <= step else 50.0 for i in range(10)})
    room.settle()
    room.pass_s(1)
    room.tell({f"{i}": 1.0 if i == 9 else 5.0 if i <= 7 else 50.0 for i in range(10)})
    room.settle()

    assert "HIGHEST: bus 9: battery low" in subjects(receiver)


def test_what_a_feed_writes_brings_no_link_and_no_second_line(make_room, receiver):
    """A label with an address and a line break is a label still."""
    room = make_room()
    room.tell({"7": 5}, label="bus {}\r\nBcc: x@evil.example https://evil.example/pay www.evil.example")
    room.settle()

    said = receiver.requests[0].json
    assert "evil.example/pay" not in said["text"]
    assert "www.evil" not in said["text"]
    assert "\n" not in said["subject"]
    assert said["text"].count("https://") == 1


def test_a_message_is_the_same_at_each_try(make_room, receiver):
    """Same key and same body, also when rules have changed meanwhile."""
    answers = [Answer(500), Answer(503), Answer(200)]
    receiver.answer = lambda request: answers.pop(0)
    room = make_room()
    room.tell({"7": 5})
    room.notifier.step()
    receiver.until(lambda requests: len(requests) == 1)
    object.__setattr__(room.rules, "rules", {})
    room.work(lambda: room.states() == {("desk", "raised"): "sent"})

    assert len(receiver.requests) == 3
    assert len({request.key for request in receiver.requests}) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert room.deliveries()[0].tries == 3


def test_a_refusal_for_good_is_not_repeated_and_is_said(make_room, receiver):
    """400 is lost at once; people are told that somebody was not reached, without the address."""
    receiver.answer = lambda request: Answer(400, b'{"error": "bad hook https://x/?key=abc"}')
    room = make_room()
    room.tell({"7": 5})
    room.settle()

    [delivery] = room.deliveries()
    assert delivery.state is State.FAILED
    assert len(receiver.requests) == 1
    assert "answered 400" in delivery.error
    assert "key=abc" not in delivery.error
    assert any("desk by webhook was lost" in fault for fault in room.notifier.faults)


def test_a_quota_is_waited_for(make_room, receiver):
    """429 with Retry-After: no try before that."""
    answers = [Answer(429, headers={"Retry-After": "120"}), Answer(200)]
    receiver.answer = lambda request: answers.pop(0)
    room = make_room()
    room.tell({"7": 5})
    room.settle()
    room.pass_s(119)
    room.settle()
    early = len(receiver.requests)
    room.pass_s(2)
    room.work(lambda: room.states() == {("desk", "raised"): "sent"})

    assert early == 1
    assert len(receiver.requests) == 2


def test_redirects_are_not_followed(make_room, receiver):
    """What is signed for one address is sent to no other."""
    receiver.answer = lambda request: Answer(307, headers={"Location": f"{receiver.url}/elsewhere"})
    room = make_room()
    room.tell({"7": 5})
    room.notifier.step()
    room.work(lambda: room.deliveries()[0].tries >= 1)

    assert {request.path for request in receiver.requests} == {"/desk"}
    assert "redirects are not followed" in room.deliveries()[0].error


def test_what_nobody_takes_ends_when_it_is_too_old(make_room, receiver):
    """After the limit in age it is expired, and that is said."""
    receiver.answer = lambda request: Answer(500)
    room = make_room(limits="{expire_after: 10 min}", again_s=(60.0,))
    room.tell({"7": 5})
    room.settle()
    for _ in range(10):
        room.pass_s(75)
        room.settle()

    [delivery] = room.deliveries()
    assert delivery.state is State.EXPIRED
    assert 5 < delivery.tries <= 11
    assert "was lost" in "".join(room.notifier.faults)


def test_one_that_hangs_delays_nobody(tmp_path, hangs_on):
    """The manager's server never answers; the desk is told all the same, and the hang is said."""
    with receiving() as well, receiving() as hung:

        def never(request):
            raise TimeoutError

        hung.answer = never
        text = f"recipients:\n  - {hook('manager', hung.url)}\n  - {hook('desk', well.url)}\nroutes: [{{to: [manager, desk]}}]\n"
        room = Room(tmp_path, read_settings(tmp_path, text), hangs_after_s=0.3)
        room.tell({"7": 5})
        room.work(lambda: room.states().get(("desk", "raised")) == "sent")
        hung.until(lambda requests: bool(requests))
        room.work(lambda: any(d.tries for d in room.deliveries() if d.recipient == "manager"))

        manager = next(d for d in room.deliveries() if d.recipient == "manager")
        assert manager.state is State.QUEUED
        assert "no answer within 0.3 s" in manager.error
        room.close()


def test_a_late_arrival_is_not_undone_by_the_try_made_in_its_place(make_room, receiver, hangs_on):
    """It was given up as hung and arrived after all; that the repetition fails then neither sends nor loses anything."""
    first, others = threading.Event(), threading.Event()

    def answer(request):
        is_first = request is receiver.requests[0]
        assert (first if is_first else others).wait(60)
        return Answer(200 if is_first else 500)

    receiver.answer = answer
    room = make_room(hangs_after_s=0.2)
    room.tell({"7": 5})
    room.work(lambda: len(receiver.requests) >= 2)
    first.set()
    room.work(lambda: room.states() == {("desk", "raised"): "sent"})
    others.set()
    room.work(lambda: not any(room.notifier._flying.values()))
    came = len(receiver.requests)
    room.settle()

    assert room.states() == {("desk", "raised"): "sent"}
    assert len(receiver.requests) == came


def test_a_hung_recipient_holds_no_more_than_four_threads(tmp_path, hangs_on):
    """However long nobody answers, tries do not pile up."""
    with receiving() as hung:

        def never(request):
            raise TimeoutError

        hung.answer = never
        text = f"recipients:\n  - {hook('desk', hung.url)}\nroutes: [{{to: [desk]}}]\n"
        room = Room(tmp_path, read_settings(tmp_path, text), hangs_after_s=0.05)
        room.tell({"7": 5})
        room.work(lambda: room.deliveries() and room.deliveries()[0].tries >= 4)
        for _ in range(20):
            room.notifier.step()

        assert len(hung.requests) <= 4
        room.close()


def test_nobody_there_is_tried_again(tmp_path):
    """A refused connection is a failed try; when the server is there it is told."""
    with refusing() as port:
        text = f"recipients:\n  - {hook('desk', f'http://127.0.0.1:{port}')}\nroutes: [{{to: [desk]}}]\n"
        room = Room(tmp_path, read_settings(tmp_path, text))
        room.tell({"7": 5})
        room.work(lambda: room.deliveries() and room.deliveries()[0].tries >= 2)

    assert room.deliveries()[0].state is State.QUEUED
    assert room.deliveries()[0].error == "cannot be reached: connection refused, or no such host"
    room.close()


def test_a_rule_that_escalates_to_nobody_is_said(tmp_path, receiver):
    """Before the night in which it would matter."""
    text = f"recipients:\n  - {hook('desk', receiver.url)}\nroutes: [{{to: [desk]}}]\n"
    room = Room(tmp_path, read_settings(tmp_path, text))

    assert room.notifier.faults == (
        "notification: rules escalate to manager, who is no recipient; add it to the notify file",
    )
    room.close()


def test_the_outbox_keeps_no_address(make_room):
    """Recipients are roles; where they are reached stands in the settings alone."""
    room = make_room()
    room.tell({"7": 5})
    room.settle()

    [delivery] = room.deliveries()
    assert delivery.recipient == "desk"
    assert "127.0.0.1" not in str(delivery)
