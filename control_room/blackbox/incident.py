"""An incident: a part of the black box in a folder of its own, which opens in any copy of the product.

    incident.json        what it is, and the length and SHA-256 of every file below
    README.txt           the same in words
    blackbox/…           frames, panels and layers, the very bytes that were sent (segment.py)
    journal.jsonl        what the journal of alarms says of that time, and of a day before it; one event a line
    panels/begin|end/…   what stood in each panel at both ends, as JSON and as plain text
    pictures/…           the map at both ends (SVG); a page may add pictures of its own

Check sums show damage, not forgery: who could change a file could change its sum.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from alerts.alarm import Event, What
from control_room.blackbox.compare import list_texts
from control_room.blackbox.marks import MARKED, READ_MOST, TITLES_BEFORE, Journal, from_ms
from control_room.blackbox.picture import build_picture
from control_room.blackbox.player import NothingHeld, Player
from control_room.blackbox.record import DELTA, NAMED, unpack_named
from control_room.blackbox.segment import SegmentError, SegmentWriter, path_of
from control_room.blackbox.shelf import Shelf, Stretch
from control_room.frames import inflate
from control_room.live import PANEL_TOPIC

FORMAT: Final = 1
MANIFEST: Final = "incident.json"
JOURNAL: Final = "journal.jsonl"
BOX: Final = "blackbox"
PICTURES: Final = "pictures"

LONGEST_MS: Final = 24 * 3_600_000
FILES_MOST: Final = 10_000
# Of a zip that is opened: a day at 5,000 vehicles is below a tenth of it.
UNPACKED_MOST: Final = 20_000_000_000


class IncidentError(Exception):
    """An incident cannot be exported or opened; the text says why and what to do."""


@dataclass(frozen=True)
class Incident:
    """An opened incident.

    Attributes:
        first, last: moments, ms.
        mode: live or sandbox.
    """

    folder: Path
    first: int
    last: int
    mode: str
    city: str
    simulated: bool
    made_at: str

    @property
    def box(self) -> Path:
        return self.folder / BOX

    def as_dict(self) -> dict[str, Any]:
        """What a page is told of it."""
        return {"from": self.first, "to": self.last, "city": self.city, "made_at": self.made_at}


# Exporting


def export_incident(
    shelf: Shelf, journal: Journal | None, first: int, last: int, folder: Path, audience: str, made_at: datetime
) -> Incident:
    """Write what is held between two moments, ms, into a new folder.

    Args:
        journal: of alarms; None where it is not at hand, which the incident then says.
        made_at: aware UTC.

    Raises:
        IncidentError: nothing is held of that time, or it is too long.
        OSError: the folder is there already, or cannot be written.
    """
    if not 0 < last - first <= LONGEST_MS:
        raise IncidentError(f"an incident ends after it begins, and within {LONGEST_MS // 3_600_000} hours")
    held = shelf.look()
    stretches = [s for s in held.stretches if s.last >= first and s.first <= last]
    if not stretches:
        raise IncidentError("nothing is held of that time" + _words_of_held(held.first, held.last))
    folder.mkdir(parents=True)
    about = dict(stretches[-1].segment.about)
    _copy_stretches(stretches, last, folder / BOX, audience)
    events = [] if journal is None else _write_journal(journal, first, last, folder / JOURNAL)
    _write_ends(Shelf(folder / BOX, audience), first, last, folder, about)
    gaps = [gap.as_dict() for gap in held.gaps if gap.last >= first and gap.first <= last]
    said = {
        "format": FORMAT,
        "what": "incident",
        "from": first,
        "to": last,
        "audience": audience,
        **{name: about.get(name) for name in ("mode", "city", "simulated")},
        "made_at": made_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "gaps": gaps,
        "journal": None if journal is None else len(events),
    }
    (folder / "README.txt").write_text(_describe(said), encoding="utf-8")
    manifest = {**said, "files": _list_sums(folder)}
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return _incident_of(folder, manifest)


def _copy_stretches(stretches: Sequence[Stretch], last: int, folder: Path, audience: str) -> None:
    """Chunks of that time, file by file; each file begins with the newest of every name."""
    writer: SegmentWriter | None = None
    number, of = 0, None
    for stretch in stretches:
        try:
            records = stretch.segment.read(stretch.chunk)
        except SegmentError:
            continue  # its key frame is damaged: nothing of it could be shown
        key = records[1]
        if writer is None or of is not stretch.segment:
            if writer is not None:
                writer.close()
            number, of = number + 1, stretch.segment
            writer = SegmentWriter(path_of(folder, key.at, number, audience), stretch.segment.about, key.at)
            for name, place in orjson.loads(records[0].body)["newest"].items():
                if (content := stretch.segment.read_named(place)) is not None:
                    writer.add_named(key.at, name, content)
        writer.begin_chunk(key.at, key.seq, key.body)
        for found in records[2:]:
            if found.at > min(last, stretch.last):
                break
            if found.kind == DELTA:
                writer.add_delta(found.at, found.seq, found.body)
            elif found.kind == NAMED:
                writer.add_named(found.at, *unpack_named(found.body))
    if writer is None:
        raise IncidentError("of that time nothing can be read: its files are damaged")
    writer.close()


def _write_journal(journal: Journal, first: int, last: int, path: Path) -> list[Event]:
    """What happened, and the raisings of the day before: they name the alarms that stood at the beginning."""
    since, until = from_ms(first), from_ms(last) + timedelta(milliseconds=1)
    events = journal.list_between(since - TITLES_BEFORE, since, (What.RAISED, What.REPRIORITISED))
    events += journal.list_between(since, until, tuple(What))
    with path.open("wb") as file:
        for event in events:
            file.write(orjson.dumps(encode_event(event)) + b"\n")
    return events


def _write_ends(shelf: Shelf, first: int, last: int, folder: Path, about: Mapping[str, Any]) -> None:
    """Panels and a picture of the map at both ends, for who has no copy of the product at hand."""
    for end, at in (("begin", first), ("end", last)):
        player = Player(shelf)
        try:
            player.seek(at)
        except NothingHeld:
            continue
        place = folder / "panels" / end
        place.mkdir(parents=True)
        for name in sorted(player.names()):
            content = player.find_named(name) if name.startswith(PANEL_TOPIC) else None
            if content is not None:
                children = orjson.loads(inflate(content)[1])["children"]
                stem = name.removeprefix(PANEL_TOPIC)
                (place / f"{stem}.json").write_bytes(orjson.dumps(children))
                (place / f"{stem}.txt").write_text("\n".join(list_texts(children)) + "\n", encoding="utf-8")
        (folder / PICTURES).mkdir(exist_ok=True)
        picture = build_picture(player.columns, player.legend, player.now_ms, bool(about.get("simulated")))
        (folder / PICTURES / f"{end}.svg").write_text(picture, encoding="utf-8")


def _list_sums(folder: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": _sum(path)}
    return found


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(said: Mapping[str, Any]) -> str:
    first, last = (from_ms(said[name]).strftime("%Y-%m-%d %H:%M:%S UTC") for name in ("from", "to"))
    sandbox = "\nSANDBOX: the city in it is simulated; none of this happened.\n" if said["simulated"] else ""
    journal = (
        "The journal of alarms was not at hand."
        if said["journal"] is None
        else f"journal.jsonl: {said['journal']} lines, names of operators included."
    )
    return (
        f"An incident of the control room of {said['city']}: {first} to {last}, exported {said['made_at']}.\n{sandbox}\n"
        "Open it:   python -m control_room incident open <this folder or its zip>\n"
        "Without that: panels/ holds what stood on the screens at both ends, pictures/ the map, as SVG.\n"
        f"{journal}\n"
        "It holds positions of vehicles: give it to nobody who might not have seen the screens, and delete it when\n"
        "it has served.\n"
    )


def _words_of_held(first: int | None, last: int | None) -> str:
    if first is None or last is None:
        return ": the black box is empty"
    return f"; there is {from_ms(first):%Y-%m-%d %H:%M:%S} to {from_ms(last):%Y-%m-%d %H:%M:%S} UTC"


def zip_incident(folder: Path, path: Path) -> None:
    """The folder as one file. What is compressed already is not compressed again."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            method = zipfile.ZIP_STORED if file.suffix in (".box", ".idx") else zipfile.ZIP_DEFLATED
            archive.write(file, file.relative_to(folder).as_posix(), method)


