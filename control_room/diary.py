"""What the writer keeps of the city beside its snapshot: tracks, the running day of each vehicle, earlier drive tests.

One place for panels to ask (`View.diary`), and one call for the writer. For staff only: a
screen of another audience is given none.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from control_room.ages import STALE, Limits, judge_ages
from control_room.days import Days
from control_room.model import Snapshot
from control_room.surveys import Surveys
from control_room.tracks import Tracks


class Diary:
    """Fed with each snapshot by the writer alone; read by whoever builds a screen.

    Args:
        feeds: for the limits by which a row is too old to count.
        zone: of the city, for what today is.
    """

    def __init__(self, feeds: Sequence[Limits], zone: ZoneInfo) -> None:
        self._feeds = tuple(feeds)
        self.tracks = Tracks()
        self.days = Days(zone)
        self.surveys = Surveys()

    def note(self, snapshot: Snapshot) -> None:
        """Takes over what is new in this snapshot."""
        vehicles = snapshot.tables["vehicle"]
        self.tracks.note(vehicles, snapshot.at)
        self.days.note(vehicles, judge_ages(vehicles, self._feeds, snapshot.at) < STALE, snapshot.at)
        self.surveys.note(snapshot.tables["coverage"])
