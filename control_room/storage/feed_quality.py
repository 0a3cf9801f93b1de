"""What each feed was worth, by the quarter of an hour: kept so that a restart forgets nothing.

The ledger of `control_room.quality` lives in the writer. Every minute its
quarters of the last day that have changed are written here, whole: writing one
twice is the same as writing it once. Alarm figures and summaries read the same
rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from control_room.quality import DAY_S, DAY_STEP_S, Figures, Ledger, Past
from control_room.storage.database import writing
from control_room.storage.schema import feed_quality

KEPT_DAYS: Final = 400


class QualityStore:
    """The table `feed_quality` of one database.

    Args:
        engine: of a database brought to the newest form (`database.migrate`).
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._written: dict[tuple[str, int], Figures] = {}
        self._let_go_at: datetime | None = None

    def load(self, since: datetime, until: datetime) -> Past:
        """Quarters from `since` until `until`: feed -> number of the quarter -> its figures.

        The number is whole quarters of an hour since 1970, UTC.
        """
        first, last = (int(at.timestamp() // DAY_STEP_S) for at in (since, until))
        question = sa.select(feed_quality).where(feed_quality.c.quarter.between(first, last))
        found: dict[str, dict[int, Figures]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(question.where(feed_quality.c.feed.in_(_list_feeds(connection)))):
                found.setdefault(row.feed, {})[row.quarter] = Figures(
                    polls=row.polls,
                    succeeded=row.succeeded,
                    gaps=row.gaps,
                    watched_s=row.watched_s,
                    fresh_s=row.fresh_s,
                    latencies={int(size): count for size, count in orjson.loads(row.latencies_json).items()},
                    rejects=orjson.loads(row.rejects_json),
                    rows=row.rows_good,
                )
        return found

    def load_sums(self, bounds: Sequence[datetime]) -> Past:
        """Each feed's figures of the stretches between these moments, by the number of the stretch's first quarter.

        Summed up by the database: a month of twenty feeds is sixty thousand quarters.

        Args:
            bounds: rising, two or more, each at the beginning of a quarter.
        """
        table = feed_quality
        numbers = [int(at.timestamp() // DAY_STEP_S) for at in bounds]
        stretch = sa.case(*((table.c.quarter < number, place) for place, number in enumerate(numbers[1:]))).label(
            "place"
        )
        sums = [sa.func.sum(table.c[name]).label(name) for name in _SUMMED]
        texts = [
            sa.func.aggregate_strings(table.c[name], ",").label(name) for name in ("latencies_json", "rejects_json")
        ]
        question = sa.select(table.c.feed, stretch, *sums, *texts).group_by(table.c.feed, sa.text("place"))
        question = question.where(table.c.quarter >= numbers[0], table.c.quarter < numbers[-1])
        found: dict[str, dict[int, Figures]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(question.where(table.c.feed.in_(_list_feeds(connection)))):
                found.setdefault(row.feed, {})[numbers[row.place]] = Figures(
                    polls=int(row.polls),
                    succeeded=int(row.succeeded),
                    gaps=int(row.gaps),
                    watched_s=row.watched_s,
                    fresh_s=row.fresh_s,
                    latencies={int(size): count for size, count in _add_counts(row.latencies_json).items()},
                    rejects=_add_counts(row.rejects_json),
                    rows=int(row.rows_good),
                )
        return found

    def save(self, ledger: Ledger, now: datetime) -> int:
        """Write the quarters of the last day that are not written as they are; how many.

        A ledger that has not taken over the past yet is left alone: it would
        write half a quarter over a whole one.
        """
        if not ledger.has_past:
            return 0
        oldest = int(now.timestamp() // DAY_STEP_S) - DAY_S // DAY_STEP_S
        changed = {
            (feed, number): figures
            for feed, record in ledger.records.items()
            for number, figures in (*record.day.closed, (record.day.number, record.day.open))
            if number > oldest and figures.polls and self._written.get((feed, number)) is not figures
        }
        if changed:
            with writing(self._engine) as connection:
                connection.execute(self._upsert(), [_describe(*place, figures) for place, figures in changed.items()])
        self._written = {place: f for place, f in {**self._written, **changed}.items() if place[1] > oldest}
        self._forget(now)
        return len(changed)

    def _upsert(self) -> sa.Executable:
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        statement = insert(feed_quality)
        key = ("feed", "quarter")
        values = {c.name: statement.excluded[c.name] for c in feed_quality.columns if c.name not in key}
        return statement.on_conflict_do_update(index_elements=key, set_=values)

    def _forget(self, now: datetime) -> None:
        """Once a day, what is older than is kept."""
        if self._let_go_at is not None and 0 <= (now - self._let_go_at).total_seconds() < DAY_S:
            return
        oldest = int(now.timestamp() // DAY_STEP_S) - KEPT_DAYS * DAY_S // DAY_STEP_S
        with writing(self._engine) as connection:
            connection.execute(sa.delete(feed_quality).where(feed_quality.c.quarter < oldest))
        self._let_go_at = now


_SUMMED: Final = ("polls", "succeeded", "gaps", "watched_s", "fresh_s", "rows_good")


def _list_feeds(connection: sa.Connection) -> list[str]:
    """Names of all feeds, hopping from one to the next: the rows lie by feed, and a year of them is not read for it.

    With them a question about a stretch of time looks each feed up; by time alone it would read the whole table.
    """
    name, names = feed_quality.c.feed, list[str]()
    found = connection.scalar(sa.select(sa.func.min(name)))
    while found is not None:
        names.append(found)
        found = connection.scalar(sa.select(sa.func.min(name)).where(name > found))
    return names


def _add_counts(objects: str) -> dict[str, int]:
    """JSON objects of counts, joined by commas, as one."""
    total: dict[str, int] = {}
    for counts in orjson.loads(f"[{objects}]"):
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    return total


def _describe(feed: str, quarter: int, figures: Figures) -> Mapping[str, object]:
    return {
        "feed": feed,
        "quarter": quarter,
        "polls": figures.polls,
        "succeeded": figures.succeeded,
        "gaps": figures.gaps,
        "watched_s": figures.watched_s,
        "fresh_s": figures.fresh_s,
        "rows_good": figures.rows,
        "latencies_json": orjson.dumps(dict(figures.latencies), option=orjson.OPT_NON_STR_KEYS).decode(),
        "rejects_json": orjson.dumps(dict(figures.rejects)).decode(),
    }
