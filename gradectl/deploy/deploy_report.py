"""Formats a run of `gradectl deploy`: rows for people, a document for programs, Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.deploy.steps import State, StepResult

COLUMNS = ("step", "result", "seconds", "share", "detail")


@dataclass(frozen=True)
class DeployReport:
    """
    One run.

    Attributes:
        deployment: Environment, account and region, by their names in documents.
        results: The chosen steps, in order.
        dry_run: Whether nothing was changed.
        next_step: The command to continue with.
    """

    deployment: Mapping[str, str]
    results: Sequence[StepResult]
    dry_run: bool = False
    next_step: str = ""

    @property
    def passed(self) -> bool:
        """Whether all chosen steps were done."""
        return all(result.state is State.DONE for result in self.results)

    @property
    def seconds(self) -> float:
        """Duration of all steps together."""
        return sum(result.seconds for result in self.results)

    @property
    def headline(self) -> str:
        """The outcome in one sentence."""
        name = self.deployment["environment"]
        if not self.passed:
            failed = next(each.name for each in self.results if each.state is not State.DONE)
            return f"deployment of {name} failed at step {failed} after {self.seconds:.0f} s"
        verb = "would be deployed (dry run)" if self.dry_run else "deployed"
        return f"{name} {verb} in {self.seconds:.0f} s"


def rows(report: DeployReport) -> list[tuple[str, str, str, str, str]]:
    """One row for each step; the share is its part of the total time."""
    return [_row(result, report.seconds) for result in report.results]


def _row(result: StepResult, total: float) -> tuple[str, str, str, str, str]:
    if result.state is State.NOT_REACHED:
        return (result.name, "not reached", "", "", "")
    share = f"{100 * result.seconds / total:.0f} %" if total else ""
    first_line = result.detail.partition("\n")[0]
    return (result.name, result.state.value, f"{result.seconds:.1f}", share, first_line)


def document(report: DeployReport) -> dict[str, Any]:
    """The document for programs."""
    return {
        **report.deployment,
        "passed": report.passed,
        "dry_run": report.dry_run,
        "seconds": round(report.seconds, 3),
        "steps": [
            {
                "name": result.name,
                "state": result.state.value,
                "seconds": round(result.seconds, 3),
                "detail": result.detail,
            }
            for result in report.results
        ],
        "next_step": report.next_step,
    }


def markdown(report: DeployReport) -> str:
    """Write the run for a job summary or a report."""
    ids = " · ".join(f"{key} `{value}`" for key, value in report.deployment.items())
    lines = [f"### {report.headline}", "", ids, ""]
    lines += [f"| {' | '.join(COLUMNS)} |", "|---|---|---:|---:|---|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows(report)]
    failed = [result for result in report.results if result.state is State.FAILED]
    for result in failed:
        lines += ["", f"**{result.name} failed:**", "", "```", result.detail.strip(), "```"]
    if report.next_step:
        lines += ["", f"Next: `{report.next_step}`"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Escape a text for a Markdown table cell."""
    return text.replace("|", "\\|").replace("\n", " ")
