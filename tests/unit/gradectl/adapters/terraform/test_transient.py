"""Only init and plan are repeated, and only after errors that disappear by themselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.locate import Binary
from gradectl.adapters.terraform.root import RootSettings, Terraform
from gradectl.adapters.terraform.transient import is_transient
from gradectl.errors import GradectlError

#: A stand-in for Terraform: counts its runs, and fails as often as it is asked to.
SCRIPT = """
import json, os, pathlib, sys
count = pathlib.Path(os.environ["COUNT"])
run = int(count.read_text()) + 1
count.write_text(str(run))
if run <= int(os.environ["FAILURES"]):
    error = {"severity": "error", "summary": "failed", "detail": os.environ["DETAIL"]}
    print(json.dumps({"type": "diagnostic", "diagnostic": error}))
    sys.exit(1)
"""


def error(detail: str) -> Diagnostic:
    return Diagnostic("error", "reading S3 bucket", detail, "")


@pytest.mark.parametrize(
    "detail",
    [
        "ThrottlingException: Rate exceeded",
        "RequestError: send request failed\ncaused by: Post: read: connection reset by peer",
        "net/http: TLS handshake timeout",
        "StatusCode: 503, SlowDown: please reduce your request rate",
    ],
)
def test_throttling_and_lost_connections_are_transient(detail: str) -> None:
    """A repetition cures them."""
    assert is_transient([error(detail)])


@pytest.mark.parametrize(
    "details",
    [
        [],
        ["AccessDenied: not authorized"],
        ["RequestError: send request failed\ncaused by: dial tcp: connection refused"],
        ["RequestError: send request failed\ncaused by: lookup x: no such host"],
        ["Throttling: Rate exceeded", "Invalid value for variable"],
    ],
)
def test_everything_else_is_not(details: list[str]) -> None:
    """One lasting error among transient ones is enough; an unknown cause is lasting."""
    assert not is_transient([error(detail) for detail in details])


class Runs:
    """A Terraform that fails some times."""

    def __init__(self, folder: Path, failures: int, detail: str) -> None:
        """Prepare the stand-in."""
        self.pauses: list[float] = []
        self._count = folder / "count"
        self._count.write_text("0")
        script = folder / "terraform.py"
        script.write_text(SCRIPT)
        environ = {
            **os.environ,
            "COUNT": str(self._count),
            "FAILURES": str(failures),
            "DETAIL": detail,
        }
        settings = RootSettings(folder, folder, folder / "v", folder / "b", environ)
        binary = Binary((sys.executable, str(script)), "1.11.4")
        self.terraform = Terraform(binary, settings, lambda _event: None, self.pauses.append)

    @property
    def count(self) -> int:
        """How often it ran."""
        return int(self._count.read_text())


@pytest.mark.parametrize(("failures", "runs"), [(0, 1), (1, 2), (2, 3)])
def test_init_is_repeated_with_growing_pauses(tmp_path: Path, failures: int, runs: int) -> None:
    """Up to two times."""
    run = Runs(tmp_path, failures, "Throttling")

    run.terraform.init()

    assert run.count == runs
    assert run.pauses == [2.0, 8.0][:failures]


@pytest.mark.parametrize(("detail", "runs"), [("Throttling", 3), ("AccessDenied", 1)])
def test_the_last_error_is_raised(tmp_path: Path, detail: str, runs: int) -> None:
    """After three attempts, or at once."""
    run = Runs(tmp_path, 9, detail)

    with pytest.raises(GradectlError, match=detail):
        run.terraform.init()

    assert run.count == runs


def test_an_apply_is_never_repeated(tmp_path: Path) -> None:
    """It may have changed something, and its plan is out of date then."""
    run = Runs(tmp_path, 9, "Throttling")

    with pytest.raises(GradectlError):
        run.terraform.apply()

    assert run.count == 1
    assert run.pauses == []
