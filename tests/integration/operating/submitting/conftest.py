"""One environment that grades, for the files of this folder; see `shared_folders`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from applied_environment import empty_database, make_environment, running_queues
from sample_submissions import EXAMPLES
from sandboxes import many_boxes

from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningDatabase


@pytest.fixture(scope="package")
def grading(
    engines: Engines,
    mariadb: RunningDatabase,
    moto_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """An environment with one worker for all kinds of messages, and both example problems."""
    make_folder = tmp_path_factory.mktemp
    with (
        many_boxes() as launcher,
        running_queues(engines, make_folder("submitting")) as broker,
        empty_database(mariadb) as database,
    ):
        applied = make_environment(broker, database, moto_server, make_folder)
        log = (applied.root / "worker.log").open("w")
        worker = subprocess.Popen(
            [sys.executable, "-m", "grader", "worker"],
            env={**applied.worker_environment(launcher), "JOB_HANDLER": "grading,function"},
            stderr=log,
        )
        for problem in ("sum", "shortest-path"):
            pushed = applied.gradectl("problem", "push", str(EXAMPLES / "problems" / problem))
            assert pushed.code == 0, pushed.stderr
        applied.worker = worker
        yield applied
        worker.terminate()
        worker.wait(300)
        log.close()
        applied.stack.close()
