"""The base map: ours by default; online tiles and a local MBTiles file by settings."""

from __future__ import annotations

import sqlite3
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.conftest import wait_for, wait_until_live

pytestmark = pytest.mark.browser


def png(red: int, green: int, blue: int) -> bytes:
    """A 256 x 256 picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * 256) * 256
    header = struct.pack(">IIBBBBB", 256, 256, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def tile_server():
    """Serves one picture at every address, and keeps which were asked for."""
    asked: list[str] = []

    class Tiles(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = png(40, 60, 40)
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.send_header("content-length", str(len(body)))
            # As a page of one origin may show a picture of another only if that one lets it.
            self.send_header("cross-origin-resource-policy", "cross-origin")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tiles)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked = asked
    yield server
    server.shutdown()


def feed_file(tmp_path):
    """No feed answers: the map has to stand by itself."""
    path = tmp_path / "feeds.yaml"
    path.write_text(
        "feeds:\n- {name: buses, adapter: gtfs_realtime, url: 'http://127.0.0.1:9/', allow_private: true}\n"
    )
    return str(path)


LOADED = "document.querySelectorAll('.leaflet-tile-loaded').length > 3"


def test_without_settings_nothing_is_asked_of_anybody(start, watch, tmp_path):
    """No tile of any kind; the attribution of our own map stands on it."""
    dashboard = start("serve", "--feeds", feed_file(tmp_path), "--port", "0")
    seen = watch()
    seen.page.goto(f"{dashboard.url}/wall")
    wait_until_live(seen.page, frames=1, within_s=60)
    wait_for(seen.page, "document.querySelector('main').innerText.includes('Open Government Licence v3.0')", 60)

    assert seen.page.locator(".leaflet-tile").count() == 0
    assert seen.hosts == {"localhost"}


def test_online_tiles_by_template(start, watch, tmp_path, tile_server):
    """Tiles of the named host lie beneath, with their credit; the policy lets in that host and no other."""
    port = tile_server.server_address[1]
    dashboard = start(
        "serve",
        "--feeds",
        feed_file(tmp_path),
        "--port",
        "0",
        "--tiles",
        f"http://127.0.0.1:{port}/{{z}}/{{x}}/{{y}}.png",
        "--tiles-attribution",
        "Tiles of a test",
    )
    seen = watch()
    seen.page.goto(f"{dashboard.url}/wall")
    wait_for(seen.page, LOADED, 60)
    wait_for(seen.page, "document.querySelector('main').innerText.includes('Tiles of a test')")

    assert seen.faults == []
    assert seen.hosts == {"localhost", "127.0.0.1"}
    assert tile_server.asked[0].endswith(".png")


def test_a_local_mbtiles_file(start, watch, tmp_path):
    """The file's pictures are served by us, to this machine's pages alone."""
    path, tile = tmp_path / "mk.mbtiles", png(40, 40, 60)
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE metadata (name text, value text)")
        file.execute("CREATE TABLE tiles (zoom_level int, tile_column int, tile_row int, tile_data blob)")
        for name, value in (("format", "png"), ("maxzoom", "14"), ("attribution", "A file of a test")):
            file.execute("INSERT INTO metadata VALUES (?, ?)", (name, value))
        for zoom in (12, 13, 14):
            x0, y0 = int(4078 / 2 ** (13 - zoom)), int(2703 / 2 ** (13 - zoom))
            for x in range(x0 - 12, x0 + 12):
                for y in range(y0 - 12, y0 + 12):
                    row = 2**zoom - 1 - y
                    file.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (zoom, x, row, tile))
    dashboard = start("serve", "--feeds", feed_file(tmp_path), "--port", "0", "--mbtiles", str(path))
    seen = watch()
    seen.page.goto(f"{dashboard.url}/wall")
    wait_for(seen.page, LOADED, 60)
    wait_for(seen.page, "document.querySelector('main').innerText.includes('A file of a test')")

    assert seen.hosts == {"localhost"}
