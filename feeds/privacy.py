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
# Alone or as a word of a longer text: ticket machines write "191_-_YX69_NPO" and "1234 YX69NPO".
_PLATE = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_FORMS)})(?![A-Za-z0-9])")

# Texts that hold no plate. The same ids come with every poll, and to look them up is five times
# quicker than to search them; a feed of ever new ids empties it now and then.
_CLEAN: set[str | None] = {None}
_MOST_CLEAN = 200_000


def pseudonym(text: str, feed: str) -> str:
    """The name that stands for this plate in this feed: stable, keyed by the feed's name."""
    return "plate-" + hashlib.blake2b(text.encode("utf-8", "replace"), key=feed.encode()[:64]).hexdigest()[:10]


def is_plate(text: str) -> bool:
    """Whether the whole text has the form of a UK number plate."""
    return _PLATE.fullmatch(text) is not None


def holds_plate(text: str) -> bool:
    """Whether the text is a UK number plate, or holds one as a word of its own."""
    return _PLATE.search(text) is not None


def may_hold_plates(texts: Sequence[str | None]) -> bool:
    """Whether any of many texts (without newlines) holds a plate, at far less than the cost of asking each."""
    if _CLEAN.issuperset(texts):
        return False
    if _PLATE.search("\n".join(text for text in texts if text)) is not None:
        return True
    if len(_CLEAN) + len(texts) > _MOST_CLEAN:
        _CLEAN.intersection_update((None,))
    _CLEAN.update(texts)
    return False


def hide_plate(texts: Sequence[str | None], feed: str) -> tuple[list[str | None], int]:
    """A column of ids or labels; each that holds a number plate is replaced as a whole by its pseudonym.

    Args:
        texts: cleaned, without newlines; None stays None.
        feed: name of the feed, the key of the pseudonyms.

    Returns:
        The texts in the same order, and how many were replaced.
    """
    if not may_hold_plates(texts):
        return list(texts), 0
    hidden = [pseudonym(t, feed) if t and holds_plate(t) else t for t in texts]
    return hidden, sum(old is not new for old, new in zip(texts, hidden, strict=True))


def repeats_plate(text: str, plate: str) -> bool:
    """Whether a text repeats a plate that was sent beside it, of whatever country, spaces and dashes aside.

    Inside a longer text only what has letters and digits counts: some suppliers
    write a bare fleet number where the plate belongs.
    """
    told, sought = _bare(text), _bare(plate)
    if not sought:
        return False
    mixed = len(sought) >= 4 and not sought.isdigit() and not sought.isalpha()
    return sought in told if mixed else sought == told


def _bare(text: str) -> str:
    return text.translate(_SEPARATORS).upper()


_SEPARATORS = str.maketrans("", "", " _-")
