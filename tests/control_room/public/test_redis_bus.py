"""Redis between the dashboard and its public screens: a real one, with a user that may do no more than it must."""

from __future__ import annotations

import asyncio

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from control_room.public.redis_bus import connect_redis
from control_room.public.source import REPORTS, STATES, Source, make_source
from control_room.public.state import read_state
from control_room.settings import SettingError
from tests.control_room.public.room import RedisServer, Town, background, make_experience, running_redis, serving
from tests.control_room.public.test_experience import open_screen
from tests.live_server import until

ACL = (
    "experience",
    "on",
    ">secret",
    "resetchannels",
    f"&{STATES}",
    f"&{REPORTS}",
    "+subscribe",
    "+unsubscribe",
    "+publish",
    "+ping",
)


@pytest.fixture(scope="module")
def redis():
    with running_redis() as server:
        yield server


def allow(redis: RedisServer) -> str:
    """Makes the user of the public screens; its URL."""
    with Redis.from_url(redis.url) as admin:
        admin.execute_command("ACL", "SETUSER", *ACL)
    return f"redis://experience:secret@127.0.0.1:{redis.port}/0"


def test_states_reach_screens_by_redis(redis, tmp_path):
    """The dashboard publishes, an experience process with a user of its own shows, and its displays are known back there."""

    async def story():
        town = Town(redis=redis.url)
        app = make_experience(tmp_path, make_source(allow(redis)), town.clock)
        async with background(town.service.run()), serving(app, "on") as port:
            await until(lambda: app._showing == "live", 60)
            screen, socket = await open_screen(port, display="north-door")
            await screen.read("things")
            async with asyncio.timeout(60):
                while not town.service.screens:  # the dashboard may not listen yet: what is told then is told to nobody
                    await app.report()
                    await asyncio.sleep(0.05)
            await socket.close()
            return screen.facts, [s.display for s in town.service.screens.values()]

    facts, displays = asyncio.run(story())

    assert facts["city"]["title"] == "Milton Keynes"
    assert displays == ["experience-north-door"]


def test_the_screens_user_may_read_nothing_else(redis):
    """With the user of the docs no key can be read or written, and no other channel heard."""
    with Redis.from_url(redis.url) as admin:
        admin.set("staff:secret", "a word")
    with Redis.from_url(allow(redis)) as user:
        for command in (
            ("GET", "staff:secret"),
            ("KEYS", "*"),
            ("CONFIG", "GET", "*"),
            ("SUBSCRIBE", "control_room:staff"),
        ):
            with pytest.raises(NoPermissionError):
                user.execute_command(*command)


def test_redis_may_die_and_come_back():
    """When Redis is ended and begun again, states come again, and nobody had to do anything."""
    with running_redis() as redis:

        async def story():
            states = []
            source = Source(lambda: connect_redis(redis.url), "test", first_pause_s=0.02)

            async def listen():
                async for state in source.states():
                    states.append(state)

            async def tell(state):
                async with connect_redis(redis.url) as connection:
                    await connection.tell(state)

            async def tell_until_heard(state):
                async with asyncio.timeout(90):
                    while state not in states:
                        await tell(state)
                        await asyncio.sleep(0.02)

            async with background(listen()):
                await tell_until_heard(b"before")
                await asyncio.to_thread(redis.stop)
                await asyncio.to_thread(redis.start)
                await tell_until_heard(b"after")
                return states

        assert asyncio.run(story())[-1] == b"after"


def test_an_error_never_tells_the_password():
    """Where Redis refuses, or is not there, the error holds neither address nor password."""

    async def story(url):
        with pytest.raises(OSError) as caught:
            async with connect_redis(url):
                pass
        return str(caught.value), caught.value.__cause__

    with running_redis() as redis:
        wrong = f"redis://:a-wrong-secret@127.0.0.1:{redis.port}/0"
        text, cause = asyncio.run(story(wrong))

    assert "a-wrong-secret" not in text and "127.0.0.1" not in text
    assert cause is None
    assert "a-wrong-secret" not in asyncio.run(story(wrong))[0]


def test_what_is_published_is_a_public_state(redis):
    """Whoever listens on the channel gets public states and nothing else: the same form as on the stream."""

    async def story():
        town = Town(redis=redis.url)
        async with connect_redis(redis.url) as connection, background(town.service.run()):
            return await anext(connection.states())

    assert read_state(asyncio.run(story())).city.simulated is True


@pytest.mark.parametrize("address", ["", "ftp://x/", "dashboard:8050", "http://", "redis://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(address):
    """The setting says what it takes, and does not repeat what may hold a password."""
    with pytest.raises(SettingError, match="http://dashboard:8050/public/stream"):
        make_source(address)
