"""Summaries made by hand, for tests of what is made of them: one with everything, one of a day nobody watched."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from control_room.summary.contents import (
    SECTIONS,
    VERSION,
    Answer,
    Column,
    Decision,
    Figure,
    Header,
    Point,
    Section,
    Sentence,
    Series,
    Summary,
    Table,
    Target,
    Usual,
)
from control_room.summary.period import Period, day_of

LONDON = ZoneInfo("Europe/London")
TITLES = {
    "fleet": "Delivery robots and other fleets",
    "shuttles": "Self-driving shuttles",
    "drones": "Drones",
    "network": "5G network",
    "requests": "Service requests",
    "transport": "Public transport",
    "environment": "Weather and air",
    "alarms": "Alarms",
    "suppliers": "Suppliers and their promises",
    "events": "Events",
    "notes": "Operators' notes",
}


def make_example(simulated: bool = True, period: Period | None = None) -> Summary:
    """Saturday 21 November 2026, with every sort of figure, table, series, sentence and decision."""
    period = period or day_of(date(2026, 11, 21))
    header = _header(period, simulated)
    made = {
        "fleet": _fleet(header),
        "requests": _requests(),
        "alarms": _alarms(header),
        "suppliers": _suppliers(),
        "events": _events(header),
        "notes": _notes(header),
    }
    sections = tuple(made.get(n) or Section(n, TITLES[n], note="Nothing is known of it.") for n in SECTIONS)
    return Summary(VERSION, header, _answer(), sections)


def make_empty() -> Summary:
    """A day of which nothing is known."""
    header = _header(day_of(date(2026, 3, 1)), simulated=False, known=False)
    text = "Nothing is known of Sunday 1 March 2026: the control room kept no history of that day."
    sections = tuple(Section(n, TITLES[n], note="Nothing is known of it.") for n in SECTIONS)
    return Summary(VERSION, header, Answer((Sentence(text, "nothing"),), ()), sections)


def _header(period: Period, simulated: bool, known: bool = True) -> Header:
    begins, ends = period.bounds(LONDON)
    return Header(
        city="Milton Keynes",
        authority="Milton Keynes City Council",
        period=period,
        title=period.title,
        begins=begins,
        ends=ends,
        zone="Europe/London",
        simulated=simulated,
        known_until=ends if known else None,
        known_percent=97.2 if known else 0.0,
        is_over=True,
        made_from=("history of measures", "journal of alarms", "quality of feeds", "operators' notes"),
    )


def _answer() -> Answer:
    return Answer(
        (
            Sentence(
                "Robots made 1,204 deliveries, 31 % more than on most Saturdays (usually 890 to 950).",
                "departure",
                "fleet",
                ("robot.deliveries",),
                "better",
            ),
            Sentence(
                "Robots were stuck for 412 min in all, far more than usual (60 to 95 min).",
                "departure",
                "fleet",
                ("robot.stuck_min",),
                "worse",
            ),
            Sentence(
                "A football match at Stadium MK (28,000 people expected) and a light show fell on the day.", "event"
            ),
            Sentence("The buses were seen 61 % of the day; their figures are of that part.", "known", "transport"),
        ),
        (
            Decision(
                "promise",
                "Buses (BODS): fresh 91.2 % of the time, promised 99 %; broken on 3 days of the last 7.",
                "suppliers",
                "/suppliers/buses",
            ),
            Decision("backlog", "Open requests have risen for 4 weeks in a row, from 512 to 671.", "requests"),
        ),
    )


def _fleet(header: Header) -> Section:
    deliveries = Figure(
        "robot.deliveries",
        "Deliveries",
        1204.0,
        "deliveries",
        known_percent=98.0,
        usual=Usual(918.0, 890.0, 950.0, 8),
        departure="above",
        verdict="better",
        source="history: trips of robots that were seen to end",
        link="/timeline?at=2026-11-21T12:00:00Z",
    )
    stuck = Figure(
        "robot.stuck_min",
        "Stuck",
        412.0,
        "min",
        known_percent=98.0,
        usual=Usual(71.0, 60.0, 95.0, 8),
        departure="above",
        verdict="worse",
        source="history",
    )
    available = Figure(
        "robot.available_percent",
        "Available",
        87.4,
        "%",
        decimals=1,
        known_percent=98.0,
        usual=Usual(88.0, 86.1, 89.9, 8),
        departure="usual",
        source="history",
    )
    interventions = Figure(
        "robot.interventions",
        "Interventions",
        7.0,
        "times",
        known_percent=98.0,
        usual=Usual(4.0, 3.0, 5.0, 8),
        departure="too_few",
        note="fewer than 20: too few to say",
        source="history",
    )
    carbon = Figure(
        "robot.co2_avoided_kg",
        "CO2 avoided",
        346.2,
        "kg",
        decimals=0,
        known_percent=98.0,
        why_no_usual="known of 2 weeks; at least 4 are needed",
        note="0.2875 kg a delivery, Council strategy, 2024",
        source="deliveries times the council's own figure",
    )
    hours = tuple(_point(header, n) for n in range(int((header.ends - header.begins).total_seconds() // 3600)))
    table = Table(
        "robot_hours",
        "Robots by operator",
        (
            Column("operator", "Operator"),
            Column("deliveries", "Deliveries", "number", "deliveries"),
            Column("stuck", "Stuck", "number", "min", 1),
            Column("first_at", "First delivery", "moment"),
            Column("kept", "Goal kept", "yes_no"),
            Column("more", "More", "link"),
        ),
        (
            ("Starship", 1204, 411.5, header.begins + timedelta(hours=7), True, "/fleet"),
            ('=HYPERLINK("http://a.example","x")', None, 0.0, None, None, None),
        ),
        of=2,
    )
    series = Series("robot.deliveries", "Deliveries", "deliveries", 0, "hour", hours)
    return Section("fleet", TITLES["fleet"], (deliveries, stuck, available, interventions, carbon), (table,), (series,))


def _point(header: Header, hour: int) -> Point:
    at = header.begins + timedelta(hours=hour)
    usual = Usual(40.0, 34.0, 47.0, 8) if hour != 5 else None
    value = None if hour in (3, 4) else float(20 + 4 * hour)
    return Point(at, f"{at.astimezone(LONDON):%H:%M}", value, 0.0 if value is None else 100.0, usual)


def _requests() -> Section:
    online = Figure(
        "request.online_percent",
        "Made online",
        76.3,
        "%",
        decimals=1,
        known_percent=100.0,
        usual=Usual(79.0, 77.5, 80.8, 8),
        departure="below",
        verdict="worse",
        target=Target(80.0, True, True, "Council strategy, 2024"),
        source="history",
    )
    unknown = Figure(
        "slot.online_percent",
        "Slots booked online",
        None,
        "%",
        decimals=1,
        known_percent=0.0,
        target=Target(90.0, True, None, "Council strategy, 2024"),
        why_unknown="no slot of that day was heard of",
        why_no_usual="the value is not known",
        source="history",
    )
    return Section("requests", TITLES["requests"], (online, unknown))


def _alarms(header: Header) -> Section:
    raised = Figure(
        "alarm.total", "Alarms", 48.0, "alarms", known_percent=97.0, why_no_usual="counted by the journal", source="journal"
    )  # fmt: skip
    table = Table(
        "alarms_top",
        "The ten most frequent",
        (
            Column("title", "Alarm"),
            Column("count", "Times", "number", "alarms"),
            Column("first_at", "First", "moment"),
            Column("more", "On the timeline", "link"),
        ),
        (
            (
                "Robot needs help — “Ouse Valley” <b>",
                12,
                header.begins + timedelta(hours=9, minutes=14),
                "/timeline?at=2026-11-21T09:14:00Z",
            ),
        ),
        of=31,
    )
    return Section("alarms", TITLES["alarms"], (raised,), (table,))


def _suppliers() -> Section:
    table = Table(
        "promises",
        "Each feed against its promise",
        (
            Column("feed", "Feed"),
            Column("supplier", "Supplier"),
            Column("fresh", "Fresh", "number", "%", 1),
            Column("promised", "Promised", "number", "%", 1),
            Column("kept", "Kept", "yes_no"),
            Column("more", "Page", "link"),
        ),
        (
            ("buses", "BODS", 91.2, 99.0, False, "/suppliers/buses"),
            ("robots", "Starship", 99.9, 99.0, True, "/suppliers/robots"),
            ("air", None, None, 95.0, None, "/suppliers/air"),
        ),
        of=3,
    )
    return Section("suppliers", TITLES["suppliers"], (), (table,))


def _events(header: Header) -> Section:
    table = Table(
        "events",
        "What was on",
        (
            Column("title", "Event"),
            Column("venue", "Where"),
            Column("from", "From", "moment"),
            Column("until", "Until", "moment"),
            Column("people", "Expected", "number", "people"),
        ),
        (("Football match", "Stadium MK", datetime(2026, 11, 21, 15, tzinfo=UTC), None, 28_000),),
        of=1,
    )
    return Section("events", TITLES["events"], (), (table,))


def _notes(header: Header) -> Section:
    table = Table(
        "notes",
        "Notes of the shifts",
        (Column("at", "At", "moment"), Column("about", "About"), Column("text", "Note")),
        ((header.begins + timedelta(hours=14, minutes=5), "robot R-17", "Fetched by hand;\nwheel blocked by ice."),),
        of=1,
    )
    return Section("notes", TITLES["notes"], (), (table,))
