"""History: measures by the minute, hour and day, facts of the city, thinned positions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROLLUPS = {
    "history_minute": "measures by the minute",
    "history_hour": "measures by the hour of the city's clock",
    "history_day": "measures by the day of the city's clock, of 23 to 25 hours",
}


def upgrade() -> None:
    for name, comment in _ROLLUPS.items():
        op.create_table(
            name,
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
            sqlite_with_rowid=False,
            comment=comment,
        )
    op.create_table(
        "history_series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("measure", sa.Text, nullable=False, comment="control_room.history.measures"),
        sa.Column("key", sa.Text, nullable=False, comment="empty is the whole city"),
        sa.UniqueConstraint("measure", "key", name="history_series_once"),
        comment="what is measured, of what",
    )
    op.create_table(
        "history_run",
        sa.Column("run_key", sa.Text, primary_key=True, comment="vehicle and trip, or flight"),
        sa.Column("sort", sa.Text, nullable=False, comment="delivery, shuttle_trip, flight, bus_trip, cancelled_trip"),
        sa.Column("operator", sa.Text, nullable=True),
        sa.Column("route", sa.Text, nullable=True),
        sa.Column("from_s", sa.BigInteger, nullable=True, comment="null where its beginning was not seen"),
        sa.Column("until_s", sa.BigInteger, nullable=False, comment="when it was last told"),
        comment="deliveries, trips and missions that ended; no position, no customer",
    )
    op.create_index("history_run_by_time", "history_run", ["until_s"])
    op.create_table(
        "history_request",
        sa.Column("request_key", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, nullable=True),
        sa.Column("locality", sa.Text, nullable=True),
        sa.Column("channel", sa.Text, nullable=True),
        sa.Column("status", sa.Text, nullable=True),
        sa.Column("requested_s", sa.BigInteger, nullable=True),
        sa.Column("expected_s", sa.BigInteger, nullable=True, comment="when it should be done"),
        sa.Column("updated_s", sa.BigInteger, nullable=True),
        sa.Column("closed_s", sa.BigInteger, nullable=True, comment="null while it is open, or not known to be closed"),
        comment="service requests as last told; never who asked, nor where to the metre",
    )
    op.create_index("history_request_by_end", "history_request", ["closed_s"])
    op.create_index("history_request_by_time", "history_request", ["requested_s"])
    op.create_table(
        "history_request_change",
        sa.Column("request_key", sa.Text, primary_key=True),
        sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("status", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
        comment="when a request came into which status",
    )
    op.create_table(
        "history_slot",
        sa.Column("slot_key", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=True),
        sa.Column("from_s", sa.BigInteger, nullable=False),
        sa.Column("capacity", sa.Float, nullable=True),
        sa.Column("booked", sa.Float, nullable=True),
        sa.Column("booked_online", sa.Float, nullable=True),
        sa.Column("arrivals", sa.Float, nullable=True),
        sa.Column("no_shows", sa.Float, nullable=True),
        comment="slots of recycling centres as last counted",
    )
    op.create_index("history_slot_by_time", "history_slot", ["from_s"])
    op.create_table(
        "history_coverage",
        sa.Column("hexagon", sa.Text, primary_key=True),
        sa.Column("technology", sa.Text, primary_key=True),
        sa.Column("day_s", sa.BigInteger, primary_key=True, autoincrement=False, comment="beginning of the day"),
        sa.Column("rsrp_dbm", sa.Float, nullable=True),
        sa.Column("sinr_db", sa.Float, nullable=True),
        sa.Column("samples", sa.Float, nullable=True),
        sqlite_with_rowid=False,
        comment="the coverage map by the day; a hexagon has a row only on days on which it was measured anew",
    )
    op.create_index("history_coverage_by_day", "history_coverage", ["day_s"])
    op.create_table(
        "history_event",
        sa.Column("event_key", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=True),
        sa.Column("category", sa.Text, nullable=True),
        sa.Column("venue", sa.Text, nullable=True),
        sa.Column("starts_s", sa.BigInteger, nullable=False),
        sa.Column("ends_s", sa.BigInteger, nullable=True),
        sa.Column("expected_people", sa.Float, nullable=True),
        comment="planned events that explain a day",
    )
    op.create_index("history_event_by_time", "history_event", ["starts_s"])
    op.create_table(
        "history_thing",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("vehicle_key", sa.Text, nullable=False, unique=True),
        sa.Column("vehicle_type", sa.Text, nullable=True),
        comment="vehicles that positions are kept of",
    )
    op.create_table(
        "history_position",
        sa.Column("thing", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "at_ms", sa.BigInteger, primary_key=True, autoincrement=False, comment="when it was true, by the source"
        ),
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
    op.create_table(
        "history_batch",
        sa.Column("run", sa.Text, primary_key=True, comment="one start of the program"),
        sa.Column("number", sa.BigInteger, nullable=False, comment="batches of it up to here are in"),
        sa.Column("at_s", sa.BigInteger, nullable=False),
        comment="what was written, so that nothing is written twice",
    )
