"""One environment that grades, for the files of this folder; see `shared_folders`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from applied_environment import empty_database, make_environment, running_queues
from sample_submissions import EXAMPLES

from gradectl.local.engines.find import Engines
from gradectl.local.testing import RunningDatabase


@pytest.fixture(scope="session")
def grading(
    engines: Engines,
    mariadb: RunningDatabase,
    moto_server: str,
    launcher: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """An environment with one worker and both example problems."""
    make_folder = tmp_path_factory.mktemp
    with (
        running_queues(engines, make_folder("submitting")) as broker,
        empty_database(mariadb) as database,
    ):
        applied = make_environment(broker, database, moto_server, make_folder)
        log = (applied.root / "worker.log").open("w")
        worker = subprocess.Popen(
            [sys.executable, "-m", "grader", "worker"],
            env=applied.worker_environment(launcher),
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
