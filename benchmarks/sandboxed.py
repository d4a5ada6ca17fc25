"""Time that the sandbox adds to a program, of a Python case in it, and of cleaning a box."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from figures import Absent, Aim, Figure, Measured, percentile, timed
from progress import say

from grader.judge.limits import compile_limits
from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec

_RUNS = 300
_KIND_RUNS = 150
_PYTHON_RUNS = 150
_COMPILED = 40
_PROGRAM = "/usr/bin/true"
_PYTHON, _C = find("python"), find("c")
_PYTHON_SOURCE = b"a, b = map(int, input().split())\nprint(a + b)\n"
_LIMITS = RunLimits(
    cpu_ms=1000,
    wall_ms=3000,
    memory_mb=64,
    output_bytes=1 << 16,
    processes=1,
    bound_address_space=True,
)
_OVERHEAD_AIM = Aim(1.2)
_OVERHEAD_AIMS = {50: _OVERHEAD_AIM, 95: Aim(5)}
#: Kinds of programs besides native ones: role, policy and processes at the same time.
_KINDS = {
    "compiler": (Role.COMPILE, "compile", 64),
    "interpreter": (Role.RUN, _PYTHON.policy, _PYTHON.processes),
}
_COLD_AIM, _WARM_AIM = Aim(15), Aim(3)


def measure(launcher: Path) -> Measured:
    """
    Measure the overhead by kind of program, Python cases, and cleaning after a compiler.

    Args:
        launcher: An installed launcher.
    """
    with _runner(launcher) as runner:
        yield from _overhead(runner)
        yield from _overhead_by_kind(runner)
        yield from _python(runner)
        yield "box_clean_ms_p50", _cleaning(runner)


@dataclass(frozen=True)
class _Runner:
    """
    Runs programs in a box.

    Args:
        box: The box.
        directory: Directory of their files.
    """

    box: Box
    directory: Path

    def spec(self, *argv: str) -> RunSpec:
        """Specify a run; its input is two numbers."""
        stdin = self.directory / "stdin"
        stdin.write_bytes(b"20 22\n")
        return RunSpec(
            role=Role.RUN,
            policy="native",
            argv=argv,
            limits=_LIMITS,
            stdin=stdin,
            stdout=self.directory / "stdout",
            stderr=self.directory / "stderr",
        )

    def run(self, spec: RunSpec) -> None:
        """Run a program; exits unless it succeeds."""
        outcome = self.box.run(spec)
        if not outcome.succeeded:
            words = spec.stderr.read_text(errors="replace")
            raise SystemExit(f"the sandbox did not run {spec.argv[0]}: {outcome} {words}")


@contextmanager
def _runner(launcher: Path) -> Iterator[_Runner]:
    with Box.claim(launcher) as box, TemporaryDirectory() as name:
        yield _Runner(box, Path(name))


def _overhead(runner: _Runner) -> Measured:
    """Baseline: `posix_spawn` of the same program; the two take turns."""
    say("sandbox overhead")
    added, baseline = _added_ms(runner, _RUNS, {})
    for percent, aim in _OVERHEAD_AIMS.items():
        value = percentile(added, percent)
        yield f"sandbox_overhead_ms_p{percent}", Figure(value, "ms", baseline, _RUNS, aim)


def _overhead_by_kind(runner: _Runner) -> Measured:
    """Like `_overhead`, with the limits and the policy of a compiler and of an interpreter."""
    for kind, (role, policy, processes) in _KINDS.items():
        say(f"sandbox overhead, policy of {kind}s")
        limits = replace(_LIMITS, processes=processes, bound_address_space=False)
        changes = {"role": role, "policy": policy, "limits": limits}
        added, baseline = _added_ms(runner, _KIND_RUNS, changes)
        figure = Figure(percentile(added, 50), "ms", baseline, _KIND_RUNS, _OVERHEAD_AIM)
        yield f"sandbox_overhead_ms_p50_{kind}", figure


def _added_ms(runner: _Runner, runs: int, changes: Mapping[str, Any]) -> tuple[list[float], float]:
    """Milliseconds that the sandbox added to each run, and the median of the baseline."""

    def ours() -> None:
        runner.run(replace(runner.spec(_PROGRAM), **changes))

    pairs = _turns(runs, ours, _bare)
    added = [1000 * (ours - theirs) for ours, theirs in pairs]
    return added, 1000 * percentile([theirs for _, theirs in pairs], 50)


def _cleaning(runner: _Runner) -> Figure:
    """Baseline: `shutil.rmtree` of a directory with the same source and program."""
    say("cleaning a box after a compiler")
    spec = replace(
        runner.spec(*_C.compile_argv),
        role=Role.COMPILE,
        policy="compile",
        limits=compile_limits(_C),
    )
    copy, source = runner.directory / "copy", _C.self_test.encode()
    ours, theirs = [], []
    for _ in range(_COMPILED):
        runner.box.store(Role.COMPILE, _C.source_name, source)
        runner.run(spec)
        copy.mkdir()
        (copy / _C.source_name).write_bytes(source)
        program = runner.box.collect(Role.COMPILE, _C.program_file, max_bytes=1 << 20)
        (copy / _C.program_file).write_bytes(program)
        ours.append(1000 * timed(runner.box.clean))
        theirs.append(1000 * timed(shutil.rmtree, copy))
    return Figure(percentile(ours, 50), "ms", percentile(theirs, 50), _COMPILED)


def _python(runner: _Runner) -> Measured:
    """Baseline: a bare interpreter that does nothing; they take turns."""
    cold = replace(
        runner.spec(*_PYTHON.run_command(_LIMITS.memory_mb)),
        policy=_PYTHON.policy,
        limits=replace(_LIMITS, processes=_PYTHON.processes),
    )
    runner.box.store(Role.RUN, _PYTHON.source_name, _PYTHON_SOURCE)
    say("a Python program, cold start")
    yield "python_case_ms_cold", _python_figure(runner, cold, _COLD_AIM)
    if not _PYTHON.server_argv:
        yield "python_case_ms_warm", Absent("Python has no fork server")
        return
    warm = replace(cold, server_argv=_PYTHON.server_argv)
    say("a Python program, from the fork server")
    runner.box.warm_up(warm)
    yield "python_case_ms_warm", _python_figure(runner, warm, _WARM_AIM)


def _python_figure(runner: _Runner, spec: RunSpec, aim: Aim) -> Figure:
    bare = ["/usr/bin/python3", "-I", "-c", "pass"]
    pairs = _turns(_PYTHON_RUNS, lambda: runner.run(spec), lambda: subprocess.run(bare, check=True))
    ours, theirs = (1000 * percentile(column, 50) for column in zip(*pairs, strict=True))
    return Figure(ours, "ms", theirs, _PYTHON_RUNS, aim)


def _turns(
    times: int, ours: Callable[[], object], theirs: Callable[[], object]
) -> list[tuple[float, float]]:
    """Seconds of both, taking turns, so that other load affects both."""
    return [(timed(ours), timed(theirs)) for _ in range(times)]


def _bare() -> None:
    os.waitpid(os.posix_spawn(_PROGRAM, [_PROGRAM], {}), 0)
