"""Posts to a server at a fixed rate or all at once, whether or not earlier calls were answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from time import perf_counter

_TIMEOUT_SECONDS = 90.0


class Caller:
    """
    Posts JSON to one path of a server on this machine, over connections that it keeps.

    Args:
        port: Port of the server.
        path: The path.
        headers: Headers of each request.
        expected: Status that each answer must have.
    """

    def __init__(
        self, port: int, path: str, headers: Mapping[str, str], expected: HTTPStatus
    ) -> None:
        self._port = port
        lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json"]
        self._head = "\r\n".join([*lines, *(f"{key}: {text}" for key, text in headers.items())])
        self._expected = expected
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def at_rate(self, bodies: Sequence[bytes], rate: float) -> list[float]:
        """Post at this rate a second; returns milliseconds, each from the planned moment."""
        begin = perf_counter()
        calls = (self._timed(body, begin + index / rate) for index, body in enumerate(bodies))
        return await asyncio.gather(*calls)

    async def at_once(self, bodies: Sequence[bytes]) -> list[float]:
        """Post all at the same time; returns milliseconds."""
        begin = perf_counter()
        return await asyncio.gather(*(self._timed(body, begin) for body in bodies))

    async def in_turn(self, bodies: Sequence[bytes]) -> list[float]:
        """Post one after the other; returns milliseconds."""
        return [await self._timed(body, perf_counter()) for body in bodies]

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._free:
            writer.close()
        self._free.clear()

    async def _timed(self, body: bytes, moment: float) -> float:
        await asyncio.sleep(max(moment - perf_counter(), 0))
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            status, text = await self._post(body)
        if status != self._expected:
            raise SystemExit(f"status {status}: {text.decode(errors='replace')}")
        return 1000 * (perf_counter() - moment)

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        if self._free:
            reader, writer = self._free.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{self._head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        status, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = next(line for line in headers if line.startswith(b"content-length:"))
        text = await reader.readexactly(int(length.partition(b":")[2]))
        self._free.append((reader, writer))
        return int(status.split()[1]), text
