"""Reads the workers' logs: from CloudWatch Logs, or from the files of a local stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from gradectl.adapters.aws.logs import LogQuery, Logs
from gradectl.errors import GradectlError
from gradectl.monitoring.log_lines import LogLine, RequestFilter, with_times

#: Lines may arrive in CloudWatch Logs this much later than newer ones of other tasks.
_OVERLAP_MS = 15_000
#: A request and its retries are over after this time.
_REQUEST_MS = 15 * 60_000


class LogSource(Protocol):
    """
    The logs of the workers of one environment.

    Attributes:
        where: The log group or folder, for people.
    """

    where: str

    def read(
        self,
        start_ms: int,
        end_ms: int | None = None,
        *,
        phrase: str = "",
        tasks: Iterable[str] = (),
    ) -> Iterator[LogLine]:
        """
        Read lines in the order of their time.

        Args:
            start_ms: Time of the first line.
            end_ms: Time of the last line; None for no limit.
            phrase: Only lines that contain it.
            tasks: Only lines of these tasks; of all when empty.

        Raises:
            GradectlError: There is no such log.
        """
        ...


class CloudWatchSource:
    """
    The log group of an environment; see `LogSource`.

    Args:
        logs: CloudWatch Logs.
        group: The log group.
        container: The worker container, with which the names of streams begin.
        pause: Waits before a throttled call is repeated.
    """

    def __init__(self, logs: Logs, group: str, container: str, pause: Callable[[], bool]) -> None:
        self.where = f"log group {group}"
        self._logs, self._group, self._pause = logs, group, pause
        self._prefix = f"{container}/{container}/"

    def read(
        self,
        start_ms: int,
        end_ms: int | None = None,
        *,
        phrase: str = "",
        tasks: Iterable[str] = (),
    ) -> Iterator[LogLine]:
        """Read lines page by page."""
        streams = [f"{self._prefix}{task}" for task in tasks]
        query = LogQuery(self._group, start_ms, end_ms, phrase, streams)
        found = self._logs.events(query, self._pause)
        for each in found:
            yield LogLine(each.at_ms, each.stream.rpartition("/")[2], each.text, each.event_id)


class FileSource:
    """
    The log files of a local stack, one for each worker; see `LogSource`.

    Args:
        folder: The folder of the logs.
        service: The ECS service, with which the names of the files begin.
    """

    def __init__(self, folder: Path, service: str) -> None:
        self.where = f"{folder}/{service}-*.log"
        self._folder, self._service = folder, service

    def read(
        self,
        start_ms: int,
        end_ms: int | None = None,
        *,
        phrase: str = "",
        tasks: Iterable[str] = (),
    ) -> Iterator[LogLine]:
        """Read the files and merge their lines."""
        files = sorted(self._folder.glob(f"{self._service}-*.log"))
        if not files:
            text, hint = "no worker has run yet", "gradectl local status"
            raise GradectlError(text, where=self.where, next_step=hint)
        # A task that is restarted writes to the same file; its id ends with the number of restarts.
        wanted = {task.partition(".")[0].removeprefix(f"{self._service}-") for task in tasks}
        found: list[LogLine] = []
        for file in files:
            task = file.stem.removeprefix(f"{self._service}-")
            if wanted and task not in wanted:
                continue
            with file.open(encoding="utf-8", errors="replace") as lines:
                found += (
                    line
                    for line in with_times(lines, task, file.name)
                    if line.at_ms >= start_ms
                    and (end_ms is None or line.at_ms <= end_ms)
                    and phrase in line.text
                )
        yield from sorted(found, key=lambda line: line.at_ms)


def request_lines(source: LogSource, request_id: str, start_ms: int) -> Iterator[LogLine]:
    """
    Read the lines of one request: first those that name it, then those around them.

    Args:
        source: The logs.
        request_id: The request.
        start_ms: Where the search begins.
    """
    named = list(source.read(start_ms, phrase=request_id))
    if not named:
        return
    chosen = RequestFilter(request_id)
    tasks = sorted({line.task for line in named})
    end_ms = named[-1].at_ms + _REQUEST_MS
    yield from filter(chosen.accepts, source.read(named[0].at_ms, end_ms, tasks=tasks))


def follow(source: LogSource, start_ms: int, pause: Callable[[], bool]) -> Iterator[LogLine]:
    """
    Read lines, also those that are written from now on, each once.

    Args:
        source: The logs.
        start_ms: Time of the first line.
        pause: Pauses between two reads; returns False to stop.
    """
    seen: dict[str, int] = {}
    newest = start_ms
    while True:
        for line in source.read(max(start_ms, newest - _OVERLAP_MS)):
            if line.key not in seen:
                seen[line.key] = line.at_ms
                newest = max(newest, line.at_ms)
                yield line
        seen = {key: at for key, at in seen.items() if at >= newest - _OVERLAP_MS}
        if not pause():
            return


def last_lines(
    source: LogSource, start_ms: int, count: int, tasks: Sequence[str] = ()
) -> tuple[LogLine, ...]:
    """
    The last lines since a time, of some tasks or of all.

    Args:
        source: The logs.
        start_ms: Lines before it are left out.
        count: Number of lines.
        tasks: The tasks; all when empty.

    Returns:
        The lines; empty where there are none or the logs cannot be read.
    """
    try:
        return tuple(source.read(start_ms, tasks=tasks))[-count:]
    except GradectlError:
        return ()
