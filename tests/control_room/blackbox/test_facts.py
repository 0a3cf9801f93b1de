"""Facts of vehicles come back as they were, and cost little while little changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_room.blackbox.facts import FactsEncoder, FactsError, decode_facts
from tests.control_room.blackbox.recorded import NOON, Screens, ms

S = timedelta(seconds=1)


def encode(encoder, screens, moment):
    bundle, snapshot = screens.at(moment)
    slots = bundle.frame.slot_of
    return encoder.encode(snapshot.tables["vehicle"], slots, 1_000, ms(moment)), snapshot.tables["vehicle"], slots


def test_facts_come_back_as_they_were():
    """Texts, tenths and slots of every vehicle are the same after decoding; what is unknown stays unknown."""
    encoder, screens = FactsEncoder(), Screens(rows=50)
    (base, is_base), _, _ = encode(encoder, screens, NOON)
    (later, later_is_base), table, slots = encode(encoder, screens, NOON + 10 * S)

    facts = decode_facts(later, base)

    assert (is_base, later_is_base) == (True, False)
    assert facts.keys() == dict(slots)
    for row, record in enumerate(table.to_records()):
        found = facts.record(facts.find_row(record["vehicle_key"]))
        for name in ("vehicle_key", "vehicle_id", "label", "feed", "state", "route_name", "locality", "speed_kmh"):
            assert found[name] == record.get(name), (row, name)
        assert found["battery_percent"] == record["battery_percent"]


def test_what_changes_little_costs_little():
    """Between two bases only what differs is kept: a tenth of the whole where speeds changed alone."""
    encoder, screens = FactsEncoder(), Screens(rows=400)
    (base, _), _, _ = encode(encoder, screens, NOON)
    (later, _), _, _ = encode(encoder, screens, NOON + 10 * S)

    assert len(later) < len(base) / 5


def test_a_fleet_that_is_another_makes_a_new_base():
    """Where most vehicles came after the base, the next facts stand by themselves again."""
    encoder, screens = FactsEncoder(), Screens(rows=300)
    screens.gone = set(range(5, 300))
    encode(encoder, screens, NOON)
    screens.gone = set()
    (content, is_base), _, _ = encode(encoder, screens, NOON + 10 * S)
    (after, after_is_base), _, _ = encode(encoder, screens, NOON + 20 * S)

    assert (is_base, after_is_base) == (True, False)
    assert len(after) < len(content)


def test_facts_are_never_read_with_another_base():
    """Facts that follow from another base, from none, or are damaged, are refused in words."""
    encoder, screens = FactsEncoder(), Screens(rows=5)
    (base, _), _, _ = encode(encoder, screens, NOON)
    (later, _), _, _ = encode(encoder, screens, NOON + 10 * S)
    (other, _), _, _ = encode(FactsEncoder(), Screens(rows=5), NOON + 1 * S)

    for wrong, words in ((None, "without their base"), (other, "from another base"), (base[:-3], "damaged")):
        with pytest.raises(FactsError, match=words):
            decode_facts(later, wrong)
