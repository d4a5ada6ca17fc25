"""A canary keeps its times, and says what it left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

import pytest

from gradectl.commands.smoke_canary import make_schedule
from gradectl.errors import UsageError
from gradectl.smoke.canary import CanaryRun, Schedule, repeat
from gradectl.smoke.report import SEND, DeadLetters, Hop, ProbeResult, SmokeReport

AT = datetime(2026, 11, 30, 9, 30, tzinfo=timezone(timedelta(hours=9)))


class Clock:
    """A clock that only waiting and running move."""

    def __init__(self) -> None:
        self.now = 100.0
        self.begins: list[float] = []

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def run_for(self, *durations: float) -> CanaryRun:
        """Make a run that takes the next of these durations, and then none."""
        self.begins.append(self.now - 100.0)
        at = len(self.begins) - 1
        self.advance(durations[at] if at < len(durations) else 0.0)
        return CanaryRun(AT, True, 1.0)


def test_runs_begin_at_fixed_times_until_the_end() -> None:
    """The duration of a run does not shift the next; none begins at the end."""
    clock = Clock()
    schedule = Schedule(every=10.0, until=40.0)

    runs = list(repeat(lambda: clock.run_for(3.0, 4.0), schedule, lambda: clock.now, clock.advance))

    assert clock.begins == [0.0, 10.0, 20.0, 30.0]
    assert {run.left_out for run in runs} == {0}


def test_a_long_run_leaves_out_the_times_that_it_covers() -> None:
    """Runs do not pile up, also without an end."""
    clock = Clock()
    runs = repeat(lambda: clock.run_for(35.0), Schedule(10.0), lambda: clock.now, clock.advance)

    assert [run.left_out for run in islice(runs, 3)] == [3, 0, 0]
    assert clock.begins == [0.0, 40.0, 50.0]


def test_a_run_is_one_line() -> None:
    """With its time, its result and the hop that failed."""
    hops = (Hop(SEND, 12.4),)
    good = ProbeResult("q", "smoke-1", hops, "message")
    bad = ProbeResult("q", "smoke-2", hops, failed_hop=SEND, reason="no\nqueue")
    at = datetime(2026, 11, 30, 0, 5, tzinfo=UTC)

    passed, failed = (
        CanaryRun.of(SmokeReport("smoke", (probe,), DeadLetters(0, 0)), at, 99.0)
        for probe in (good, bad)
    )

    assert str(passed) == "2026-11-30T00:05:00Z  ok          12 ms"
    assert str(failed) == "2026-11-30T00:05:00Z  FAILED      99 ms  q: hop 'send' failed: no queue"
    assert (failed.hop, failed.passed) == (SEND, False)


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        (None, None),
        ("2h", 7200),
        ("18:00", 8.5 * 3600),
        ("09:00", 23.5 * 3600),  # tomorrow
        ("2026-11-30T10:00", 1800),
        ("2026-11-30T01:00Z", 1800),
    ],
)
def test_the_end_is_a_span_or_a_time(until: str | None, seconds: float | None) -> None:
    """A time without an offset is that of the user."""
    assert make_schedule("5m", until, AT) == Schedule(300.0, seconds)


@pytest.mark.parametrize(
    ("every", "until", "where"),
    [
        ("0s", None, "--every"),
        ("often", None, "--every"),
        ("5m", "25:00", "--until"),
        ("5m", "soon", "--until"),
        ("5m", "2026-11-30T09:00", "--until"),
    ],
)
def test_other_values_are_mistakes_in_the_command_line(
    every: str, until: str | None, where: str
) -> None:
    """Also an end that has passed: such a canary would never run."""
    with pytest.raises(UsageError) as error:
        make_schedule(every, until, AT)

    assert error.value.where == where
    assert error.value.next_step
