"""A local MBTiles file as base map."""

from __future__ import annotations

import sqlite3

import pytest

from control_room.settings import SettingError
from control_room.tiles import MBTiles

PNG = b"\x89PNG\r\n\x1a\n" + b"tile"


def make(path, format_name="png"):
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE metadata (name text, value text)")
        file.execute("CREATE TABLE tiles (zoom_level int, tile_column int, tile_row int, tile_data blob)")
        file.execute("INSERT INTO metadata VALUES ('format', ?)", (format_name,))
        # Tile 12/2039/1348 counted from the north is row 4095 - 1348 from the south.
        file.execute("INSERT INTO tiles VALUES (12, 2039, ?, ?)", (4095 - 1348, PNG))
        file.execute("INSERT INTO tiles VALUES (12, 0, 4095, ?)", (b"<script>",))
    return path


def test_rows_are_counted_from_the_north_outside_and_the_south_inside(tmp_path):
    """The address a browser asks for finds the tile the file holds."""
    tiles = MBTiles(make(tmp_path / "mk.mbtiles"))

    found = tiles.find_tile(12, 2039, 1348)

    assert found is not None
    assert (found.image, found.content_type) == (PNG, "image/png")


def test_what_is_no_picture_is_not_served(tmp_path):
    """A tile's bytes decide its type; markup in a tile is nothing."""
    tiles = MBTiles(make(tmp_path / "mk.mbtiles"))

    assert tiles.find_tile(12, 0, 0) is None
    assert tiles.find_tile(12, 1, 1) is None
    assert tiles.find_tile(12, 1, 99_999) is None


def test_a_wrong_file_is_said_at_the_start(tmp_path):
    """Missing, not MBTiles, or vector tiles."""
    other = tmp_path / "x.mbtiles"
    other.write_bytes(b"not a database, really not one, however long it is" * 50)

    with pytest.raises(SettingError, match="no such file"):
        MBTiles(tmp_path / "none.mbtiles")
    with pytest.raises(SettingError, match="not an MBTiles file"):
        MBTiles(other)
    with pytest.raises(SettingError, match="vector tiles"):
        MBTiles(make(tmp_path / "v.mbtiles", "pbf"))
