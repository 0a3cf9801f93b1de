"""Names of the day: what a visitor may call a robot. Drawn with a secret that never leaves memory.

A name says nothing of the vehicle, and nothing of its name of yesterday: the key of a day
is the master secret's HMAC of that day. Whoever starts the program anew draws a new master.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

# Without vowels (no words), without 0, 1, O, I, Y (read wrongly). 25,600 names a kind.
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
DIGITS: Final = "23456789"
SPACE: Final = (len(LETTERS) * len(DIGITS)) ** 2


@dataclass(frozen=True)
class Names:
    """Names given on one day, by (kind, vehicle key); only of those that are there now."""

    day: date | None = None
    given: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}), repr=False)


def give_names(names: Names, things: Iterable[tuple[str, str]], day: date, master: bytes) -> Names:
    """Names of these things on that day: who has one keeps it; at a new day everybody gets another.

    Args:
        things: (kind, vehicle key), each once.
        master: secret, at least 16 bytes.

    Raises:
        ValueError: the secret is too short, or there are more things of a kind than names.
    """
    if len(master) < 16:
        raise ValueError("the secret of the names is under 16 bytes; draw it with secrets.token_bytes")
    before = names.given if names.day == day else {}
    wanted = list(things)
    given = {thing: before[thing] for thing in wanted if thing in before}
    taken = {(kind, name) for (kind, _), name in given.items()}
    key = hmac.digest(master, day.isoformat().encode(), "sha256")
    for kind, vehicle in wanted:
        if (kind, vehicle) in given:
            continue
        number = int.from_bytes(hmac.digest(key, f"{kind}\0{vehicle}".encode(), "sha256")[:8])
        for step in range(SPACE):
            name = _spell((number + step) % SPACE)
            if (kind, name) not in taken:
                taken.add((kind, name))
                given[(kind, vehicle)] = name
                break
        else:
            raise ValueError(f"more than {SPACE} things of kind {kind}: there are no more names")
    return Names(day, MappingProxyType(given))


def _spell(number: int) -> str:
    half = len(LETTERS) * len(DIGITS)
    pairs = [f"{LETTERS[n // len(DIGITS)]}{DIGITS[n % len(DIGITS)]}" for n in divmod(number, half)]
    return "".join(pairs)
