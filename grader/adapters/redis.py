"""
Redis, Valkey and ElastiCache: publishing results, and receiving them.

A result is kept for five minutes as well as published, in one round trip. So who subscribes first
and reads the key then misses nothing. The only module that imports the library.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
import redis.asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.adapters.trust import untrusted
from grader.errors import AccessError, GraderError, SettingsError, TemporaryError
from grader.ports.results import PushedValue

#: How long a value is kept for who asks late.
KEPT_SECONDS = 300
_SECONDS = 2.0
_DEFAULT_PORT = 6379
_SCHEMES = {"redis": False, "rediss": True}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Texts of replies that refuse the login, or lack a right.
_REFUSED = ("WRONGPASS", "NOAUTH", "NOPERM", "invalid username-password", "without any password")


@dataclass(frozen=True)
class RedisLogin:
    """Address of Redis, and password."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None  # trusted in addition to the authorities of the system

    @classmethod
    def of_url(cls, url: str, password: str, ca_file: Path | None = None) -> RedisLogin:
        """
        Read an address such as ``rediss://host:6379`` or ``rediss://user@host``.

        Args:
            url: The address; ``redis://`` is without TLS.
            password: Empty for none; it is sent without TLS to this machine only.
            ca_file: Trusted authorities.

        Raises:
            SettingsError: It is not such an address, it has a password, or the password would be
                sent without TLS.
        """
        advice = "write rediss://HOST:PORT; the password has a parameter of its own"
        try:
            parts = urlsplit(url.strip())
            port = parts.port or _DEFAULT_PORT
        except ValueError:
            raise SettingsError("not an address", where="Redis URL", next_step=advice) from None
        plain = parts.path in ("", "/") and not parts.query and parts.password is None
        if parts.scheme not in _SCHEMES or not parts.hostname or not plain:
            raise SettingsError("not an address of Redis", where="Redis URL", next_step=advice)
        if password and parts.scheme == "redis" and parts.hostname not in _LOOPBACK:
            what = "the password would be sent without TLS"
            raise SettingsError(what, where="Redis URL", next_step="write rediss://")
        user = unquote(parts.username) if parts.username else None
        return cls(parts.hostname, port, _SCHEMES[parts.scheme], user, password or None, ca_file)

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"

    def options(self) -> dict[str, Any]:
        """Arguments of a client; it tries once, because its caller has a backoff of its own."""
        given: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "username": self.user,
            "password": self.password,
            "protocol": 2,
            "socket_connect_timeout": _SECONDS,
            "client_name": "grader",
        }
        if self.tls:
            authorities = str(self.ca_file) if self.ca_file else None
            given |= {"ssl": True, "ssl_ca_certs": authorities, "ssl_check_hostname": True}
        return given


class RedisPublisher:
    """
    `grader.ports.results.ValuePublisher` over one connection, which is opened when it is needed.

    Args:
        login: Reads the login for each new connection, so that a rotated password takes effect.
    """

    def __init__(self, login: Callable[[], RedisLogin]) -> None:
        self._login = login
        self._client: redis.Redis | None = None
        self._where = "Redis"

    def publish(self, values: Sequence[PushedValue]) -> str:
        """Keep and publish values in one round trip; raises as the port."""
        if self._client is None:
            login = self._login()
            self._where = f"Redis at {login.address}"
            self._client = redis.Redis(
                **login.options(), socket_timeout=_SECONDS, retry=Retry(NoBackoff(), 0)
            )
        try:
            with _translated(self._where):
                answers = _publish(self._client, values)
                return _complaint(answers)
        except GraderError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _publish(client: redis.Redis, values: Sequence[PushedValue]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for value in values:
        pipeline.set(value.name, value.text, ex=KEPT_SECONDS)
        pipeline.publish(value.name, value.text)
        if value.replaces:
            pipeline.delete(value.replaces)
    return list(pipeline.execute(raise_on_error=False))


def _complaint(answers: Sequence[object]) -> str:
    """Return why values were not kept; raises an error that concerns the whole connection."""
    errors = [answer for answer in answers if isinstance(answer, redis.RedisError)]
    if not errors:
        return ""
    if isinstance(errors[0], redis.exceptions.OutOfMemoryError):
        return str(errors[0])
    raise errors[0]


class RedisChannels:
    """
    Channels of one asynchronous connection, and values over a second one.

    Each method raises `TemporaryError`, `AccessError` or `TrustError`; then it has to be opened
    again. Use `open_channels`.
    """

    def __init__(self, client: redis.asyncio.Redis, channels: PubSub, where: str) -> None:
        self._client = client
        self._channels = channels
        self._where = where

    async def subscribe(self, names: Sequence[str]) -> None:
        """Ask for the messages of channels; `receive` returns a confirmation for each."""
        await self._call(self._channels.subscribe(*names))

    async def unsubscribe(self, names: Sequence[str]) -> None:
        """Unsubscribe from channels."""
        await self._call(self._channels.unsubscribe(*names))

    async def ping(self) -> None:
        """Ask for an answer, which `receive` returns."""
        await self._call(self._channels.ping())

    async def receive(self, seconds: float) -> tuple[str, bytes | None] | None:
        """
        Receive the next message.

        Args:
            seconds: Longest wait.

        Returns:
            The channel and the message; None as message confirms a subscription. The channel is
            empty for other answers. None after the time.
        """
        found = await self._call(self._channels.get_message(timeout=seconds))
        if found is None:
            return None
        name = found["channel"] or b""
        if found["type"] == "message":
            return name.decode(errors="replace"), found["data"]
        return (name.decode(errors="replace") if found["type"] == "subscribe" else ""), None

    async def values(self, names: Sequence[str]) -> list[bytes | None]:
        """Read values; None for one that does not exist."""
        return list(await self._call(self._client.mget(names)))

    async def _call(self, action: Awaitable[Any]) -> Any:  # noqa: ANN401 - the library's own type
        with _translated(self._where):
            return await action


@asynccontextmanager
async def open_channels(login: RedisLogin) -> AsyncIterator[RedisChannels]:
    """
    Connect while the block runs.

    Raises:
        AccessError: The login is refused.
        TrustError: The certificate is not trusted.
        TemporaryError: Redis is away.
    """
    where = f"Redis at {login.address}"
    options = {**login.options(), "socket_timeout": _SECONDS, "retry": AsyncRetry(NoBackoff(), 0)}
    async with AsyncExitStack() as stack:
        with _translated(where):  # a client with a single connection opens it when it is entered
            # one connection that is not opened again behind the back of the caller
            single = redis.asyncio.Redis(**options, single_connection_client=True)
            client = await stack.enter_async_context(single)
            subscriber = await stack.enter_async_context(redis.asyncio.Redis(**options))
            channels = await stack.enter_async_context(subscriber.pubsub())
            await client.ping()
            await channels.ping()  # the library connects with the first command
        yield RedisChannels(client, channels, where)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise _grader_error(error, where) from error
    except OSError as error:
        raise TemporaryError(str(error), where=where) from error


def _grader_error(error: redis.RedisError, where: str) -> GraderError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return untrusted(cause, where, "check that REDIS_CA_FILE has the server's authority")
        cause = cause.__cause__ or cause.__context__
    what = str(error) or type(error).__name__
    if isinstance(error, redis.AuthenticationError) or any(text in what for text in _REFUSED):
        hint = "compare the redis/password parameter with the password of Redis"
        return AccessError(what, where=where, next_step=hint)
    return TemporaryError(what, where=where)
