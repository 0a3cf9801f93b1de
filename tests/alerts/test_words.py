"""Titles and addresses of alarms: the same placeholders, for people and for browsers."""

from __future__ import annotations

from alerts.words import fill, fill_title
from control_room.model import KINDS

COLUMNS = KINDS["vehicle"].by_name
DRONE = {"vehicle_id": "b0b4424f-8b3c-4c7d-b5a1-1058c4a2acfa", "state": "needs_help", "label": "night_bus"}


def test_a_title_is_for_people_and_an_address_is_exact():
    """A closed value loses its underscore, a UUID all but its beginning; another's own words and an address stay."""
    template = "{vehicle_id} {state} {label} {speed_kmh}"

    assert fill_title(template, "k", DRONE, COLUMNS) == "b0b4424f… needs help night_bus unknown"
    assert fill(template, "k", DRONE, COLUMNS) == f"{DRONE['vehicle_id']} needs_help night_bus unknown"
