"""A program cannot tell a warm interpreter from one that was started for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec

pytestmark = pytest.mark.engine

PYTHON = find("python")
LOOKS_AROUND = b"""\
import sys
print(sorted(sys.modules))
print(sorted((name, str(value).split(" at ")[0]) for name, value in globals().items()))
print(sys.argv, sys.orig_argv, sys.flags, sys.path, sys.stdin.fileno(), __import__("os").getcwd())
print(sorted(__import__("os").listdir("/proc/self/fd")))
print(sys.gettrace(), sys.exc_info(), __name__)
"""


@pytest.fixture
def box(launcher: Path) -> Iterator[Box]:
    """A box of its own."""
    with Box.claim(launcher) as claimed:
        yield claimed


def test_a_program_sees_the_same_from_a_warm_interpreter(box: Box, tmp_path: Path) -> None:
    """Modules, names, arguments, paths and descriptors: nothing of the fork server is left."""
    cold = RunSpec(
        role=Role.RUN,
        policy=PYTHON.policy,
        argv=PYTHON.run_command(64),
        limits=RunLimits(5000, 10_000, 64, 1 << 16, PYTHON.processes, bound_address_space=True),
        stdin=Path(os.devnull),
        stdout=tmp_path / "stdout",
        stderr=tmp_path / "stderr",
    )
    warm = replace(cold, server_argv=PYTHON.server_argv)
    box.store(Role.RUN, PYTHON.source_name, LOOKS_AROUND)
    said = []
    for spec in (cold, warm):
        assert box.run(spec).succeeded, spec.stderr.read_text()
        said.append(spec.stdout.read_text().splitlines())
        spec.stdout.unlink()
        spec.stderr.unlink()

    assert said[0] == said[1]
