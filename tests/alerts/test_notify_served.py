"""The whole way once: a feed over HTTP, `control_room serve` as anybody starts it, a webhook; and once more after kill -9."""

from __future__ import annotations

import json
import os
import time

from tests.alerts.notify_room import SECRET, hook
from tests.alerts.receivers import Answer, receiving
from tests.benchmarks.alarm_latency import RULES, Buses, serving
from tests.benchmarks.processes import feed_of, run_dashboard


def test_a_running_control_room_tells_and_goes_on_telling_after_a_kill(tmp_path):
    """What could not be sent before kill -9 is sent by the next life, with the same key; the feed is real, so no SANDBOX."""
    buses = Buses(2)
    with serving(buses) as port, receiving() as receiver:
        receiver.answer = lambda request: Answer(503)
        (tmp_path / "feeds.yaml").write_text(
            json.dumps({"feeds": [feed_of("buses", f"http://127.0.0.1:{port}/vehicles.pb", 0.5)]})
        )
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "rules.yaml").write_text(RULES)
        notify = tmp_path / "notify.yaml"
        notify.write_text(f"recipients:\n  - {hook('desk', receiver.url)}\nroutes: [{{to: [desk]}}]\n")
        flags = ("--rules", str(tmp_path / "rules"), "--notify", str(notify))
        environment = {**os.environ, "HOOK_SECRET": SECRET}
        with run_dashboard(tmp_path, tmp_path / "feeds.yaml", *flags, environment=environment) as life:
            buses.begin = time.time()
            receiver.until(lambda requests: {r.json["title"] for r in requests} == {"b0", "b1"}, within_s=60)
            life.process.kill()
            life.process.wait()
        before = len(receiver.requests)
        receiver.answer = lambda request: Answer()
        with run_dashboard(tmp_path, tmp_path / "feeds.yaml", *flags, environment=environment):
            later = receiver.until(
                lambda requests: {r.json["title"] for r in requests[before:]} == {"b0", "b1"}, within_s=90
            )[before:]

    assert {r.key for r in later} == {r.key for r in receiver.requests[:before]}
    assert all(request.json["simulated"] is False for request in receiver.requests)
