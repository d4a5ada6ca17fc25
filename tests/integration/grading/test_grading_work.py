"""Consumers of a worker by its settings: they share caches, each with a box of its own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import CapturingLogger

from grader.errors import SettingsError
from grader.handlers import HandlerContext
from grader.judge.handler import grading
from grader.settings import WorkerSettings
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

PARAMETERS = (
    *("mq_endpoint_param", "mq_username_param", "mq_password_param"),
    *("db_endpoint_param", "db_name_param", "db_username_param", "db_password_param"),
)


class CountingStore(MemoryObjectStore):
    """A bucket that counts downloads."""

    downloads = 0

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Write an object into a new file."""
        self.downloads += 1
        super().download(key, target, max_bytes=max_bytes, etag=etag)


@pytest.fixture
def counting(bench: Any) -> CountingStore:
    """The bench's bucket, with a source, and counted."""
    store = CountingStore()
    store.objects = bench.store.objects
    bench.put("submissions/req_1/solution", "print(2 * int(input()))")
    return store


def handler_context(store: MemoryObjectStore, launcher: Path, **fields: object) -> HandlerContext:
    values = dict.fromkeys(PARAMETERS, "/t/name") | fields
    settings = WorkerSettings.model_validate(
        values
        | {
            "environment": "t",
            "grading_bucket": "files",
            "launcher_path": launcher,
            "languages": "python",
        }
    )
    return HandlerContext(settings, store, structlog.wrap_logger(CapturingLogger(), processors=[]))


def test_a_consumer_gets_a_grader_after_a_self_test(bench: Any, launcher: Path) -> None:
    """The sandbox was attacked once, and the log says what held."""
    bench.put("submissions/req_1/solution", "print(2 * int(input()))")
    log = CapturingLogger()
    context = replace(
        handler_context(bench.store, launcher), log=structlog.wrap_logger(log, processors=[])
    )
    with grading(context) as spec, spec.open() as handler:
        assert handler(bench.request()).result.verdict == "AC"

    assert "Sandbox holds" in [call.kwargs["event"] for call in log.calls]


def test_the_consumers_of_a_worker_share_what_they_fetch(
    bench: Any, counting: CountingStore, launcher: Path
) -> None:
    """Six files are three cases, and no consumer fetches what another has."""
    with ExitStack() as stack:
        spec = stack.enter_context(grading(handler_context(counting, launcher)))
        handlers = [stack.enter_context(spec.open()) for _ in range(2)]
        verdicts = [handler(bench.request()).result.verdict for handler in handlers]

    assert verdicts == ["AC", "AC"]
    assert counting.downloads == 6


def test_a_worker_begins_with_what_the_last_one_kept(
    bench: Any, counting: CountingStore, launcher: Path, tmp_path: Path
) -> None:
    """Where the settings name a directory for it."""
    for _ in range(2):
        context = handler_context(counting, launcher, cache_directory=tmp_path / "kept")
        with grading(context) as spec, spec.open() as handler:
            assert handler(bench.request()).result.verdict == "AC"

    assert counting.downloads == 6
    assert len(list((tmp_path / "kept").iterdir())) == 6 + 1


def test_a_directory_that_others_can_enter_stops_the_worker(
    counting: CountingStore, launcher: Path, tmp_path: Path
) -> None:
    """At its start, and it says which."""
    tmp_path.chmod(0o755)
    context = handler_context(counting, launcher, cache_directory=tmp_path)

    with pytest.raises(SettingsError, match="only the worker's user can enter"), grading(context):
        pass
