"""Files of a run."""

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
    """A run with an input, in its own directory."""
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


def test_output_of_an_earlier_run_is_truncated(spec: RunSpec) -> None:
    """The files are reused; the answer of the previous case must not remain in them."""
    for text in (b"the first, and it is longer", b"second"):
        with opened(spec) as (_, stdout, _stderr):
            os.write(stdout, text)

    assert spec.stdout.read_bytes() == b"second"
    assert spec.stderr.read_bytes() == b""


def test_output_is_readable_by_the_worker_only(spec: RunSpec) -> None:
    """A user of the box has the descriptor but cannot open the file."""
    with opened(spec):
        assert spec.stdout.stat().st_mode & 0o777 == 0o600
        assert spec.stderr.stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed_for_output(spec: RunSpec, tmp_path: Path) -> None:
    """Although others cannot create one in that directory."""
    target = tmp_path / "target"
    target.write_bytes(b"kept")
    spec.stdout.symlink_to(target)

    with pytest.raises(SandboxError, match="cannot be opened"), opened(spec):
        pass

    assert target.read_bytes() == b"kept"


def test_a_stored_file_appears_complete(tmp_path: Path) -> None:
    """A fork server that polls for its program must not read a partial file."""
    with copied_into(tmp_path, "solution.py") as file:
        file.write(b"print(1)\n")
        assert not (tmp_path / "solution.py").exists()

    assert (tmp_path / "solution.py").read_bytes() == b"print(1)\n"
    assert [path.name for path in tmp_path.iterdir()] == ["solution.py"]


def test_a_stored_file_is_never_overwritten(tmp_path: Path) -> None:
    """The existing file may have been checked or be running."""
    (tmp_path / "solution.py").write_bytes(b"first")

    with (
        pytest.raises(SandboxError, match="exists"),
        copied_into(tmp_path, "solution.py") as file,
    ):
        file.write(b"second")

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]
