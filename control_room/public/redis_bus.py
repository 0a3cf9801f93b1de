"""Redis between the dashboard and its experience processes: publish and subscribe, nothing kept.

The dashboard publishes each state whole, so whoever subscribes late has all a second later.
A user of Redis for the experience needs no more than
`ACL SETUSER experience on >secret resetchannels &control_room:public &control_room:public:displays +subscribe +unsubscribe +publish +ping`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from redis.asyncio import Redis
from redis.exceptions import RedisError

from control_room.public.source import REPORTS, STATES

TIMEOUT_S = 5.0
LISTEN_S = 1.0  # how long one waits for a message before asking whether anybody still wants it


class _Subscription:
    def __init__(self, client: Redis, channel: str) -> None:
        self._client = client
        self._channel = channel

    async def states(self) -> AsyncIterator[bytes]:
        try:
            async with self._client.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(self._channel)
                while True:
                    message = await subscription.get_message(timeout=LISTEN_S)
                    # The library loses a cancellation that comes while it connects: then nothing would ever end.
                    if (task := asyncio.current_task()) is not None and task.cancelling():
                        raise asyncio.CancelledError
                    if message is not None and message["type"] == "message":
                        yield bytes(message["data"])
        except RedisError as error:
            raise ConnectionError(type(error).__name__) from error

    async def report(self, report: bytes) -> None:
        await _publish(self._client, REPORTS, report)

    async def tell(self, state: bytes) -> None:
        """Publishes a state: the dashboard's side.

        Raises:
            OSError: Redis did not take it.
        """
        await _publish(self._client, STATES, state)


async def _publish(client: Redis, channel: str, data: bytes) -> None:
    try:
        await client.publish(channel, data)
    except RedisError as error:
        raise ConnectionError(type(error).__name__) from error


@contextlib.asynccontextmanager
async def connect_redis(url: str, channel: str = STATES) -> AsyncIterator[_Subscription]:
    """A connection to that Redis: messages of the channel, and a way to publish.

    Raises:
        OSError: it cannot be reached, or refuses. Never with the address, which may hold a password.
    """
    try:
        client = Redis.from_url(
            url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S, health_check_interval=10
        )
    except ValueError:
        raise ConnectionError("the address is none of Redis") from None
    try:
        await client.ping()
        yield _Subscription(client, channel)
    except RedisError as error:
        raise ConnectionError(type(error).__name__) from None
    finally:
        with contextlib.suppress(RedisError, OSError):
            await client.aclose()