# Opening


def open_incident(path: Path, scratch: Path) -> Incident:
    """The incident in a folder or a zip, after every file in it has been looked at.

    Args:
        scratch: an empty folder in which a zip is unpacked.

    Raises:
        IncidentError: it is none, or is not as it was exported.
    """
    try:
        folder = _unpack(path, scratch) if path.is_file() else path
        manifest = _read_manifest(folder)
        _check(folder, manifest)
        return _incident_of(folder, manifest)
    except OSError as error:
        raise IncidentError(f"{path}: cannot be read: {error.strerror or error}") from error


def _unpack(path: Path, scratch: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > FILES_MOST or sum(info.file_size for info in infos) > UNPACKED_MOST:
                raise IncidentError(f"{path}: holds more than an incident can; it is not unpacked")
            for info in infos:
                _safe(info.filename.rstrip("/"), path)
            archive.extractall(scratch)
    except zipfile.BadZipFile as error:
        raise IncidentError(f"{path}: is no whole zip ({error}); copy it again") from error
    # Somebody may have packed a folder anew, with its name before all files.
    folders = [scratch, *(p for p in scratch.iterdir() if p.is_dir())]
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), scratch)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise IncidentError(f"{folder}: holds no {MANIFEST}; name the folder or the zip of an incident")
    try:
        said = orjson.loads(path.read_bytes())
        if not isinstance(said, dict) or said["what"] != "incident":
            raise ValueError("is of another kind")
        if said["format"] != FORMAT:
            raise IncidentError(
                f"{path}: is of format {said['format']!r}, this program reads {FORMAT}; use a newer one"
            )
        if not (type(said["from"]) is int and type(said["to"]) is int and isinstance(said["files"], dict)):
            raise ValueError("lacks from, to or files")
        return said
    except (ValueError, KeyError, TypeError) as error:
        raise IncidentError(f"{path}: is no manifest of an incident ({error}); get another copy") from error


