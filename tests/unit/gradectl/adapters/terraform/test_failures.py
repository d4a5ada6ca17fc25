"""Terraform's errors become one error with the matching exit code."""

from __future__ import annotations

import pytest

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.adapters.terraform.failures import failure, killed


def error(summary: str, detail: str = "", place: str = "") -> Diagnostic:
    return Diagnostic("error", summary, detail, place)


@pytest.mark.parametrize(
    ("diagnostic", "code"),
    [
        (error("Error acquiring the state lock", "Lock Info:\n  ID: abc"), 75),
        (error("Invalid value for variable", "too long", "dev/terraform.tfvars:3"), 78),
        (error("Failed to query available provider packages"), 78),
        (error("Failed to get existing workspaces", "NoSuchBucket: gone"), 78),
        (error("Error", "No valid credential sources found"), 77),
        (error("creating VPC", "api error AccessDenied: no"), 77),
        (error("Error", "dial tcp 127.0.0.1:1: connect: connection refused"), 69),
        (error("creating VPC", "something new"), 1),
    ],
)
def test_a_failure_has_the_matching_exit_code(diagnostic: Diagnostic, code: int) -> None:
    """Scripts distinguish a held lock from an invalid value by the exit code."""
    assert failure([diagnostic], "plan", "unlock").exit_code == code


def test_all_errors_are_reported() -> None:
    """The first one is not always the cause."""
    found = failure([error("First", "a\n  b", "main.tf:1"), error("Second")], "apply", "unlock")

    assert found.what == "First: a b\nSecond"
    assert found.where == "main.tf:1"


def test_a_lock_comes_with_the_command_that_releases_it() -> None:
    """After the advice to wait."""
    lock = error("Error acquiring the state lock", "Lock Info:\n  ID:   abc\n  Who:  me@here\n")

    found = failure([lock], "plan", "gradectl recover dev --lock")

    assert "me@here" in found.what
    assert found.next_step.endswith("gradectl recover dev --lock abc")


def test_a_failure_without_output_is_an_error() -> None:
    """A crash without a diagnostic still has a next step."""
    assert "TF_LOG" in failure([], "plan", "unlock").next_step


def test_the_advice_of_terraform_to_push_a_state_by_hand_is_left_out() -> None:
    """`gradectl recover` knows where the state is."""
    reason = error("Failed to save state", "no bucket")
    advice = error("Failed to persist state to backend", "terraform state push errored.tfstate")

    assert failure([reason, advice], "apply", "unlock").what == "Failed to save state: no bucket"


def test_a_killed_terraform_names_the_signal() -> None:
    """The kernel kills it when memory is short."""
    assert "killed by SIGKILL" in killed("apply", -9).what
