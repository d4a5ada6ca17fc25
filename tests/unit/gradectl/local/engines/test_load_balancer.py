"""The load balancer passes connections on to tasks, and waits while there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gradectl.local.engines.load_balancer import LoadBalancer, LoadBalancerHome, write_targets
from gradectl.local.loopback import LOOPBACK, free_ports

LONG = 60.0  # a limit for a hung test, not a measurement
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server; yields its port."""
    server = await asyncio.start_server(handler, LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def naming(name: str) -> Handler:
    """Answers a line with a name."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        writer.write(f"{name} {line.decode()}".encode())
        await writer.drain()
        writer.close()

    return handle


async def ask(port: int, line: str = "hello") -> str:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(f"{line}\n".encode())
    answer = await asyncio.wait_for(reader.read(), LONG)
    writer.close()
    return answer.decode().strip()


def home_in(directory: Path) -> LoadBalancerHome:
    return LoadBalancerHome(directory / "balancer", 0, directory / "log")


def test_tasks_get_connections_in_turn_and_one_that_ended_none(tmp_path: Path) -> None:
    """A task that ends is skipped before the file of the targets has changed."""

    async def scenario() -> None:
        home, (dead,) = home_in(tmp_path), free_ports(1)
        balancer = LoadBalancer(home.targets_file)
        async with (
            serving(naming("one")) as one,
            serving(naming("two")) as two,
            serving(balancer.handle) as front,
        ):
            write_targets(home, [one, two])
            assert {await ask(front), await ask(front)} == {"one hello", "two hello"}

            write_targets(home, [dead, two])
            assert {await ask(front), await ask(front)} == {"two hello"}

    asyncio.run(scenario())


def test_a_client_waits_for_the_first_healthy_task(tmp_path: Path) -> None:
    """So the replacement of the only task refuses no request."""

    async def scenario() -> None:
        home = home_in(tmp_path)
        async with (
            serving(naming("new")) as task,
            serving(LoadBalancer(home.targets_file, LONG).handle) as front,
        ):
            waiting = asyncio.create_task(ask(front))
            write_targets(home, [])
            assert not waiting.done()
            write_targets(home, [task])

            assert await waiting == "new hello"

    asyncio.run(scenario())


def test_without_a_healthy_task_the_answer_is_503(tmp_path: Path) -> None:
    """As Elastic Load Balancing answers."""

    async def scenario() -> str:
        balancer = LoadBalancer(home_in(tmp_path).targets_file, wait_seconds=0)
        async with serving(balancer.handle) as front:
            return await ask(front)

    head, _, body = asyncio.run(scenario()).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 ")
    assert f"Content-Length: {len(body)}\r\n" in head
    assert "Retry-After: " in head


def test_a_stream_of_events_arrives_while_it_is_written(tmp_path: Path) -> None:
    """And the task sees that its client has left."""
    left = asyncio.Event()

    async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"event: 1\n")
        await writer.drain()
        if not await reader.read():
            left.set()
        writer.close()

    async def scenario() -> None:
        home = home_in(tmp_path)
        async with (
            serving(events) as task,
            serving(LoadBalancer(home.targets_file).handle) as front,
        ):
            write_targets(home, [task])
            reader, writer = await asyncio.open_connection(LOOPBACK, front)
            assert await asyncio.wait_for(reader.readline(), LONG) == b"event: 1\n"
            writer.close()

            await asyncio.wait_for(left.wait(), LONG)

    asyncio.run(scenario())
