"""The last runs of functions, as a worker knows them."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from structlog.testing import CapturingLogger

from grader.errors import TemporaryError
from grader.functions.history import RecentPeaks

LOG = structlog.wrap_logger(CapturingLogger(), processors=[])


class Table:
    """A table of jobs that counts how often it is read."""

    def __init__(self, peaks: Sequence[int]) -> None:
        """Answer with these peaks."""
        self.peaks = peaks
        self.reads = 0
        self.is_away = False

    def peaks_mb(self, function_id: str, most: int) -> Sequence[int]:
        """Read them."""
        self.reads += 1
        if self.is_away:
            raise TemporaryError(f"away: {function_id}")
        return self.peaks[:most]


def test_the_runs_of_all_workers_count_and_the_table_is_read_every_thirty_seconds() -> None:
    """Between two readings the runs of this worker are added."""
    table, seconds = Table([7] * 30), [0.0]
    peaks = RecentPeaks(table, LOG, lambda: seconds[0])

    assert peaks.add("hello", 5) == [5] + [7] * 19
    seconds[0] = 30.0
    assert peaks.add("hello", 6)[:3] == [6, 5, 7]
    assert table.reads == 1
    seconds[0] = 31.0
    assert peaks.add("hello", 9) == [9] + [7] * 19
    assert table.reads == 2


def test_a_run_does_not_depend_on_the_table() -> None:
    """While the database is away, the runs of this worker count; it is not asked at each run."""
    table, seconds = Table([7]), [0.0]
    peaks = RecentPeaks(table, LOG, lambda: seconds[0])
    peaks.add("hello", 5)
    table.is_away = True
    seconds[0] = 31.0

    assert peaks.add("hello", 6) == [6, 5, 7]
    assert peaks.add("hello", 8) == [8, 6, 5, 7]
    assert table.reads == 2


def test_without_a_table_only_the_runs_of_this_worker_count() -> None:
    """As in tests of handlers; functions are apart."""
    peaks = RecentPeaks(None, LOG)

    assert peaks.add("hello", 5) == [5]
    assert peaks.add("other", 6) == [6]
    assert peaks.add("hello", 7) == [7, 5]
