"""How long and how much people may do at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

# A shelf outlives no shift: who comes after must decide anew (ISA-18.2 asks for a limit; EEMUA 191 for a short one).
SHELF: Final = timedelta(hours=12)
# Where somebody may be in danger nobody is told of it for an hour at most.
SHELF_HIGHEST: Final = timedelta(hours=1)

MOST_ALARMS: Final = 20_000
LONGEST_TEXT: Final = 500
LONGEST_NAME: Final = 80


def longest_shelf(priority: str) -> timedelta:
    """For how long an alarm of that priority may be shelved."""
    return SHELF_HIGHEST if priority == "highest" else SHELF
