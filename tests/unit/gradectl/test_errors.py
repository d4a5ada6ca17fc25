"""Exit codes are a contract with scripts."""

from __future__ import annotations

import signal

import pytest

from gradectl import errors
from gradectl.errors import DeadlineError, ExitCode, GradectlError, StoppedError


def test_exit_codes_never_change() -> None:
    """Pipelines compare with these numbers."""
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "ERROR": 1,
        "CHANGES": 2,
        "PARTLY_DONE": 3,
        "CHECK_FAILED": 4,
        "REFUSED": 5,
        "USAGE": 64,
        "UNREACHABLE": 69,
        "OUTPUT": 74,
        "TRY_AGAIN": 75,
        "NO_PERMISSION": 77,
        "CONFIGURATION": 78,
        "TIMEOUT": 124,
        "INTERRUPTED": 130,
        "OUTPUT_CLOSED": 141,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("GradectlError", 1),
        ("CheckFailedError", 4),
        ("RefusedError", 5),
        ("UsageError", 64),
        ("UnreachableError", 69),
        ("TryAgainError", 75),
        ("PermissionDeniedError", 77),
        ("ConfigurationError", 78),
        ("DeadlineError", 124),
    ],
)
def test_each_error_carries_its_exit_code(name: str, code: int) -> None:
    """No other code maps errors to numbers."""
    assert getattr(errors, name)("what").exit_code == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_has_the_code_of_its_signal(number: int, code: int) -> None:
    """As a shell would report it."""
    assert StoppedError(number).exit_code == code


@pytest.mark.parametrize("ending", [StoppedError(signal.SIGTERM), DeadlineError("over")])
def test_libraries_cannot_catch_a_signal(ending: BaseException) -> None:
    """A signal can interrupt vendor code, which catches `Exception`."""
    assert not isinstance(ending, Exception)


def test_an_error_is_one_line_in_logs() -> None:
    """One line holds all three parts, for logs."""
    error = GradectlError("is wrong", where="file.yaml", next_step="mend it")

    assert str(error) == "file.yaml: is wrong (mend it)"
