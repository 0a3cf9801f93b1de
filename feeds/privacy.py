"""Number plates never pass an adapter.

Some operators use the number plate as the vehicle's identity. A plate leads to
a person, yet we need a stable name to follow the vehicle from poll to poll, so
a plate is replaced by `plate-` and ten hex digits of a keyed hash.

The key is the feed's name: the same plate has different names in different
feeds, so feeds cannot be joined over it by accident. The key is no secret and
there are few plates, so somebody determined could try them all. This keeps
plates off screens, logs and disks; it is no anonymisation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_SEPARATOR = "[ _-]?"
# Plates in use in Great Britain that cannot be mistaken for a fleet number. The
# dateless forms ("ABC 1234", "MK 1") look just like fleet numbers: left alone.
_FORMS = (
    f"[A-Za-z]{{2}}[0-9]{{2}}{_SEPARATOR}[A-Za-z]{{3}}",  # since 2001: YX69 NPO
    f"[A-Za-z][0-9]{{1,3}}{_SEPARATOR}[A-Za-z]{{3}}",  # 1983 to 2001: P123 ABC
    f"[A-Za-z]{{3}}{_SEPARATOR}[0-9]{{1,3}}[A-Za-z]",  # 1963 to 1983: ABC 123D
)
_PLATE = re.compile("|".join(_FORMS))
# All three forms end in a letter and fleet numbers seldom do; looking for that
# first makes five thousand ids cost a fraction of a millisecond.
_ENDS_IN_LETTER = re.compile(r"\n(?<=[A-Za-z]\n)")
_PLATE_LINE = re.compile(rf"\n(?:{'|'.join(_FORMS)})(?=\n)")


def pseudonym(text: str, feed: str) -> str:
    """The name that stands for this plate in this feed: stable, keyed by the feed's name."""
    return "plate-" + hashlib.blake2b(text.encode("utf-8", "replace"), key=feed.encode()[:64]).hexdigest()[:10]


def is_plate(text: str) -> bool:
    """Whether the whole text has the form of a UK number plate."""
    return _PLATE.fullmatch(text) is not None


def may_hold_plates(texts: Sequence[str]) -> bool:
    """Whether any of many texts is a plate, at far less than the cost of asking each."""
    joined = "\n" + "\n".join(texts) + "\n"
    return _ENDS_IN_LETTER.search(joined) is not None and _PLATE_LINE.search(joined) is not None


def hide_plate(texts: Sequence[str | None], feed: str) -> tuple[list[str | None], int]:
    """A column of ids or labels with every number plate replaced by its pseudonym.

    Args:
        texts: cleaned, without newlines; None stays None.
        feed: name of the feed, the key of the pseudonyms.

    Returns:
        The texts in the same order, and how many were replaced.
    """
    if not may_hold_plates([t for t in texts if t] if None in texts else texts):  # type: ignore[arg-type]
        return list(texts), 0
    hidden = [pseudonym(t, feed) if t and is_plate(t) else t for t in texts]
    return hidden, sum(old is not new for old, new in zip(texts, hidden, strict=True))
