"""A local raster MBTiles file as a base map. MBTiles 1.3: SQLite, rows counted from the south."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

from control_room.settings import SettingError

_MAGIC = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"))


@dataclass(frozen=True)
class Tile:
    """One picture."""

    image: bytes
    content_type: str


class MBTiles:
    """Reads tiles, read-only; safe from several threads.

    Raises:
        SettingError: the file is missing, is no MBTiles file, or holds vector tiles.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SettingError(f"--mbtiles {path}: there is no such file")
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
            facts = dict(self._file.execute("SELECT name, value FROM metadata").fetchall())
        except sqlite3.DatabaseError as error:
            raise SettingError(f"--mbtiles {path}: is not an MBTiles file: {error}") from error
        if facts.get("format") == "pbf":
            raise SettingError(f"--mbtiles {path}: holds vector tiles; raster tiles (png, jpg, webp) are needed")
        self.attribution = str(facts.get("attribution", ""))
        self.max_zoom = int(facts.get("maxzoom", 18))

    def find_tile(self, zoom: int, x: int, y: int) -> Tile | None:
        """The tile at these XYZ coordinates (rows counted from the north), or None."""
        if zoom > 30 or y >= 2**zoom:
            return None
        row = 2**zoom - 1 - y
        query = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        with self._lock:
            found = self._file.execute(query, (zoom, x, row)).fetchone()
        if found is None:
            return None
        image = bytes(found[0])
        kind = next((t for magic, t in _MAGIC if image.startswith(magic)), None)
        return Tile(image, kind) if kind else None
