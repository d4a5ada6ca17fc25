"""
A second try for tests on real engines, and the table of the slowest tests.

A test marked `engine` or `stack` runs again once when it fails. Each second try is printed with its
first failure at the end of the run, and more than `MAX_SECOND_TRIES` of them fail the run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

MAX_SECOND_TRIES = 3
SLOWEST = 20
MARKERS = ("engine", "stack")


def pytest_configure(config: pytest.Config) -> None:
    """Count in the process that reports: with xdist that is none of the workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(), "second-tries-report")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pytest-rerunfailures repeat tests on real engines, and no others."""
    for item in items:
        if any(item.get_closest_marker(name) for name in MARKERS):
            item.add_marker(pytest.mark.flaky(reruns=1))


@dataclass(eq=False)  # a plug-in is looked up by its hash
class Report:
    """Collects second tries and durations, and prints both at the end."""

    first_failures: list[pytest.TestReport] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add set-up, call and tear-down of each test."""
        self.seconds[report.nodeid] += report.duration  # type: ignore[assignment]  # counts seconds
        if report.outcome == "rerun":
            self.first_failures.append(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run with too many second tries."""
        if len(self.first_failures) > MAX_SECOND_TRIES and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the slowest tests, then each second try with its first failure."""
        terminalreporter.section(f"{SLOWEST} slowest tests (set-up, call and tear-down)")
        for name, seconds in self.seconds.most_common(SLOWEST):
            terminalreporter.line(f"{seconds:8.1f} s  {name}")
        if not self.first_failures:
            return
        found = len(self.first_failures)
        terminalreporter.section(f"{found} second tries; more than {MAX_SECOND_TRIES} fail the run")
        for report in self.first_failures:
            terminalreporter.section(report.nodeid, sep="-")
            terminalreporter.line(report.longreprtext)
