"""
A second try for tests on real engines, failures printed when they happen, and the slowest tests.

A test marked `engine` or `stack` runs again once when it fails. Each second try is printed with its
first failure at the end of the run. More than `MAX_SECOND_TRIES` of them fail the run; a process
that has given so many repeats no further test.
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
    """Report in one process: with xdist that is none of those with tests."""
    config.pluginmanager.register(Tries(), "second-tries-limit")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Report(config), "second-tries-report")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pytest-rerunfailures repeat tests on real engines, and no others."""
    for item in items:
        if any(item.get_closest_marker(name) for name in MARKERS):
            item.add_marker(pytest.mark.flaky(reruns=1))


@dataclass(eq=False)  # a plug-in is looked up by its hash
class Tries:
    """Gives no second tries in a run that has failed: without its engine each may take minutes."""

    given: int = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the second tries of this process."""
        self.given += report.outcome == "rerun"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Take the marker of pytest-rerunfailures from a test that is about to start."""
        if self.given > MAX_SECOND_TRIES:
            item.own_markers[:] = [mark for mark in item.own_markers if mark.name != "flaky"]


@dataclass(eq=False)
class Report:
    """Prints failures when they happen, and second tries and durations at the end."""

    config: pytest.Config
    first_failures: list[pytest.TestReport] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add set-up, call and tear-down of each test; print a failure: the run may be ended."""
        self.seconds[report.nodeid] += report.duration  # type: ignore[assignment]  # counts seconds
        if report.outcome == "rerun":
            self.first_failures.append(report)
        if report.outcome in ("rerun", "failed"):
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = str(crash.message if crash else report.longreprtext).strip() or "no message"
            self._print(f"\n{report.outcome} {report.nodeid}: {reason.splitlines()[0]}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run with too many second tries."""
        if len(self.first_failures) > MAX_SECOND_TRIES and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _print(self, line: str) -> None:
        terminal: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line(line)

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
