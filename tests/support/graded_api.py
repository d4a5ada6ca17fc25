"""An API with a worker that really grades the problem `sum`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api_world import ApiProcess, ApiWorld, open_world
from forked_script import GRADER
from sandboxes import many_boxes

from gradectl.local.testing import RunningBroker, RunningDatabase

_PROBLEM = Path(__file__).resolve().parents[2] / "examples" / "problems" / "sum"
SOLUTION = "print(sum(map(int, open(0).read().split()[1:])))\n"


@dataclass(frozen=True)
class GradedApi:
    """The environment and its API."""

    world: ApiWorld
    api: ApiProcess

    def environ(self, key: str) -> dict[str, str]:
        """The variables of a program."""
        address = {"GRADING_API": self.api.url, "GRADING_API_KEY": key}
        return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **address}


@contextmanager
def open_graded_api(
    *, moto_server: str, database: RunningDatabase, directory: Path, broker: RunningBroker
) -> Iterator[GradedApi]:
    """Start it, with sandbox, on engines that run."""
    with (
        many_boxes() as launcher,
        open_world(
            moto_server=moto_server,
            database=database,
            directory=directory,
            broker=broker,
            problems=(),
        ) as world,
    ):
        for path in sorted(each for each in _PROBLEM.rglob("*") if each.is_file()):
            world.put(f"problems/sum/{path.relative_to(_PROBLEM)}", path.read_bytes())
        world.start_worker(
            *(GRADER, "worker"),
            LAUNCHER_PATH=str(launcher),
            LANGUAGES="python,cpp",
        )
        yield GradedApi(world, world.start_api())
