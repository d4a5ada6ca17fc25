"""The self-test: attacks of the worker on its own sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sandboxes import BoxOnABusyMachine

from grader.errors import SandboxError, SelfTestError
from grader.sandbox import Box
from grader.sandbox.runs import RunOutcome, RunSpec, StopReason
from grader.sandbox.selftest import run_self_test

pytestmark = pytest.mark.engine


class BoxThatAllowsFiles(Box):
    """A sandbox with a wrong policy."""

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run with the policy of compilers."""
        return super().run(replace(spec, policy="compile"))


class BoxWithoutWatch(Box):
    """A sandbox whose launcher does not report limits."""

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run, and drop the reason."""
        return replace(super().run(spec), reason=StopReason.ENDED)


def test_a_sandbox_that_holds_passes_and_is_clean(launcher: Path) -> None:
    """No process or file of the attacks is left."""
    with Box.claim(launcher) as box:
        run_self_test(box)

        assert box.survivors() == []
        assert list((box.directory / "build").iterdir()) == []


def test_each_successful_attack_is_named(launcher: Path) -> None:
    """The error has the names, and its exit code ends the worker."""
    with (
        BoxThatAllowsFiles.claim(launcher) as box,
        pytest.raises(SelfTestError, match="does not prevent: leaving a file behind") as error,
    ):
        run_self_test(box)

    assert error.value.exit_code == 4


def test_a_limit_that_is_not_enforced_is_a_successful_attack(launcher: Path) -> None:
    """Otherwise it would look like a program within its limits."""
    with (
        BoxWithoutWatch.claim(launcher) as box,
        pytest.raises(SelfTestError, match="an endless loop, an endless sleep, memory outside"),
    ):
        run_self_test(box)


def test_a_run_that_fails_because_of_the_machine_is_tried_again(launcher: Path) -> None:
    """Twice; what fails each time is an error, and no attack that the sandbox prevents."""
    with BoxOnABusyMachine.claim(launcher) as box:
        run_self_test(box)
        assert not box.failures
        box.failures = 3
        with pytest.raises(SandboxError, match="not by the program"):
            run_self_test(box)
