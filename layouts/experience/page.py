"""The whole documents of the public screens: the touch kiosk, and the big display that nobody touches.

They are the same for everybody and hold no fact of the city but its title: those come over the socket
(docs/experience-protocol.md). No link, no form, no inline script, nothing from another host; under the policy of the
experience process they run as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, Literal

from control_room.public.words import load_catalogues
from layouts.experience.parts import Words, button
from layouts.experience.screens import (
    build_attract,
    build_dots,
    build_explore,
    build_how,
    build_near,
    build_privacy,
    build_quiz,
)

Screen = Literal["kiosk", "display"]

DOCK: Final = ("explore", "near", "how", "quiz", "privacy")
# What a visitor can change: name, icon, and what the button says before it is touched.
OPTIONS: Final = (
    ("language", "language", "button.language"),
    ("contrast", "contrast", "button.contrast_on"),
    ("motion", "motion", "button.pause"),
    ("text", "text", "button.text_larger"),
    ("reach", "reach", "button.left_hand"),
    ("speech", "speech", "button.read_aloud"),
)
# A roundabout where two grid roads meet, with a Redway beside it: the city in one mark.
MARK: Final = (
    '<svg class="mark" viewBox="0 0 48 48" aria-hidden="true" focusable="false">'
    '<path class="mark-way" d="M7 43C8 28 14 14 43 8"/><path class="mark-road" d="M24 3v42M3 24h42"/>'
    '<circle class="mark-ring" cx="24" cy="24" r="10"/><circle class="mark-island" cx="24" cy="24" r="4.5"/></svg>'
)


def build_page(screen: Screen, title: str, build: str, languages: Sequence[str]) -> str:
    """A document.

    Args:
        screen: kiosk or display.
        title: of the city, from its own file.
        build: version of the scripts and styles; part of their addresses, so that a new one is never mixed with an old.
        languages: codes in the order in which a button offers them; the first is that of the page.

    Raises:
        KeyError: there is no catalogue of a language, or it lacks a text.
        ValueError: no language is given.
    """
    if not languages:
        raise ValueError("a page needs a language; give codes of the catalogues, such as en")
    catalogues = load_catalogues()
    words = Words(catalogues[languages[0]].for_page())
    names = " ".join(f"{code}={catalogues[code].name}" for code in languages)
    body = _kiosk(words, title) if screen == "kiosk" else _display(words, title)
    version = f"?v={escape(build)}"
    return (
        f'<!doctype html><html lang="{escape(languages[0])}" data-exhibit="{screen}" data-build="{escape(build)}" '
        f'data-languages="{escape(names)}" data-channel="late"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}: {words.plain('title')}</title>"
        '<link rel="icon" href="data:,">'
        '<link rel="preload" href="/assets/fonts/inter-latin-wght-normal.woff2" as="font" type="font/woff2" crossorigin>'
        f'<link rel="stylesheet" href="/assets/experience/look.css{version}">'
        f'<link rel="stylesheet" href="/assets/experience/pictures.css{version}">'
        f'<link rel="stylesheet" href="/assets/experience/screens.css{version}">'
        f'<script type="module" src="/assets/experience/main.js{version}"></script>'
        f"</head><body>{body}</body></html>"
    )


def _city() -> str:
    return (
        '<div class="city" id="city" aria-hidden="true"><canvas id="ground"></canvas><canvas id="life"></canvas></div>'
    )


def _top(words: Words, title: str) -> str:
    return (
        f'<header class="top"><div class="brand">{MARK}<p><strong>{escape(title)}</strong>{words.span("title")}</p></div>'
        f'<p class="sandbox" id="sandbox" hidden>{words.span("label.sandbox")}</p>'
        '<p class="notice" id="notice" role="status" hidden></p></header>'
    )


def _kiosk(words: Words, title: str) -> str:
    dock = "".join(
        button(words, "kiosk.privacy" if name == "privacy" else f"menu.{name}", name, "tile", f"data-go={name}")
        for name in DOCK
    )
    options = "".join(
        button(words, key, picture, "option", f'data-option="{name}"' + (" hidden" if name == "speech" else ""))
        for name, picture, key in OPTIONS
    )
    idle = (
        '<dialog class="idle" id="idle" aria-labelledby="idle-title" aria-describedby="idle-lead">'
        + words.tag("h2", "idle.title", more=' id="idle-title"')
        + '<p id="idle-lead"></p><div class="actions">'
        + button(words, "button.stay", "tick", "primary large", 'id="idle-stay"')
        + button(words, "button.leave", "home", "secondary", 'id="idle-leave"')
        + "</div></dialog>"
    )
    screens = "".join(
        build(words) for build in (build_attract, build_explore, build_near, build_how, build_quiz, build_privacy)
    )
    return (
        f"{_city()}{_top(words, title)}"
        f'<main class="stage" id="stage">{screens}</main>'
        f'<div class="foot"><nav class="dock" {words.label("menu.title")}>'
        f"{button(words, 'button.home', 'home', 'tile home', 'data-go=attract')}{dock}</nav>"
        f'<section class="choices" {words.label("button.settings")}>{options}</section></div>'
        f'<p class="hidden-text" id="said" role="status"></p>{idle}'
    )


def _display(words: Words, title: str) -> str:
    figures = '<ul class="board" id="board"></ul>'
    return (
        f"{_city()}{_top(words, title)}"
        '<main class="stage" id="stage"><section class="screen screen-attract" data-screen="attract" aria-labelledby="title-attract">'
        '<div class="story"><h1 class="sentence" id="title-attract">'
        f'<span id="sentence">{words.plain("attract.title")}</span></h1><p class="source" id="sentence-source"></p>{build_dots()}</div>'
        f"{figures}</section></main>"
    )
