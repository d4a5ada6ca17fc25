"""The worker's attacks on its own sandbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import SelfTestError
from grader.sandbox import Box
from grader.sandbox.runs import RunOutcome, RunSpec, StopReason
from grader.sandbox.selftest import run_self_test

pytestmark = pytest.mark.engine


class BoxThatAllowsFiles(Box):
    """A sandbox whose policy was built wrongly."""

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run with the compilers' policy."""
        return super().run(replace(spec, policy="compile"))


class BoxWithoutWatch(Box):
    """A sandbox whose launcher does not say that it ended a program."""

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run, and forget the reason."""
        return replace(super().run(spec), reason=StopReason.ENDED)


def test_a_sandbox_that_holds_passes_and_is_clean(launcher: Path) -> None:
    """It is quiet, and nothing of the attacks is left."""
    with Box.claim(launcher) as box:
        run_self_test(box)

        assert box.survivors() == []
        assert list((box.directory / "build").iterdir()) == []


def test_each_attack_that_works_is_named(launcher: Path) -> None:
    """Whoever reads the log learns what to look for, and the worker does not go on."""
    with (
        BoxThatAllowsFiles.claim(launcher) as box,
        pytest.raises(SelfTestError, match="does not prevent: leaving a file behind") as error,
    ):
        run_self_test(box)

    assert error.value.exit_code == 4


def test_a_program_that_nobody_ended_is_an_attack_that_worked(launcher: Path) -> None:
    """A limit that is not enforced must not be taken for a program that behaved."""
    with (
        BoxWithoutWatch.claim(launcher) as box,
        pytest.raises(SelfTestError, match="an endless loop, an endless sleep, memory outside"),
    ):
        run_self_test(box)
