"""Text from outside, made fit for a row, a log line and a screen.

Suppliers send control characters, line feeds inside names, text of any length
and marks that reverse the direction of writing. None of that helps a reader,
and some of it can forge a log line or hide what a word says.
"""

from __future__ import annotations

import re

# Cc control, Cf format (zero width, bidirectional overrides, byte order mark), Cs lone
# surrogates, which cannot be encoded. The joiners U+200C and U+200D stay: some scripts
# and emoji are wrong without them.
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")

# What could carry a secret in a sentence that a supplier's server wrote about our request.
_ADDRESS = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://\S+")
_SECRET = re.compile(
    r"(?i)\b(api[_-]?key|access[_-]?token|token|key|secret|password|passwd|pwd|authorization)\b[\"']?"
    r"\s*[:=]\s*(?:(?:bearer|basic)\s+)?[\"']?[^\s\"',;&]+|\b(bearer|basic)\s+[^\s\"',;&]{6,}"
)
# Long and with digits in it: a key, or an id that nobody reads anyway.
_RANDOM = re.compile(r"\b(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}\b")


def clean_text(value: object, limit: int = 200) -> str | None:
    """Text on one line without hidden characters, at most `limit` long.

    Returns:
        None for what is no text, or holds nothing once cleaned. A longer text
        ends in an ellipsis, so that a cut is never taken for the whole.
    """
    if not isinstance(value, str):
        return None
    # Reading stops well past the limit: cleaning ten megabytes to keep 200 letters is a gift to an attacker.
    text = value[: 4 * limit + 64]
    if not (text.isascii() and text.isprintable() and "  " not in text):
        text = _SPACE.sub(" ", _HIDDEN.sub("", text))
    text = text.strip()
    if len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return text or None


def clean_error(value: object, limit: int = 200) -> str | None:
    """A sentence from another server, without addresses and without what may be a secret.

    Some servers repeat the request in their error text, key included.
    """
    if not isinstance(value, str):
        return None
    # Masked before it is cut: half a key is still half a key.
    text = _ADDRESS.sub("(address)", value[:4000])
    text = _SECRET.sub(lambda found: f"{found.group(1) or found.group(2)} (hidden)", text)
    return clean_text(_RANDOM.sub("(hidden)", text), limit)
