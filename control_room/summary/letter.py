"""A summary as a letter with what is attached to it; the words are those of `forms.mail`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from control_room.summary.contents import Summary
from control_room.summary.daily_file import Form, Recipient

_SORTS: Final = {
    "pdf": ("application", "pdf"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("application", "zip"),
    "json": ("application", "json"),
}


def write_daily(summary: Summary, screen: str = "", forms: Iterable[Form] = ()) -> EmailMessage:
    """The letter, not yet addressed: plain text, HTML, attachments."""
    from control_room.summary.forms.mail import build_mail

    letter = build_mail(summary, screen).message()
    mark = "SANDBOX-" if summary.header.simulated else ""
    for form in forms:
        main, sub = _SORTS[form]
        suffix = "csv.zip" if form == "csv" else form
        name = f"{mark}summary-{summary.header.period.name}.{suffix}"
        letter.add_attachment(_encode(form, summary, screen), maintype=main, subtype=sub, filename=name)
    return letter


def address_letter(letter: EmailMessage, to: Recipient, key: str, at: datetime) -> EmailMessage:
    """The same letter with its envelope.

    Args:
        key: becomes the Message-ID, by which a repetition is known as one.
    """
    letter["From"] = to.sender
    letter["To"] = to.address
    letter["Date"] = format_datetime(at)
    letter["Message-ID"] = f"<{key}@{to.sender.rpartition('@')[2]}>"
    # No absence note may answer a machine (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    return letter


def _encode(form: Form, summary: Summary, screen: str) -> bytes:
    if form == "pdf":
        from control_room.summary.forms.pdf import encode_pdf

        return encode_pdf(summary, screen)
    if form == "xlsx":
        from control_room.summary.forms.workbook import encode_xlsx

        return encode_xlsx(summary)
    if form == "csv":
        from control_room.summary.forms.sheets import encode_csv_zip

        return encode_csv_zip(summary)
    from control_room.summary.forms.as_json import encode_json

    return encode_json(summary)
