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
from functools import lru_cache
from typing import Final

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


# --- Direct identifiers: what leads to one person without any other knowledge ---

# Each sort in the words that people read on the screens.
EMAIL: Final = "e-mail address"
PHONE: Final = "telephone number"
PLATE: Final = "number plate"
INSURANCE: Final = "National Insurance number"
HOME: Final = "home address"
PERSON: Final = "a person's field"

_EMAIL_FORM = re.compile(r"[^\s@<>\"'(),;:\[\]]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}")
# British numbers of places and mobiles as people write them: 01908 123456, (020) 7946 0000, +44 7700 900123.
# Not a piece of an id or of a longer number, no coordinate (0.1...), and not 03, 08 or 09: those are organisations'.
_PHONE_FORM = re.compile(
    r"(?<![\w:.+/-])(?:(?:\+|00)44[ .-]?(?:\(0\)[ .-]?)?|\(?0)[1257][0-9]{1,4}\)?[ .-]?[0-9]{3,4}[ .-]?[0-9]{3,4}(?![\w-])"
)
# The present form only, with letters that the register gives out: older forms look like ids of cells, stops and routes.
_PLATE_FORM = re.compile(
    r"(?<![A-Za-z0-9])[A-HK-PRSVWXY][A-HJ-PR-Y](?:0[2-9]|[1257][0-9]|6[0-9])( ?)([A-HJ-PR-Z]{3})(?![A-Za-z0-9])"
)
# "ROAD CLOSED IN MK17 DUE TO WORKS" holds a postcode district and a word, and no plate.
_WORDS_OF_THREE = frozenset(
    [
        "ALL",
        "AND",
        "ARE",
        "BAR",
        "BAY",
        "BED",
        "BOX",
        "BUS",
        "BUT",
        "CAN",
        "CAR",
        "DAY",
        "DUE",
        "EAR",
        "END",
        "ETC",
        "EXC",
        "FAR",
        "FOR",
        "FROM",
        "GAP",
        "GAS",
        "HAS",
        "HER",
        "HIS",
        "HUB",
        "LAW",
        "LAY",
        "LET",
        "LOW",
        "MAN",
        "MAY",
        "MEN",
        "MON",
        "NET",
        "NEW",
        "NON",
        "NOT",
        "NOW",
        "OFF",
        "OLD",
        "ONE",
        "ORD",
        "OUR",
        "OUT",
        "OWN",
        "PAY",
        "PER",
        "PUB",
        "RAN",
        "RED",
        "ROW",
        "RUN",
        "SAT",
        "SEE",
        "SET",
        "SHE",
        "SUN",
        "TEA",
        "THE",
        "TOP",
        "TOW",
        "TUE",
        "TWO",
        "USE",
        "VAN",
        "VAT",
        "VIA",
        "WAS",
        "WAY",
        "WED",
        "WEF",
        "WHO",
        "WHY",
        "YES",
        "YET",
        "YOU",
    ]
)
_INSURANCE_FORM = re.compile(
    r"(?<![A-Za-z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]( ?)[0-9]{2}\1[0-9]{2}\1[0-9]{2}\1[A-D]"
    r"(?![A-Za-z0-9])"
)
# A house number, words, and a full postcode: "12 Acacia Avenue, Bletchley MK3 6AB".
_HOME_FORM = re.compile(
    r"(?<![\w.-])[0-9]{1,4}[A-Za-z]?,? (?:[A-Za-z'.-]{2,30},? ){1,8}[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-BD-HJLNP-UW-Z]{2}(?![A-Za-z0-9])"
)
# One of these letters or digits is in every form above; most texts of a feed hold no space, @ or two digits in a row.
_MAY = re.compile(r"@|[0-9]{2}|[0-9][A-Za-z]?,? [A-Za-z]")

