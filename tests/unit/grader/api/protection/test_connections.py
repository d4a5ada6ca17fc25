"""Slow and endless connections against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from grader.api.protection.connections import GuardedProtocol, most_connections, server_config

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Impatient(GuardedProtocol):
    """The same with short times."""

    header_seconds = 0.2
    message_seconds = 0.4
    stalled_seconds = 0.2
    lost: asyncio.Event

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the test."""
        super().connection_lost(exc)
        self.lost.set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body; /large with 32 MiB."""
    if scope["type"] != "http":
        return
    length = 0
    while (message := await receive())["type"] == "http.request":
        length += len(message["body"])
        if not message["more_body"]:
            break
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    parts = 512 if scope["path"] == "/large" else 1
    for left in reversed(range(parts)):
        body = b"x" * 65_536 if parts > 1 else str(length).encode()
        await send({"type": "http.response.body", "body": body, "more_body": left > 0})


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """A server on loopback; its port."""
    Impatient.lost = asyncio.Event()
    config = server_config(app, drain_seconds=1, lifespan="off")
    config.http = Impatient
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server._serve([listening]))
    yield listening.getsockname()[1]
    server.should_exit = True
    await task
    listening.close()


Body = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def run(body: Body) -> None:
    """Run a test with one connection; afterwards the server has none left."""

    async def running() -> None:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(10):
                await body(reader, writer)
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
                await Impatient.lost.wait()

    asyncio.run(running())


async def ended(reader: asyncio.StreamReader) -> bytes:
    """All that the server sends until it closes the connection."""
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


@pytest.mark.parametrize("start", [b"", b"GET", GET, GET + b"\r\n" + b"GET / HT"])
def test_headers_that_do_not_arrive_end_the_connection(start: bytes) -> None:
    """Nothing, a part of a line, a part of the headers; also for a second request."""

    async def body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        assert (await ended(reader)).split(b"\r\n\r\n")[-2].endswith(b"content-length: 0")

    run(body)


def test_headers_that_arrive_byte_by_byte_end_the_connection() -> None:
    """A byte now and then does not keep it open."""

    async def body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                for byte in GET + b"a: " + b"x" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert b" 200 " not in await ended(reader)
        dripping.cancel()

    run(body)


def test_headers_without_end_are_refused() -> None:
    """They are not collected in memory until the time is over."""

    async def body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET + b"a: " + b"x" * 70_000)
        assert b" 431 " in await ended(reader)

    run(body)


def test_a_body_that_does_not_arrive_ends_the_connection() -> None:
    """Also where the application waits for it."""

    async def body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc")
        assert b" 200 " not in await ended(reader)

    run(body)


def test_a_client_that_reads_nothing_loses_the_connection() -> None:
    """Its answer is not kept in memory until it reads."""

    async def running() -> None:
        async with serving() as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(10):
                await Impatient.lost.wait()
            client.close()

    asyncio.run(running())


def test_a_usual_client_is_served_and_may_pause_between_calls() -> None:
    """Longer than the headers may take; the time of one call is not that of the next."""

    async def body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
            answer = await reader.readuntil(b"0\r\n\r\n")
            assert b" 200 " in answer
            await asyncio.sleep(0.3)

    run(body)


def test_connections_fit_into_the_open_files() -> None:
    """Some files are left for the refusals, the bucket and the database."""
    connections = most_connections()

    assert 1 <= connections < resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_what_a_client_writes_about_its_address_is_not_believed() -> None:
    """Nor does the server say what it is made of, or talk WebSocket."""
    config = server_config(app, drain_seconds=1, lifespan="off")

    assert (config.proxy_headers, config.server_header, config.ws) == (False, False, "none")
