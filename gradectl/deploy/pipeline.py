"""Runs the steps of a deployment in order, with their durations; a failure says how to resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradectl.deploy.deploy_report import DeployReport, document
from gradectl.deploy.steps import STEPS, State, StepResult, following
from gradectl.errors import EndingError
from gradectl.ui import Ui
from grader.errors import GraderError

#: Runs one step; returns its outcome in a few words.
Work = Callable[[], str]


class Pipeline:
    """
    One run of `gradectl deploy`.

    Args:
        ui: The terminal; each event is also one line of JSON with --output json.
        deployment: Environment, account and region, by their names in documents.
        work: What each step does, by its name.
        dry_run: Whether nothing is changed.
    """

    def __init__(
        self, ui: Ui, deployment: Mapping[str, str], work: Mapping[str, Work], *, dry_run: bool
    ) -> None:
        self._ui = ui
        self._deployment = deployment
        self._name = deployment["environment"]
        self._work = work
        self._dry_run = dry_run
        self._results: list[StepResult] = []
        self._started = 0.0

    def run(self, chosen: Sequence[str], on_report: Callable[[DeployReport], None]) -> DeployReport:
        """
        Run the chosen steps.

        Args:
            chosen: Their names, in order.
            on_report: Called with the report, also when a step fails.

        Raises:
            EndingError: A step failed; the error names it and the command that resumes.
        """
        self._started = time.monotonic()
        try:
            self._event("started", steps=list(chosen))
            for number, name in enumerate(chosen, start=1):
                self._step(number, name, chosen)
        except (EndingError, GraderError) as error:  # a signal may also come between two steps
            for name in chosen[len(self._results) :][:1]:
                self._fail(name, error)
            raise
        finally:
            report = self._report(chosen)
            self._event("finished", report=document(report))
            on_report(report)
        return report

    def _step(self, number: int, name: str, chosen: Sequence[str]) -> None:
        """Run one step and record its result."""
        self._ui.say(f"\n[{number}/{len(chosen)}] {name}: {STEPS[name]}", "bold")
        self._event("step-started", step=name, purpose=STEPS[name])
        detail = self._work[name]()
        result = StepResult(name, State.DONE, time.monotonic() - self._started, detail)
        self._finish(result)
        after = following(name, chosen)
        coming = f"; next: {after}" if after else ""
        self._ui.say(f"{name} done in {result.seconds:.1f} s: {detail}{coming}", "green")

    def _fail(self, name: str, error: EndingError | GraderError) -> None:
        """Record the failure of a step; the error names the step and how to resume."""
        self._finish(StepResult(name, State.FAILED, time.monotonic() - self._started, error.what))
        error.what = f"step {name} failed: {error.what}"
        resume = f"then: {self._resume(name)}"
        error.next_step = f"{error.next_step}\n{resume}" if error.next_step else resume

    def _finish(self, result: StepResult) -> None:
        """Record a result."""
        self._results.append(result)
        self._started = time.monotonic()
        self._event(
            "step-finished",
            step=result.name,
            state=result.state.value,
            seconds=round(result.seconds, 3),
            detail=result.detail,
        )

    def _report(self, chosen: Sequence[str]) -> DeployReport:
        """The report of the results so far; the remaining steps were not reached."""
        reached = len(self._results)
        rest = [StepResult(name, State.NOT_REACHED) for name in chosen[reached:]]
        results = [*self._results, *rest]
        missing = next((each.name for each in results if each.state is not State.DONE), None)
        if missing:
            next_step = self._resume(missing)
        elif self._dry_run:
            next_step = f"gradectl deploy {self._name}"
        else:
            next_step = f"gradectl queue list -e {self._name}"
        return DeployReport(self._deployment, results, self._dry_run, next_step)

    def _resume(self, step: str) -> str:
        """The command that continues with a step."""
        return f"gradectl deploy {self._name} --from {step}"

    def _event(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - values of a JSON document
        """Write an event for programs."""
        self._ui.stream("deploy-event", {"event": event, **self._deployment, **fields})
