"""The files that a run is given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.errors import SandboxError
from grader.sandbox.files import copied_into, opened
from grader.sandbox.runs import Role, RunLimits, RunSpec

LIMITS = RunLimits(1000, 3000, 64, 1 << 16, 1, bound_address_space=True)


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    """A run that reads something and writes into a directory of its own."""
    stdin = tmp_path / "stdin"
    stdin.write_bytes(b"1 2\n")
    return RunSpec(
        role=Role.RUN,
        policy="native",
        argv=("./program",),
        limits=LIMITS,
        stdin=stdin,
        stdout=tmp_path / "stdout",
        stderr=tmp_path / "stderr",
    )


def test_a_run_finds_nothing_of_what_the_one_before_wrote(spec: RunSpec) -> None:
    """The files are used again, emptied: an answer of the case before must not stand in them."""
    for words in (b"the first, and it is longer", b"second"):
        with opened(spec) as (_, stdout, _stderr):
            os.write(stdout, words)

    assert spec.stdout.read_bytes() == b"second"
    assert spec.stderr.read_bytes() == b""


def test_what_is_written_is_the_workers_alone(spec: RunSpec) -> None:
    """A slot user has the descriptor, and no way to open the file anew."""
    with opened(spec):
        assert spec.stdout.stat().st_mode & 0o777 == 0o600
        assert spec.stderr.stat().st_mode & 0o777 == 0o600


def test_no_link_is_followed_to_where_output_goes(spec: RunSpec, tmp_path: Path) -> None:
    """Even where nobody else can make one: it costs nothing."""
    target = tmp_path / "target"
    target.write_bytes(b"kept")
    spec.stdout.symlink_to(target)

    with pytest.raises(SandboxError, match="cannot be opened"), opened(spec):
        pass

    assert target.read_bytes() == b"kept"


def test_a_stored_file_appears_whole(tmp_path: Path) -> None:
    """A fork server that looks for its program meanwhile must not take the half of it."""
    with copied_into(tmp_path, "solution.py") as file:
        file.write(b"print(1)\n")
        assert not (tmp_path / "solution.py").exists()

    assert (tmp_path / "solution.py").read_bytes() == b"print(1)\n"
    assert [path.name for path in tmp_path.iterdir()] == ["solution.py"]


def test_nothing_that_was_stored_is_written_over(tmp_path: Path) -> None:
    """What is there already was checked, or runs."""
    (tmp_path / "solution.py").write_bytes(b"first")

    with (
        pytest.raises(SandboxError, match="exists"),
        copied_into(tmp_path, "solution.py") as file,
    ):
        file.write(b"second")

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]
