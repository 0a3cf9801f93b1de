"""The screens of the kiosk, one function each. Scripts fill in what moves; what is here is there at the first paint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from layouts.experience.parts import Words, button, icon

KINDS: Final = ("robot", "shuttle", "drone", "bus", "mast")
EXPLAINED: Final = ("robot", "shuttle", "mast", "drone", "bus")
KNOWN: Final = ("know_vehicles", "know_names", "know_drones", "know_counts", "know_few")
UNKNOWN: Final = ("not_camera", "not_you", "not_phone", "not_kept", "not_cookie")


def _screen(name: str, content: str, hidden: bool = True) -> str:
    return (
        f'<section class="screen screen-{name}" data-screen="{name}" aria-labelledby="title-{name}"'
        f"{' hidden' if hidden else ''}>{content}</section>"
    )


def _heading(words: Words, name: str) -> str:
    return words.tag("h1", f"{name}.title", "title", f' id="title-{name}" tabindex="-1"')


def build_attract(words: Words) -> str:
    """The opening screen: the city, one true sentence at a time, and the way in."""
    return _screen(
        "attract",
        '<div class="story"><h1 class="sentence" id="title-attract" tabindex="-1">'
        f'<span id="sentence">{words.plain("attract.title")}</span></h1>'
        f'<p class="source" id="sentence-source"></p>{build_dots()}</div>'
        f'<div class="begin">{button(words, "button.begin", "next", "primary large", "data-go=explore")}'
        + words.tag("p", "attract.hint", "why", ' id="attract-hint"')
        + "</div>",
        hidden=False,
    )


def build_dots() -> str:
    return '<p class="dots" id="dots" aria-hidden="true"></p>'


def build_explore(words: Words) -> str:
    kinds = "".join(
        f'<button type="button" class="kind" data-kind="{kind}" aria-pressed="false">{icon(kind)}'
        f'{words.span(f"kind.{kind}")}<b class="many" data-many="{kind}"></b></button>'
        for kind in KINDS
    )
    card = (
        '<article class="card thing" id="thing" hidden aria-labelledby="thing-name">'
        '<div class="picture" id="thing-picture"></div><div class="facts" id="thing-facts" tabindex="0" role="group" aria-labelledby="thing-name">'
        '<h2 id="thing-name" tabindex="-1"></h2><div id="thing-text"></div></div>'
        '<div class="actions">'
        + button(words, "kiosk.another", "next", "secondary", 'id="thing-again"')
        + button(words, "how.title", "how", "secondary", 'id="thing-how"')
        + button(words, "button.whole_city", "close", "secondary", 'id="thing-close"')
        + "</div></article>"
    )
    return _screen(
        "explore",
        f'<div class="intro" id="explore-intro">{_heading(words, "explore")}{words.tag("p", "explore.ask", "lead")}</div>'
        f'{card}<div class="kinds" role="group" aria-labelledby="title-explore">{kinds}</div>',
    )


def build_near(words: Words) -> str:
    chooser = (
        f'<div class="card chooser" id="near-chooser">{_heading(words, "near")}{words.tag("p", "near.ask", "lead")}'
        f'<div class="letters" id="near-letters" role="group" {words.label("near.list")}></div>'
        f'<div class="places" id="near-places" role="group" {words.label("near.list")}></div></div>'
    )
    found = (
        '<article class="card place" id="near-place" hidden aria-labelledby="place-name">'
        '<h2 id="place-name" tabindex="-1"></h2>'
        '<div class="tiles" id="place-tiles" tabindex="0" role="group" aria-labelledby="place-name"></div><div class="actions">'
        + button(words, "near.another", "near", "secondary", 'id="near-other"')
        + "</div></article>"
    )
    return _screen("near", chooser + found)


def build_how(words: Words) -> str:
    tabs = "".join(
        f'<button type="button" class="kind" data-how="{kind}" aria-pressed="false">{icon(kind)}{words.span(f"kind.{kind}")}</button>'
        for kind in EXPLAINED
    )
    return _screen(
        "how",
        f'<div class="card sheet"><div class="head">{_heading(words, "how")}{words.tag("p", "how.choose", "lead")}</div>'
        '<div class="explained" id="how-picture"></div>'
        '<div class="caption" id="how-caption" tabindex="0" role="group" aria-labelledby="how-name">'
        '<h2 id="how-name"></h2><p class="say" id="how-text"></p><p class="live" id="how-live"></p></div>'
        '<div class="actions">'
        + button(words, "button.back", "back", "secondary", 'id="how-back"')
        + '<p class="step" id="how-step"></p>'
        + button(words, "button.next", "next", "primary", 'id="how-next"')
        + f'</div><div class="kinds" role="group" aria-labelledby="title-how">{tabs}</div></div>',
    )


def build_quiz(words: Words) -> str:
    return _screen(
        "quiz",
        f'<div class="card sheet"><div class="head">{_heading(words, "quiz")}{words.tag("p", "quiz.begin", "lead")}</div>'
        '<div class="explained" id="quiz-picture" aria-hidden="true"></div>'
        '<div class="question" id="quiz-question" tabindex="0" role="group" aria-labelledby="quiz-ask">'
        '<p class="step" id="quiz-step"></p><h2 id="quiz-ask" tabindex="-1"></h2><div id="quiz-result" role="status"></div></div>'
        '<div class="options" id="quiz-options" role="group" aria-labelledby="quiz-ask"></div>'
        '<div class="actions">'
        + button(words, "quiz.next", "next", "primary", 'id="quiz-next" hidden')
        + button(words, "button.again", "next", "primary", 'id="quiz-again" hidden')
        + "</div></div>",
    )


def build_privacy(words: Words) -> str:
    def listed(heading: str, keys: Sequence[str], mark: str) -> str:
        rows = "".join(f"<li>{icon(mark)}{words.span(f'privacy.{key}')}</li>" for key in keys)
        return f'<div class="column">{words.tag("h2", f"privacy.{heading}")}<ul>{rows}</ul></div>'

    return _screen(
        "privacy",
        f'<div class="card sheet"><div class="head">{_heading(words, "privacy")}</div>'
        '<div class="columns" id="privacy-text" tabindex="0" role="group" aria-labelledby="title-privacy">'
        + listed("know_not", UNKNOWN, "privacy")
        + listed("know", KNOWN, "explore")
        + words.tag("p", "privacy.who_ask", "note")
        + "</div></div>",
    )
