"""True sentences about the city just now, made from the public facts (docs/experience-protocol.md) and nothing else.

Each sentence is true on its own, for it may be the only one on a screen. Nothing is said of what cannot be seen but
that it cannot be seen; what no feed tells of (`absent`) is not spoken of at all; a figure without a value gives no
sentence, and never "0". The same facts always give the same sentences.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from control_room.public.words.catalogue import Catalogue, load_catalogues
from control_room.public.words.grammar import Value, format_list, format_number, round_minutes

LIVE: Final = "live"  # the source of what was counted here
SANDBOX: Final = "sandbox"  # the same, of a city that is made up
BUSIEST: Final = 3  # places that are named
BUSIEST_SHARE: Final = 0.5  # "most of the robots" is more than this of those whose place is known
EVENTS_MOST: Final = 3
NOT_WORTH_SAYING_KG: Final = 1.0  # less carbon than this is no sentence
TOO_EARLY_MS: Final = 3_600_000  # nothing seen in less than an hour is no news

# The figures that are a count of now, and the kind that must be seen for it.
_COUNTS: Final[Mapping[str, str]] = {
    "robots_out": "robot",
    "buses_running": "bus",
    "shuttles_running": "shuttle",
    "drones_flying": "drone",
    "scooters_ready": "scooter",
    "masts_up": "mast",
}
_LARGE: Final = frozenset({"robots_out", "buses_running", "shuttles_running", "deliveries_today", "deliveries_total"})
# What is said to be unseen in large letters; the rest is told where somebody asks for it.
_MISSED: Final = ("robot", "shuttle", "drone", "bus", "mast")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence for a screen.

    Attributes:
        key: of its text in the catalogue; the same for every language.
        text: plain text, never markup.
        large: whether it can stand alone on a big screen.
        source: "live" is counted here, "sandbox" counted in a made-up city; else the title of the document.
        as_of: year or day that the source speaks of; None of what is live.
        about: the kind of thing it speaks of, for the picture beside it; empty where none.
    """

    key: str
    text: str
    large: bool
    source: str = LIVE
    as_of: str | None = None
    about: str = ""


def build_sentences(facts: Mapping[str, Any], language: str) -> list[Sentence]:
    """What can be said now, most worth seeing first.

    Args:
        facts: content by name of fact; any may be missing. Without `city` nothing is known.
        language: of a catalogue, such as "en".

    Raises:
        KeyError: there is no such language.
    """
    said = _Said(load_catalogues()[language], facts)
    if said.city is None:
        return [said.make("label.waiting", large=True)]
    return [
        *said.how_it_is_shown(),
        *said.counts(),
        *said.robots_by_place(),
        *said.deliveries(),
        *said.bus_trips(),
        *said.council(),
        *said.events(),
        *said.unseen(),
    ]


def is_past(facts: Mapping[str, Any]) -> bool:
    """Whether an earlier hour is shown: then nothing is "right now" or "today"."""
    recorded = (facts.get("recording") or {}).get("recorded")
    return bool(recorded) or (facts.get("city") or {}).get("mode") == "replay"


