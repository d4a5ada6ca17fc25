"""From a measurement to a verdict and its reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.verdicts import Fault, Verdict
from grader.judge.verdict import RunFault, compile_error, describe_end, explain, find_fault
from grader.sandbox.runs import RunLimits, RunOutcome, StopReason

LIMITS = RunLimits(
    cpu_ms=1000,
    wall_ms=3000,
    memory_mb=64,
    output_bytes=16 << 20,
    processes=16,
    bound_address_space=True,
)
OUTCOMES = st.builds(
    RunOutcome,
    reason=st.sampled_from(StopReason),
    exit_code=st.integers(0, 255),
    signal=st.integers(0, 64),
    cpu_us=st.integers(0, 2_000_000),
    wall_us=st.integers(0, 4_000_000),
    peak_kb=st.integers(0, 128 << 10),
)


def outcome(
    reason: StopReason = StopReason.ENDED,
    *,
    exit_code: int = 0,
    signal: int = 0,
    cpu_us: int = 1000,
    peak_kb: int = 1000,
) -> RunOutcome:
    return RunOutcome(reason, exit_code, signal, cpu_us, wall_us=3_100_000, peak_kb=peak_kb)


def verdict_of(measured: RunOutcome, *, refused_memory: bool = False) -> Verdict | None:
    found = find_fault(measured, LIMITS, refused_memory=refused_memory)
    return found and found.verdict


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        (StopReason.CPU, Verdict.TIME_LIMIT_EXCEEDED),
        (StopReason.WALL, Verdict.TIME_LIMIT_EXCEEDED),
        (StopReason.MEMORY, Verdict.MEMORY_LIMIT_EXCEEDED),
        (StopReason.OUTPUT, Verdict.OUTPUT_LIMIT_EXCEEDED),
    ],
)
def test_what_the_watchdog_recorded_comes_first(reason: StopReason, verdict: Verdict) -> None:
    """How a program looks after it was ended does not matter any more."""
    ended = outcome(reason, signal=9, cpu_us=9_000_000, peak_kb=1 << 30)

    assert verdict_of(ended, refused_memory=True) is verdict


@pytest.mark.parametrize(
    ("cpu_us", "verdict"), [(1_000_000, None), (1_000_001, Verdict.TIME_LIMIT_EXCEEDED)]
)
def test_the_time_limit_is_exact(cpu_us: int, verdict: Verdict | None) -> None:
    """A microsecond over the limit is over it, also without a stop by the watchdog."""
    assert verdict_of(outcome(cpu_us=cpu_us)) is verdict


@pytest.mark.parametrize(
    ("peak_kb", "verdict"), [(64 << 10, None), ((64 << 10) + 1, Verdict.MEMORY_LIMIT_EXCEEDED)]
)
def test_the_memory_limit_is_exact(peak_kb: int, verdict: Verdict | None) -> None:
    """The peak decides, whether or not the watchdog saw it."""
    assert verdict_of(outcome(peak_kb=peak_kb)) is verdict


def test_a_program_that_was_refused_memory_and_failed_had_too_little() -> None:
    """It is told that memory was short, not that it crashed; one that recovered is fine."""
    failed = outcome(exit_code=1)

    assert find_fault(failed, LIMITS, refused_memory=True) == RunFault(
        Verdict.MEMORY_LIMIT_EXCEEDED, "wanted more memory than the 64 MB allowed"
    )
    assert verdict_of(failed) is Verdict.RUNTIME_ERROR
    assert verdict_of(outcome(), refused_memory=True) is None


@given(measured=OUTCOMES, refused=st.booleans())
def test_only_a_clean_end_leaves_the_verdict_to_the_output(
    measured: RunOutcome, *, refused: bool
) -> None:
    """Whatever was measured, output is looked at only after exit code 0 within all limits."""
    found = find_fault(measured, LIMITS, refused_memory=refused)

    if found is None:
        assert measured.succeeded
        assert measured.cpu_ms <= LIMITS.cpu_ms
        assert measured.peak_mb <= LIMITS.memory_mb
    else:
        assert found.verdict is not Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (outcome(StopReason.CPU, cpu_us=1_012_001), "used 1013 ms of CPU time, 1000 ms allowed"),
        (outcome(cpu_us=1_000_001), "used 1001 ms of CPU time, 1000 ms allowed"),
        (outcome(StopReason.CPU), "used more than the 1000 ms of CPU time allowed"),
        (
            outcome(StopReason.WALL, signal=9),
            "slept or waited: 3.1 s of wall time with 1 ms of CPU time, 3.0 s allowed",
        ),
        (
            outcome(StopReason.MEMORY, peak_kb=(64 << 10) + 1),
            "used 64.1 MB of memory, 64 MB allowed",
        ),
        (outcome(StopReason.MEMORY), "used more than the 64 MB of memory allowed"),
        (outcome(StopReason.OUTPUT), "wrote more than the 16 MB allowed"),
        (outcome(signal=11), "ended by SIGSEGV"),
        (outcome(signal=40), "ended by signal 40"),
        (outcome(exit_code=3), "exit code 3"),
    ],
)
def test_an_end_is_explained_in_words(ended: RunOutcome, words: str) -> None:
    """A person reads what was used and what was allowed, and the name of a signal."""
    assert explain(ended, LIMITS) == words


@given(measured=OUTCOMES)
def test_what_is_over_a_limit_reads_as_over_it(measured: RunOutcome) -> None:
    """Figures are rounded up: never "1000 ms used, 1000 ms allowed: too slow"."""
    found = re.fullmatch(
        r"used ([\d.]+) \w+ of [\w ]+, (\d+) \w+ allowed", explain(measured, LIMITS)
    )

    assert found is None or float(found[1]) > float(found[2])


def test_an_end_alone_is_described_without_limits() -> None:
    """The execution log says of every case how it ended, also when nothing was wrong."""
    assert describe_end(outcome()) == "exit code 0"


def test_a_source_that_does_not_compile_is_its_authors_fault() -> None:
    """No case was run, and how many there would have been is told."""
    grade = compile_error("solution.c:1: error", "does not compile", 3)

    assert (grade.verdict, grade.score, grade.test_results) == (Verdict.COMPILE_ERROR, 0, ())
    assert (grade.fault, grade.reason) == (Fault.SUBMISSION, "does not compile")
    assert (grade.message, grade.cases_total) == ("solution.c:1: error", 3)
