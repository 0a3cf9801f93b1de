"""Static files: compressed once, cached by fingerprint, errors passed on."""

from __future__ import annotations

import asyncio
import gzip

import brotli
import httpx

from control_room.static_files import StaticFiles

BODY = b"const city = 'Milton Keynes';\n" * 100


class Files:
    """An app that serves one script and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope, receive, send):
        self.asked += 1
        found = scope["path"] == "/assets/live.js"
        headers = [(b"content-type", b"text/javascript")]
        await send({"type": "http.response.start", "status": 200 if found else 404, "headers": headers})
        await send({"type": "http.response.body", "body": BODY if found else b"no such file"})


def ask(app, *requests: tuple[str, dict]) -> list[httpx.Response]:
    async def all_of_them():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            return [await client.get(path, headers=headers) for path, headers in requests]

    return asyncio.run(all_of_them())


def test_a_file_is_read_and_compressed_once_for_all():
    """The app behind is asked once; each visitor gets what their browser can unpack."""
    files = Files()
    encodings = [{"accept-encoding": e} for e in ("br, gzip", "gzip", "identity")]

    answers = ask(StaticFiles(files), *(("/assets/live.js", e) for e in encodings))

    assert files.asked == 1
    assert [a.headers.get("content-encoding") for a in answers] == ["br", "gzip", None]
    assert all(a.content == BODY for a in answers)
    assert int(answers[0].headers["content-length"]) < len(BODY) / 10
    assert (len(brotli.compress(BODY)), len(gzip.compress(BODY))) < (len(BODY), len(BODY))


def test_fingerprinted_files_are_kept_for_ever_and_others_asked_for_again():
    """A query with a modification time or Dash's name with version and time is a fingerprint."""
    answers = ask(StaticFiles(Files()), ("/assets/live.js?m=1795401778.1", {}))
    plain = ask(StaticFiles(Files()), ("/assets/live.js", {}))

    assert "immutable" in answers[0].headers["cache-control"]
    assert plain[0].headers["cache-control"] == "no-cache"


def test_an_unchanged_file_is_not_sent_again():
    """304 for the ETag it was given."""
    app = StaticFiles(Files())
    etag = ask(app, ("/assets/live.js", {}))[0].headers["etag"]

    answer = ask(app, ("/assets/live.js", {"if-none-match": etag}))[0]

    assert (answer.status_code, answer.content) == (304, b"")


def test_what_is_missing_stays_missing_and_is_not_remembered():
    """Made-up names do not fill the memory."""
    files = Files()
    app = StaticFiles(files)

    answers = ask(app, ("/assets/a.js", {}), ("/assets/a.js", {}))

    assert [a.status_code for a in answers] == [404, 404]
    assert files.asked == 2
    assert app._files == {}


def test_what_is_no_file_is_a_plain_404_whatever_the_app_behind_says():
    """Dash answers 500 for a package it does not know and sends other names elsewhere."""

    async def confused(scope, receive, send):
        status = 500 if "boom" in scope["path"] else 307
        await send({"type": "http.response.start", "status": status, "headers": [(b"location", b"http://localhost/")]})
        await send({"type": "http.response.body", "body": b"Internal Server Error"})

    answers = ask(StaticFiles(confused), ("/_dash-component-suites/boom", {}), ("/_dash-component-suites/x", {}))

    assert [(a.status_code, a.text) for a in answers] == [(404, "404: there is nothing here\n")] * 2
    assert "location" not in answers[1].headers


def test_one_file_under_many_names_is_kept_once():
    """Dash serves a script under any fingerprint; inventing them fills no memory."""

    async def same(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/javascript")]})
        await send({"type": "http.response.body", "body": bytes(bytearray(BODY))})

    files = StaticFiles(same)
    ask(files, *((f"/assets/live.v1_2_3m{n}.js", {}) for n in range(20)))

    assert len({id(file.bodies) for file in files._files.values()}) == 1


def test_an_encoding_refused_by_weight_zero_is_not_used():
    """`br;q=0` means: anything but that."""
    (answer,) = ask(StaticFiles(Files()), ("/assets/live.js", {"accept-encoding": "br;q=0, gzip;q=0.5"}))

    assert answer.headers["content-encoding"] == "gzip"
