"""Pieces of the public pages. Everything written here is text of ours: catalogue, city file, icons."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

# Lines in a box of 32, drawn with the stroke of the text they stand beside.
ICONS: Final[Mapping[str, str]] = {
    "home": "M5 15.5 16 6l11 9.5M8 13.5V26h16V13.5",
    "explore": "M14 5a9 9 0 1 1 0 18a9 9 0 0 1 0-18zM20.5 20.5 28 28",
    "near": "M16 28s9-9.2 9-15.4A9 9 0 0 0 7 12.6C7 18.8 16 28 16 28zM16 9.2a3.6 3.6 0 1 1 0 7.2a3.6 3.6 0 0 1 0-7.2z",
    "how": "M11 26h10M12.5 22.5h7M16 4a8.5 8.5 0 0 0-5 15.3c.8.7 1.5 1.7 1.5 3.2h7c0-1.5.7-2.5 1.5-3.2A8.5 8.5 0 0 0 16 4z",
    "quiz": "M11 11.5a5 5 0 1 1 7.2 4.5c-1.5.8-2.2 1.6-2.2 3.5M16 24.6v.8M16 3.5a12.5 12.5 0 1 1 0 25a12.5 12.5 0 0 1 0-25z",
    "privacy": "M16 4 26 8v8c0 6.5-4.5 10.5-10 12.5C10.5 26.5 6 22.5 6 16V8zM11.5 15.8l3.2 3.2 6-6.2",
    "language": "M16 4a12 12 0 1 1 0 24a12 12 0 0 1 0-24zM4.5 16h23M16 4c4 3.5 5 8 5 12s-1 8.5-5 12c-4-3.5-5-8-5-12s1-8.5 5-12z",
    "contrast": "M16 4a12 12 0 1 1 0 24zM16 4a12 12 0 0 0 0 24",
    "motion": "M11 7v18M21 7v18",
    "text": "M4 25 11 7l7 18M6.5 19h9M19.5 25l4.5-11.5L28.5 25M21 21.5h6",
    "reach": "M10 8 4 14l6 6M4 14h16M22 12l6 6-6 6M28 18H12",
    "speech": "M5 12.5v7h5l7 6v-19l-7 6zM21 11.5a6.5 6.5 0 0 1 0 9M24.5 8a11.5 11.5 0 0 1 0 16",
    "close": "M8 8l16 16M24 8 8 24",
    "tick": "M6 17l7 7 13-15",
    "next": "M12 6l10 10-10 10",
    "back": "M20 6 10 16l10 10",
    "robot": "M9 12.5h14a2 2 0 0 1 2 2V21a2 2 0 0 1-2 2H9a2 2 0 0 1-2-2v-6.5a2 2 0 0 1 2-2zM22 12.5V5l-5 2 5 2M10.5 23a2 2 0 1 0 0 4a2 2 0 0 0 0-4zM21.5 23a2 2 0 1 0 0 4a2 2 0 0 0 0-4z",
    "shuttle": "M7 10a4 4 0 0 1 4-4h10a4 4 0 0 1 4 4v14H7zM7 16h18M16 6v10M11 24v2.5M21 24v2.5",
    "drone": "M8 7a3.5 3.5 0 1 1 0 7a3.5 3.5 0 0 1 0-7zM24 7a3.5 3.5 0 1 1 0 7a3.5 3.5 0 0 1 0-7zM8 10.5l5 4h6l5-4M13 14.5h6v5h-6zM11 26l3-6.5M21 26l-3-6.5",
    "bus": "M5 9a2 2 0 0 1 2-2h18a2 2 0 0 1 2 2v14H5zM5 16h22M12 7v9M20 7v9M10 23a2 2 0 1 0 0 4a2 2 0 0 0 0-4zM22 23a2 2 0 1 0 0 4a2 2 0 0 0 0-4z",
    "mast": "M16 12 11 28M16 12l5 16M13 21h6M16 8a2 2 0 1 1 0 4a2 2 0 0 1 0-4zM10.5 5a7.5 7.5 0 0 0 0 10M21.5 5a7.5 7.5 0 0 1 0 10",
}  # fmt: skip


class Words:
    """Writes texts of the first language into a page; scripts write them anew when another is chosen.

    Args:
        texts: `Catalogue.for_page()` of the language in which the page is sent.
    """

    def __init__(self, texts: Mapping[str, str | Mapping[str, str]]) -> None:
        self._texts = texts

    def plain(self, key: str) -> str:
        """The text, escaped.

        Raises:
            KeyError: the catalogue has no such text; a page with a gap must not leave the server.
        """
        text = self._texts[key]
        if not isinstance(text, str):
            raise KeyError(f"{key} counts something; only a script can say it")
        return escape(text)

    def span(self, key: str, classes: str = "") -> str:
        return self.tag("span", key, classes)

    def tag(self, name: str, key: str, classes: str = "", more: str = "") -> str:
        """An element that holds this text alone."""
        style = f' class="{classes}"' if classes else ""
        return f'<{name}{style} data-words="{key}"{more}>{self.plain(key)}</{name}>'

    def label(self, key: str) -> str:
        """An `aria-label` of this text."""
        return f'aria-label="{self.plain(key)}" data-label="{key}"'


def icon(name: str) -> str:
    """A picture beside words; it says nothing that they do not."""
    return f'<svg class="icon" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><path d="{ICONS[name]}"/></svg>'


def button(words: Words, key: str, picture: str, classes: str, more: str = "") -> str:
    """A button with an icon and its words."""
    return f'<button type="button" class="{classes}" {more}>{icon(picture)}{words.span(key)}</button>'
