"""Finds the logs of an environment's workers and of its HTTP API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from gradectl.adapters.aws.account import Aws
from gradectl.cloud import CloudContext
from gradectl.environment import Environment
from gradectl.local.layout import StackLayout
from gradectl.monitoring.log_lines import printed
from gradectl.monitoring.log_sources import CloudWatchSource, FileSource, LogSource, last_lines
from gradectl.monitoring.names import WORKERS, service_names

_COUNT = 10


def open_logs(
    app: CloudContext,
    environment: Environment,
    aws: Aws,
    pause: Callable[[], bool],
    service: str = WORKERS,
) -> LogSource:
    """
    Open the logs of the workers, or of the HTTP API.

    The tasks of a local stack are processes that write to files, and no agent ships these to the
    emulated CloudWatch Logs.

    Args:
        app: The context of the command.
        environment: The environment.
        aws: Its account.
        pause: Waits before a throttled call is repeated.
        service: `workers` or `api`.

    Raises:
        ConfigurationError: The environment has no such service.
    """
    names = service_names(environment, service)
    stack = app.stack(environment)
    if stack is not None:
        folder = StackLayout(stack.directory).control_plane_log.parent
        return FileSource(folder, names.service)
    return CloudWatchSource(aws.logs, names.log_group, names.container, pause)


def lines_of_failed_workers(
    source: LogSource,
) -> Callable[[datetime | None, Sequence[str]], Sequence[str]]:
    """
    Make the function that reads the last lines for the error of a deployment.

    Args:
        source: The logs of the workers.
    """

    def read(since: datetime | None, tasks: Sequence[str]) -> Sequence[str]:
        start_ms = int(since.timestamp() * 1000) if since else 0
        # The worker's lines have whole seconds.
        found = last_lines(source, start_ms // 1000 * 1000, _COUNT, tasks)
        return [printed(line, with_task=False) for line in found]

    return read
