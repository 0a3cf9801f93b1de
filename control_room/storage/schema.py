"""The tables of the database, the same on SQLite and PostgreSQL.

`migrations/` makes them; a test holds both against each other. Times are whole
microseconds since 1970 in UTC: exact, quick to compare, and without a zone that
a driver could lose. JSON is kept as the text it was written as, since the
journal's chain (`rows.py`) is reckoned over these very characters.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

# SQLite takes only INTEGER PRIMARY KEY for its own row number; anything else costs a second tree.
Place = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="place in the journal, rising"),
    sa.Column("at_us", sa.BigInteger, nullable=False, comment="when it happened"),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, comment="of the row within the rule"),
    sa.Column("what", sa.Text, nullable=False, comment="alerts.alarm.What"),
    sa.Column("by_whom", sa.Text, nullable=False, comment="engine, or the name of a person"),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("values_json", sa.Text, nullable=False, comment="the row at that moment"),
    sa.Column("facts_json", sa.Text, nullable=False, comment="what belongs to this sort of event"),
    sa.Column("link", sa.Text, nullable=False, comment="SHA-256 over the link before and this row"),
    sa.Index("journal_by_alarm", "rule", "key", "seq"),
    sa.Index("journal_by_time", "at_us"),
    comment="append-only; every transition of every alarm",
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="events up to here are folded in"),
    sa.Column("made_at_us", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, comment="of the content's form"),
    sa.Column("content", sa.Text, nullable=False, comment="the fold, JSON"),
    comment="stored folds of the journal, so that a start need not read a year",
)

retention = sa.Table(
    "retention",
    metadata,
    sa.Column("upto_seq", Place, primary_key=True, autoincrement=False, comment="events up to here may be removed"),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False, comment="link of that event: where the chain goes on from"),
    comment="append-only; what was let go, and why; the one way to remove events",
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="event that is told"),
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("alarm", sa.Text, nullable=False, comment="rule|key"),
    sa.Column("what", sa.Text, nullable=False, comment="alerts.alarm.What"),
    sa.Column("priority", sa.Text, nullable=False, comment="of the alarm at that moment"),
    sa.Column("state", sa.Text, nullable=False, comment="alerts.notify.delivery.State"),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("made_at_us", sa.BigInteger, nullable=False, comment="when it became a message to send"),
    sa.Column("next_at_us", sa.BigInteger, nullable=False, comment="next try"),
    sa.Column("expires_at_us", sa.BigInteger, nullable=False, comment="from then on it is not tried"),
    sa.Column("sent_at_us", sa.BigInteger, nullable=True, comment="when it was taken; null is not"),
    sa.Column("told_in", sa.BigInteger, nullable=True, comment="seq of the delivery whose message tells it"),
    sa.Column("error", sa.Text, nullable=False, comment="of the newest try; empty is none"),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("message_json", sa.Text, nullable=False, comment="subject, text and data; the same at each try"),
    sa.Index("delivery_due", "state", "next_at_us"),
    sa.Index("delivery_by_alarm", "alarm", "seq"),
    comment="one line a telling: event, recipient, channel; addresses are not kept",
)

reader = sa.Table(
    "reader",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, comment="events up to here have been seen to"),
    comment="readers of the journal that remember their place",
)

owner = sa.Table(
    "owner",
    metadata,
    sa.Column("mode", sa.Text, primary_key=True, comment="live or sandbox: what the journal tells of"),
    comment="one line; a simulated city never writes into the journal of a real one",
)

person_layout = sa.Table(
    "person_layout",
    metadata,
    sa.Column("person", sa.Text, primary_key=True, comment="name, in small letters"),
    sa.Column("layout_json", sa.Text, nullable=False, comment="control_room.person_layouts.Layout"),
    sa.Column("saved_at_us", sa.BigInteger, nullable=False),
    comment="how each person has arranged the working screen",
)

feed_quality = sa.Table(
    "feed_quality",
    metadata,
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("quarter", sa.BigInteger, primary_key=True, comment="quarters of an hour since 1970, UTC"),
    sa.Column("polls", sa.Integer, nullable=False),
    sa.Column("succeeded", sa.Integer, nullable=False, comment="polls with a valid answer"),
    sa.Column("gaps", sa.Integer, nullable=False, comment="pauses between good answers of over three polls"),
    sa.Column("watched_s", sa.Float, nullable=False, comment="time in which its state was known"),
    sa.Column("fresh_s", sa.Float, nullable=False, comment="of that, time in which it was fresh"),
    sa.Column("rows_good", sa.BigInteger, nullable=False, comment="rows taken in"),
    sa.Column("latencies_json", sa.Text, nullable=False, comment="answers by size of latency"),
    sa.Column("rejects_json", sa.Text, nullable=False, comment="rows left out by reason"),
    comment="how good each feed was; sums, so that any stretch is their sum",
)


def _rollup(name: str, comment: str) -> sa.Table:
    """Sums of one series over one stretch of time; docs/history.md says how a value comes of them."""
    return sa.Table(
        name,
        metadata,
        sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False, comment="beginning, POSIX seconds"),
        sa.Column("count", sa.BigInteger, nullable=False, comment="observations, or things that happened"),
        sa.Column(
            "total", sa.Float, nullable=False, comment="sum: of a level value times seconds, of a share the part"
        ),
        sa.Column("weight", sa.Float, nullable=False, comment="what it is divided by; 0 of a total"),
        sa.Column("low", sa.Float, nullable=True, comment="lowest single value"),
        sa.Column("high", sa.Float, nullable=True, comment="highest single value"),
        sa.Column("last", sa.Float, nullable=True, comment="newest single value"),
        sa.Column("known_s", sa.Float, nullable=False, comment="of the stretch, time that was watched"),
        # Its rows lie in the order of the key, so a series is read in one go and the key costs nothing.
        sqlite_with_rowid=False,
        comment=comment,
    )


history_series = sa.Table(
    "history_series",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("measure", sa.Text, nullable=False, comment="control_room.history.measures"),
    sa.Column("key", sa.Text, nullable=False, comment="empty is the whole city"),
    sa.UniqueConstraint("measure", "key", name="history_series_once"),
    comment="what is measured, of what",
)

history_minute = _rollup("history_minute", "measures by the minute")
history_hour = _rollup("history_hour", "measures by the hour of the city's clock")
history_day = _rollup("history_day", "measures by the day of the city's clock, of 23 to 25 hours")

history_run = sa.Table(
    "history_run",
    metadata,
    sa.Column("run_key", sa.Text, primary_key=True, comment="vehicle and trip, or flight"),
    sa.Column("sort", sa.Text, nullable=False, comment="delivery, shuttle_trip, flight, bus_trip, cancelled_trip"),
    sa.Column("operator", sa.Text, nullable=True),
    sa.Column("route", sa.Text, nullable=True),
    sa.Column("from_s", sa.BigInteger, nullable=True, comment="null where its beginning was not seen"),
    sa.Column("until_s", sa.BigInteger, nullable=False, comment="when it was last told"),
    sa.Index("history_run_by_time", "until_s"),
    comment="deliveries, trips and missions that ended; no position, no customer",
)

history_request = sa.Table(
    "history_request",
    metadata,
    sa.Column("request_key", sa.Text, primary_key=True),
    sa.Column("category", sa.Text, nullable=True),
    sa.Column("locality", sa.Text, nullable=True),
    sa.Column("channel", sa.Text, nullable=True),
    sa.Column("status", sa.Text, nullable=True),
    sa.Column("requested_s", sa.BigInteger, nullable=True),
    sa.Column("expected_s", sa.BigInteger, nullable=True, comment="when it should be done"),
    sa.Column("updated_s", sa.BigInteger, nullable=True),
    sa.Column("closed_s", sa.BigInteger, nullable=True, comment="null while it is open, or not known to be closed"),
    sa.Index("history_request_by_time", "requested_s"),
    sa.Index("history_request_by_end", "closed_s"),
    comment="service requests as last told; never who asked, nor where to the metre",
)

history_request_change = sa.Table(
    "history_request_change",
    metadata,
    sa.Column("request_key", sa.Text, primary_key=True),
    sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("status", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
    comment="when a request came into which status",
)

history_slot = sa.Table(
    "history_slot",
    metadata,
    sa.Column("slot_key", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=True),
    sa.Column("from_s", sa.BigInteger, nullable=False),
    sa.Column("capacity", sa.Float, nullable=True),
    sa.Column("booked", sa.Float, nullable=True),
    sa.Column("booked_online", sa.Float, nullable=True),
    sa.Column("arrivals", sa.Float, nullable=True),
    sa.Column("no_shows", sa.Float, nullable=True),
    sa.Index("history_slot_by_time", "from_s"),
    comment="slots of recycling centres as last counted",
)

history_coverage = sa.Table(
    "history_coverage",
    metadata,
    sa.Column("hexagon", sa.Text, primary_key=True),
    sa.Column("technology", sa.Text, primary_key=True),
    sa.Column("day_s", sa.BigInteger, primary_key=True, autoincrement=False, comment="beginning of the day"),
    sa.Column("rsrp_dbm", sa.Float, nullable=True),
    sa.Column("sinr_db", sa.Float, nullable=True),
    sa.Column("samples", sa.Float, nullable=True),
    sa.Index("history_coverage_by_day", "day_s"),
    sqlite_with_rowid=False,
    comment="the coverage map by the day; a hexagon has a row only on days on which it was measured anew",
)

history_event = sa.Table(
    "history_event",
    metadata,
    sa.Column("event_key", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=True),
    sa.Column("category", sa.Text, nullable=True),
    sa.Column("venue", sa.Text, nullable=True),
    sa.Column("starts_s", sa.BigInteger, nullable=False),
    sa.Column("ends_s", sa.BigInteger, nullable=True),
    sa.Column("expected_people", sa.Float, nullable=True),
    sa.Index("history_event_by_time", "starts_s"),
    comment="planned events that explain a day",
)

history_thing = sa.Table(
    "history_thing",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("vehicle_key", sa.Text, nullable=False, unique=True),
    sa.Column("vehicle_type", sa.Text, nullable=True),
    comment="vehicles that positions are kept of",
)

history_position = sa.Table(
    "history_position",
    metadata,
    sa.Column("thing", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_ms", sa.BigInteger, primary_key=True, autoincrement=False, comment="when it was true, by the source"),
    sa.Column("latitude", sa.Float, nullable=False),
    sa.Column("longitude", sa.Float, nullable=False),
    sa.Column("height_m", sa.Float, nullable=True, comment="above take-off or ground"),
    sa.Column("speed_kmh", sa.Float, nullable=True),
    sa.Column("battery_percent", sa.Float, nullable=True),
    sa.Column("delay_s", sa.Float, nullable=True),
    sa.Column("signal_rsrp_dbm", sa.Float, nullable=True),
    sa.Column("state", sa.Text, nullable=True),
    sa.Column("drive_mode", sa.Text, nullable=True),
    sqlite_with_rowid=False,
    comment="positions thinned by time and distance, for two days; hired vehicles are left out",
)

history_batch = sa.Table(
    "history_batch",
    metadata,
    sa.Column("run", sa.Text, primary_key=True, comment="one start of the program"),
    sa.Column("number", sa.BigInteger, nullable=False, comment="batches of it up to here are in"),
    sa.Column("at_s", sa.BigInteger, nullable=False),
    comment="what was written, so that nothing is written twice",
)

display = sa.Table(
    "display",
    metadata,
    sa.Column("display", sa.Text, primary_key=True, comment="identity that its browser keeps"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("screen", sa.Text, nullable=False, comment="last shown; empty is not known"),
    sa.Column("address", sa.Text, nullable=True, comment="of that, path and query"),
    sa.Column("audience", sa.Text, nullable=False, comment="whose data it was given; empty is not known"),
    sa.Column("build", sa.Text, nullable=True, comment="of the pages it was loaded from"),
    sa.Column("missing_after_s", sa.Float, nullable=False, comment="absence after which it is missed"),
    sa.Column("hours", sa.Text, nullable=False, comment="when it is expected, local time; empty is always"),
    sa.Column("first_seen_us", sa.BigInteger, nullable=False, comment="when it was named"),
    sa.Column("last_seen_us", sa.BigInteger, nullable=False, comment="to the minute"),
    sa.Column("retired_us", sa.BigInteger, nullable=True, comment="since when it is expected no more"),
    comment="displays with a name; those without are visitors and not kept",
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", Place, primary_key=True, comment="rising"),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False, comment="name of a person, or of what answered"),
    sa.Column("what", sa.Text, nullable=False, comment="such as display.reload"),
    sa.Column("thing", sa.Text, nullable=False, comment="what it was done to"),
    sa.Column("facts_json", sa.Text, nullable=False),
    sa.Index("audit_by_thing", "thing", "seq"),
    comment="append-only; who did what to the product itself (alarms have their journal)",
)

handover_sheet = sa.Table(
    "handover_sheet",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("facts_json", sa.Text, nullable=False, comment="control_room.handover.facts, as signed; never changed"),
    comment="handovers as they were signed",
)

handover_entry = sa.Table(
    "handover_entry",
    metadata,
    sa.Column("seq", Place, primary_key=True, autoincrement=False, comment="rising"),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("thing", sa.Text, nullable=False, comment="sheet 12, note 5"),
    sa.Column("what", sa.Text, nullable=False, comment="control_room.handover.book.Entry"),
    sa.Column("by_whom", sa.Text, nullable=False, comment="name of a person"),
    sa.Column("command", sa.Text, nullable=False, comment="the request it came of; sent again it does nothing"),
    sa.Column("facts_json", sa.Text, nullable=False, comment="free text included"),
    sa.Column("link", sa.Text, nullable=False, comment="SHA-256 over the link before of the same thing and this row"),
    sa.Index("handover_entry_by_thing", "thing", "seq"),
    sa.UniqueConstraint("command", "thing", name="handover_entry_once"),
    comment="append-only; handovers signed and accepted, notes, and all that was said to them",
)

handover_let_go = sa.Table(
    "handover_let_go",
    metadata,
    sa.Column("thing", sa.Text, primary_key=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("upto_seq", sa.BigInteger, nullable=False, comment="entries after it have later places"),
    comment="append-only; sheets and notes that were let go: the one way to remove them",
)

summary_outbox = sa.Table(
    "summary_outbox",
    metadata,
    sa.Column("period", sa.Text, primary_key=True, comment="2026-11-21, 2026-W47 or 2026-11"),
    sa.Column("recipient", sa.Text, primary_key=True, comment="name in the list; addresses are not kept"),
    sa.Column("sort", sa.Text, nullable=False, comment="day, week or month"),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False, comment="queued, sent, failed, expired"),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_at_us", sa.BigInteger, nullable=False, comment="when it was to be sent"),
    sa.Column("next_at_us", sa.BigInteger, nullable=False, comment="next try, or when it ended"),
    sa.Column("sent_at_us", sa.BigInteger, nullable=True, comment="when it was taken; null is not"),
    sa.Column("claimed_by", sa.Text, nullable=False, comment="process that sends it now; empty is none"),
    sa.Column("claimed_until_us", sa.BigInteger, nullable=True),
    sa.Column("error", sa.Text, nullable=False, comment="of the newest try; empty is none"),
    sa.Index("summary_outbox_due", "state", "next_at_us"),
    comment="which summary went to whom",
)