_PERSON_NAMES = re.compile(
    r"(?:^|_)(?:"
    r"driver(?:_?(?:name|ref|id|no|num|number|code|licen[cs]e))?"
    r"|(?:first|fore|given|family|last|maiden|full|middle)_?names?|surnames?"
    r"|(?:customer|passenger|rider|patient|resident|caller|requeste?o?r|reporter|contact|operative|employee"
    r"|owner|pilot|crew|staff|attendant|citizen|applicant|complainant)_?name"
    r"|date_of_birth|birth_?date|dob"
    r"|national_insurance(?:_?(?:no|number))?|ni_?number|nino|nhs_?(?:no|number)|passport(?:_?(?:no|number))?"
    r"|e_?mail(?:_?address)?|(?:tele)?phone(?:_?(?:no|number))?|mobile_?(?:no|number|phone)|msisdn|imsi|imei|supi"
    r"|(?:operator|pilot|home)_(?:location|position|address)"
    r")$"
)
_PLATE_NAMES = re.compile(
    r"(?:^|_)(?:(?:number_?|licen[cs]e_?|registration_?)plates?|vrms?|vrns?|registration_?(?:mark|number)"
    r"|vehicle_?registration)$"
)
_UPPER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_WORD = re.compile(r"[^a-z0-9]+")


def find_identifier(text: str) -> str | None:
    """Which sort of direct identifier a text holds, in words; None where it holds none.

    A bare row of digits is no telephone number here: ids of cells, stops and trips look
    the same. Where a field is called "phone", its name says enough (`names_person`).
    """
    if len(text) < 6 or _MAY.search(text) is None:
        return None
    # Nobody hides an address behind ten thousand letters, and each search is linear in what it reads.
    text = text[:10_000]
    if "@" in text and _EMAIL_FORM.search(text):
        return EMAIL
    if any(_is_phone(found.group(), text) for found in _PHONE_FORM.finditer(text)):
        return PHONE
    if any(not found[1] or found[2] not in _WORDS_OF_THREE for found in _PLATE_FORM.finditer(text)):
        return PLATE
    if _INSURANCE_FORM.search(text):
        return INSURANCE
    return HOME if _HOME_FORM.search(text) else None


def _is_phone(found: str, text: str) -> bool:
    digits = "".join(filter(str.isdigit, found))
    national = digits.removeprefix("0044") if found.startswith("00") else digits.removeprefix("44")
    return len(national.lstrip("0")) in (9, 10) and not text.strip().isdigit()


@lru_cache(maxsize=20_000)
def names_person(name: str) -> bool:
    """Whether a field is about a person by its own name: driver_name, DriverRef, operator-location, e-mail, imsi."""
    return _PERSON_NAMES.search(_spell(name)) is not None


@lru_cache(maxsize=20_000)
def names_plate(name: str) -> bool:
    """Whether a field is called so that a number plate of whatever country stands in it: license_plate, VRM."""
    return _PLATE_NAMES.search(_spell(name)) is not None


def _spell(name: str) -> str:
    """A field's name as lower-case words joined by "_": numberPlate, NUMBER-PLATE and number plate are one."""
    return _NO_WORD.sub("_", _UPPER.sub("_", name).lower()).strip("_")


@lru_cache(maxsize=20_000)
def names_phone(name: str) -> bool:
    """Whether a field is called so that nine digits or more in it are a telephone number: mobile, tel, fax, contact."""
    return re.search(r"(?:^|_)(?:mobile|tel|fax|contact)(?:_?(?:no|number|details))?$", _spell(name)) is not None


@lru_cache(maxsize=20_000)
def find_in_name(name: str) -> str | None:
    """Which sort of identifier a field's name itself is: somebody used a plate or an address as a key."""
    # OData writes `Observations@iot.count`, NGSI-LD clients `speed@observedAt`.
    return find_identifier(name.replace("@iot.", " ").replace("@odata.", " "))


def hide_identifiers(text: str) -> str:
    """A sentence for logs and screens, each direct identifier in it replaced by what it is."""
    if len(text) < 6 or _MAY.search(text) is None:
        return text
    for form, sort in ((_EMAIL_FORM, EMAIL), (_PHONE_FORM, PHONE), (_INSURANCE_FORM, INSURANCE), (_HOME_FORM, HOME)):
        text = form.sub(f"({sort} hidden)", text)
    return _PLATE.sub(f"({PLATE} hidden)", text)


# Texts in which nothing was found: ids and names come again with every poll.
_FREE: set[str | None] = {None}


def may_hold_identifiers(texts: Sequence[str | None]) -> bool:
    """Whether any of many texts may hold a direct identifier, at far less than the cost of asking each."""
    if _FREE.issuperset(texts):
        return False
    fresh = {text for text in texts if text not in _FREE}
    if any(find_identifier(text) is not None for text in fresh if text):
        return True
    if len(_FREE) + len(fresh) > _MOST_CLEAN:
        _FREE.intersection_update((None,))
    _FREE.update(fresh)
    return False
