"""The steps of a deployment run in order; a failure names its step and how to resume."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gradectl.deploy.deploy_report import DeployReport, document, markdown
from gradectl.deploy.pipeline import Pipeline
from gradectl.deploy.steps import State
from gradectl.errors import EndingError, GradectlError, StoppedError
from gradectl.ui import Ui
from grader.errors import TemporaryError

DEPLOYMENT = {"environment": "dev", "account_id": "123456789012", "region": "eu-west-1"}
CHOSEN = ["plan", "apply", "smoke"]
SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas" / "cli"


def failing(error: BaseException) -> Callable[[], str]:
    def work() -> str:
        raise error

    return work


def run(
    changed: Mapping[str, Callable[[], str]], *, output: str = "table", dry_run: bool = False
) -> tuple[DeployReport, BaseException | None]:
    """Run the steps, some of them replaced; returns the report and the error."""
    reports: list[DeployReport] = []
    work = {name: (lambda name=name: f"{name} is fine") for name in CHOSEN} | dict(changed)
    error: BaseException | None = None
    try:
        Pipeline(Ui(output, {}), DEPLOYMENT, work, dry_run=dry_run).run(CHOSEN, reports.append)
    except (EndingError, TemporaryError) as raised:
        error = raised
    (report,) = reports
    return report, error


def test_all_steps_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line says what comes next."""
    report, error = run({})

    assert (error, report.passed) == (None, True)
    assert [result.name for result in report.results] == CHOSEN
    said = capsys.readouterr().err
    assert "[1/3] plan: compute the changes" in said
    assert "plan is fine; next: apply" in said


@pytest.mark.parametrize(
    "error",
    [
        GradectlError("the broker is gone", next_step="look at it"),
        StoppedError(signal.SIGINT),
        TemporaryError("the bucket is slow"),
    ],
    ids=["gradectl", "signal", "grader"],
)
def test_a_failure_names_the_step_and_the_command_that_resumes(error: Any) -> None:
    """Later steps do not run; the error keeps its own next step."""
    own = error.next_step
    report, raised = run({"apply": failing(error), "smoke": failing(AssertionError("it ran"))})

    assert raised is error
    assert error.what.startswith("step apply failed: ")
    assert error.next_step.startswith(own)
    assert error.next_step.endswith("gradectl deploy dev --from apply")
    assert not report.passed
    assert [result.state for result in report.results] == [
        State.DONE,
        State.FAILED,
        State.NOT_REACHED,
    ]
    assert report.next_step == "gradectl deploy dev --from apply"


@pytest.mark.parametrize("fails", [False, True])
def test_each_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str], fails: bool) -> None:
    """The last one has the whole report; all match the published schema."""
    schema = json.loads((SCHEMAS / "deploy-event.json").read_text())
    check = jsonschema.Draft202012Validator(schema)

    run({"smoke": failing(GradectlError("no\nresult"))} if fails else {}, output="json")

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for event in events:
        check.validate(event)
    finished = ["step-started", "step-finished"] * 3
    assert [event["event"] for event in events] == ["started", *finished, "finished"]
    assert events[-1]["report"]["passed"] is not fails


def test_the_report_has_the_shares_and_the_error() -> None:
    """As a document that matches its schema, and as Markdown whose table cells are escaped."""
    report, _ = run({"apply": failing(GradectlError("one | two\nthree"))})
    schema = json.loads((SCHEMAS / "deploy.json").read_text())
    full = {"schema_version": 1, "kind": "deploy", **document(report)}

    jsonschema.Draft202012Validator(schema).validate(full)
    text = markdown(report)

    assert "### deployment of dev failed at step apply after 0 s" in text
    assert "one \\| two" in text
    assert "```\none | two\nthree\n```" in text
    assert "| smoke | not reached | | | |" in text.replace("  ", " ")


def test_a_dry_run_is_no_deployment() -> None:
    """Neither in the headline nor in the next step."""
    report, _ = run({}, dry_run=True)

    assert report.headline.startswith("dev would be deployed (dry run)")
    assert report.next_step == "gradectl deploy dev"