@dataclass(frozen=True)
class _Said:
    """The facts of one moment, spoken in one language."""

    catalogue: Catalogue
    facts: Mapping[str, Any]

    @property
    def city(self) -> Mapping[str, Any] | None:
        return self.facts.get("city")

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(str((self.city or {}).get("zone") or "UTC"))

    @property
    def moment(self) -> datetime:
        return _moment((self.city or {})["moment"])

    def make(
        self, key: str, large: bool = False, figure: Mapping[str, Any] | None = None, about: str = "", **values: Value
    ) -> Sentence:
        return self.build(key, values, large, figure, about)

    def build(
        self,
        key: str,
        values: Mapping[str, Value],
        large: bool = False,
        figure: Mapping[str, Any] | None = None,
        about: str = "",
    ) -> Sentence:
        said = figure or {}
        text = self.catalogue.say(key, self.zone, **values)
        source = said.get("source") or LIVE
        # What was reckoned from a count, with a published factor, is as made up as the count.
        if (self.city or {}).get("simulated") and (source == LIVE or said.get("since") is not None):
            return Sentence(key.removeprefix("sentence."), text, large, SANDBOX, None, about)
        return Sentence(key.removeprefix("sentence."), text, large, source, said.get("as_of"), about)

    def of_the_moment(
        self, name: str, large: bool, figure: Mapping[str, Any] | None, about: str, values: Mapping[str, Value]
    ) -> Sentence:
        """What is so now; while an earlier hour is shown, what was so at its moment. "Right now" is said of now alone."""
        if not self.is_past:
            return self.build(f"sentence.{name}", values, large, figure, about)
        said = self.build(f"then.{name}", {**values, "moment": self.moment}, large, figure, about)
        return replace(said, key=name)

    @property
    def is_past(self) -> bool:
        return is_past(self.facts)

    def sight(self, kind: str) -> str:
        """seen, not_seen or absent; what nobody tells of is absent."""
        return str(((self.city or {}).get("sees") or {}).get(kind, {}).get("sight", "absent"))

    def figure(self, name: str) -> Mapping[str, Any] | None:
        """The figure, where it has a value."""
        found = (self.facts.get("figures") or {}).get(name)
        return found if found and found.get("value") is not None and math.isfinite(found["value"]) else None

    def how_it_is_shown(self) -> Iterator[Sentence]:
        city, recording = self.city or {}, self.facts.get("recording") or {}
        if city.get("simulated"):
            yield self.make("label.sandbox", large=True)
        if recording.get("recorded") and recording.get("first") is not None and recording.get("last") is not None:
            first, last = _moment(recording["first"]), _moment(recording["last"])
            yield self.make("label.recording", large=True, first=first, last=last)
        elif city.get("mode") == "replay":
            day = self.moment.astimezone(self.zone).date()
            yield self.make("label.replay", large=True, moment=day)

    def counts(self) -> Iterator[Sentence]:
        for name, kind in _COUNTS.items():
            figure = self.figure(name)
            if figure is None or self.sight(kind) != "seen" or figure.get("at_least"):
                continue  # of what is only partly seen there is no sentence: the board says "at least"
            if name == "masts_up" and figure["value"] < 1:
                continue  # nothing a visitor should be told as news
            yield self.of_the_moment(name, name in _LARGE, figure, kind, {"count": int(figure["value"])})

    def robots_by_place(self) -> Iterator[Sentence]:
        if self.sight("robot") != "seen":
            return
        figure = self.figure("estates_with_robots")
        if figure is not None and figure["value"] >= 1:
            yield self.of_the_moment("robots_in_places", False, figure, "robot", {"count": int(figure["value"])})
        busiest = self._busiest()
        if busiest:
            places = format_list(busiest, self.catalogue.language)
            yield self.of_the_moment("robots_busiest", False, None, "robot", {"places": places})

    def _busiest(self) -> Sequence[str]:
        """The fewest places, at most three, in which more than half of the robots are; none where it takes more."""
        names = {place["id"]: place["name"] for place in self.facts.get("places") or ()}
        robots = Counter(
            {
                names[estate["id"]]: estate["robots"]
                for estate in self.facts.get("estates") or ()
                if estate.get("robots") and estate["id"] in names
            }
        )
        out = self.figure("robots_out")
        whole = max(robots.total(), int(out["value"]) if out is not None else 0)
        together = 0
        # By count, then by name: places that are level keep their order from one moment to the next.
        ranked = sorted(robots.items(), key=lambda item: (-item[1], item[0]))[:BUSIEST]
        for number, (_, count) in enumerate(ranked, start=1):
            together += count
            if together > whole * BUSIEST_SHARE:
                return [name for name, _ in ranked[:number]]
        return []

    def deliveries(self) -> Iterator[Sentence]:
        today = None if self.is_past else self.figure("deliveries_today")
        if today is not None and not self._is_too_early(today):
            count = int(today["value"])
            yield self._since("deliveries_today", "deliveries_since", today, "robot", count=count)
            carbon = self.figure("carbon_saved_today_kg")
            if carbon is not None and carbon["value"] >= NOT_WORTH_SAYING_KG:
                amount = self._number(carbon["value"])
                yield self._since("carbon_today", "carbon_since", carbon, "robot", amount=amount)
        for name, key in (("deliveries_total", "deliveries_total"), ("carbon_saved_total_kg", "carbon_total")):
            total = self.figure(name)
            # Without its date an old figure would look like one of today.
            if total is not None and total.get("as_of"):
                amount, as_of = self._number(total["value"]), str(total["as_of"])[:4]
                yield self.make(f"sentence.{key}", name in _LARGE, total, "robot", amount=amount, as_of=as_of)

    def bus_trips(self) -> Iterator[Sentence]:
        trips = None if self.is_past else self.figure("bus_trips_today")
        if trips is not None and trips["value"] >= 1:
            yield self._since("bus_trips_today", "bus_trips_since", trips, "bus", count=int(trips["value"]))

    def _since(self, today: str, since: str, figure: Mapping[str, Any], about: str, **values: Value) -> Sentence:
        """What happened today; of what we have not watched since midnight, since when we have."""
        begun, large = figure.get("since"), today in _LARGE
        if begun is None or not self._begun_after_midnight(begun):
            return self.make(f"sentence.{today}", large, figure, about, **values)
        return self.make(f"sentence.{since}", large, figure, about, since=_moment(begun), **values)

    def _is_too_early(self, figure: Mapping[str, Any]) -> bool:
        """Whether we have only just begun to count, and nothing has come yet."""
        begun = figure.get("since")
        return figure["value"] == 0 and begun is not None and (self.city or {})["moment"] - begun < TOO_EARLY_MS

    def _begun_after_midnight(self, begun: float) -> bool:
        """Whether counting began so long after midnight that "today" would be more than we know."""
        local = _moment(begun).astimezone(self.zone)
        return local.date() == self.moment.astimezone(self.zone).date() and (local.hour, local.minute) > (0, 5)

    def council(self) -> Iterator[Sentence]:
        fixed = None if self.is_past else self.figure("requests_fixed_week")
        week = self._week()
        if fixed is not None and fixed["value"] >= 1 and week is not None:
            first, last = week
            amount = self._number(fixed["value"])
            yield self.make("sentence.requests_fixed_week", False, fixed, amount=amount, first=first, last=last)

    def _week(self) -> tuple[date, date] | None:
        """First and last day of the week that places tell of; it is one for all. A count without its week is not told."""
        for estate in self.facts.get("estates") or ():
            told = estate.get("requests_fixed_week") or {}
            if told.get("first") and told.get("last"):
                return date.fromisoformat(told["first"]), date.fromisoformat(told["last"])
        return None

    def events(self) -> Iterator[Sentence]:
        if self.is_past:
            return  # what was on then is of no use to anybody now
        now, today = self.moment, self.moment.astimezone(self.zone).date()
        listed = 0
        for event in sorted(self.facts.get("events") or (), key=lambda event: (event["starts"], event["title"])):
            starts, ends = _moment(event["starts"]), event.get("ends")
            values: dict[str, Value] = {"title": event["title"]}
            if starts <= now and ends is not None and now < _moment(ends):
                key = "sentence.event_now"
            elif starts > now and starts.astimezone(self.zone).date() == today:
                key = "sentence.event_today"
                values["starts"] = starts
            else:
                continue  # over, of another day, or begun and nobody says until when
            if event.get("place"):
                values["place"] = event["place"]
            else:
                key += "_no_place"
            listed += 1
            if listed > EVENTS_MOST:
                return
            yield self.build(key, values)

    def unseen(self) -> Iterator[Sentence]:
        """What we should see and do not: first all in one breath, or each with how long it has been so."""
        if self.is_past:
            return  # the label says that nothing is seen
        missed = [kind for kind in _MISSED if self.sight(kind) == "not_seen"]
        if len(missed) > 2:
            kinds = format_list([self.catalogue.say(f"unseen.name.{kind}") for kind in missed], self.catalogue.language)
            yield self.make("unseen.several", large=True, kinds=kinds)
            return
        for kind in missed:
            yield self.make(f"unseen.{kind}", True, None, kind)
            minutes = (self.city or {})["sees"][kind].get("minutes")
            if minutes is not None and minutes >= 1:
                name = self.catalogue.say(f"unseen.name.{kind}")
                yield self.make("unseen.since", False, None, kind, kinds=name, span=self.span(minutes))

    def span(self, minutes: float) -> str:
        """A length of time in words: minutes, then hours, then days."""
        whole = round_minutes(minutes)
        if whole < 60:
            return self.catalogue.say("span.minutes", count=whole)
        if whole < 48 * 60:
            return self.catalogue.say("span.hours", count=whole // 60)
        return self.catalogue.say("span.days", count=whole // (24 * 60))

    def _number(self, value: float) -> str:
        return format_number(value, self.catalogue.language)


def _moment(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
