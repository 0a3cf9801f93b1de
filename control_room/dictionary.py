"""The page docs/data-dictionary.md, made from `control_room/model.py`."""

from __future__ import annotations

from control_room.model import KINDS, PUBLIC, Column

_AUDIENCES = {PUBLIC: "public", "staff": "staff"}


def describe_dictionary() -> str:
    """Markdown: one table a kind."""
    lines = [
        "# Data dictionary",
        "",
        "Made from `control_room/model.py` by `make docs`; do not edit. Everything the city tells us is a row in a table",
        "of one kind. *Audience*: `public` columns may go to public screens, `staff` columns to signed-in staff and their",
        "walls, `grant:…` columns only to people who hold that grant. *History*: kept beyond the present moment.",
        "Missing is never zero: unknown is `null` in JSON and an em dash on screens.",
    ]
    for kind in KINDS.values():
        lines += [
            "",
            f"## `{kind.name}`: {kind.title}",
            "",
            f"{kind.meaning} A row is named by `{kind.key}`.",
            "",
            "| column | type | unit | audience | history | meaning |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(c) for c in kind.columns]
    return "\n".join(lines) + "\n"


def _row(column: Column) -> str:
    meaning = column.meaning + (f": {', '.join(f'`{v}`' for v in column.values)}" if column.values else "")
    audience = _AUDIENCES.get(column.audience, column.audience)
    kept = "yes" if column.history else "no"
    return f"| `{column.name}` | {column.type} | {column.unit} | {audience} | {kept} | {meaning} |"