def _check(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Every file as the manifest says, and no recording beside those it names."""
    for name, expected in manifest["files"].items():
        path = folder / _safe(name, folder)
        if not path.is_file():
            raise IncidentError(f"{folder}: {name} is missing; get another copy")
        if path.stat().st_size != expected["bytes"] or _sum(path) != expected["sha256"]:
            raise IncidentError(
                f"{folder}: {name} is not as it was exported: it is damaged or changed; get another copy"
            )
    for path in (folder / BOX).rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in manifest["files"]:
            raise IncidentError(f"{folder}: {name} does not belong to it; get another copy")


def _safe(name: str, where: Path) -> str:
    """The same name, where it stays below its folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or ".." in parts:
        raise IncidentError(f"{where}: names a file outside itself ({name[:80]!r}); it is not opened")
    return name


def _incident_of(folder: Path, manifest: Mapping[str, Any]) -> Incident:
    return Incident(
        folder,
        manifest["from"],
        manifest["to"],
        str(manifest.get("mode") or "live"),
        str(manifest.get("city") or ""),
        bool(manifest.get("simulated")),
        str(manifest.get("made_at") or ""),
    )


# The journal of an incident


class ExtractedJournal:
    """The events of `journal.jsonl`; answers as the journal of alarms does."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events = sorted(events, key=lambda event: (event.at, event.seq))

    @staticmethod
    def read(path: Path) -> ExtractedJournal:
        """The events of that file; none where it is not there.

        Raises:
            IncidentError: a line is none of ours.
        """
        if not path.is_file():
            return ExtractedJournal()
        try:
            return ExtractedJournal([decode_event(orjson.loads(line)) for line in path.read_bytes().splitlines()])
        except (ValueError, KeyError, TypeError) as error:
            raise IncidentError(f"{path.name}: holds a line that this version cannot read ({error})") from error

    def list_between(
        self, since: datetime, until: datetime, whats: Sequence[What] = MARKED, limit: int = READ_MOST
    ) -> list[Event]:
        """See `storage.journal.SqlJournal.list_between`."""
        return [e for e in self._events if since <= e.at < until and e.what in whats][-limit:]


def encode_event(event: Event) -> dict[str, Any]:
    """An event of the journal as plain JSON."""
    at = event.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    plain = {name: getattr(event, name) for name in ("seq", "rule", "key", "by", "why", "values", "facts")}
    return {**plain, "at": at, "what": event.what.value}


def decode_event(said: Mapping[str, Any]) -> Event:
    """The event again."""
    at = datetime.fromisoformat(said["at"].replace("Z", "+00:00"))
    rest = (said["by"], said["why"], said["values"], said["facts"], said["seq"])
    return Event(at, said["rule"], said["key"], What(said["what"]), *rest)


def make_scratch(folder: Path | None = None) -> Path:
    """A folder for what is made only to be sent or shown; who asks for it deletes it.

    Args:
        folder: where; the system's own place for such without it.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="incident-", dir=folder))
