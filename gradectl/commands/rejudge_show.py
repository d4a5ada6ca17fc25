"""`gradectl rejudge show` and `list`."""

from __future__ import annotations

from typing import Any

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.commands.rejudge_options import name_argument
from gradectl.context import pass_context
from gradectl.job_table import finished_jobs_of
from gradectl.options import command
from gradectl.rejudging.comparison import HELD_BACK, WAITING, Comparison, Outcome
from gradectl.rejudging.results import compare
from gradectl.rejudging.state_file import StateFile, open_state, rejudging_names, state_folder
from gradectl.target import select_environment
from gradectl.ui import Table
from grader.contract.rejudging import rejudging_user

_SHOWN = 50


@command("show", epilog="Example: gradectl rejudge show sum-again")
@name_argument
@environment_option
@pass_context(CloudContext)
def show(app: CloudContext, name: str, *, environment: str | None) -> None:
    """
    Show what the rejudging NAME would change.

    The table counts submissions by old result (down) and new result (across). The submissions whose
    verdict or score differs are listed below it.
    """
    target = select_environment(app, environment)
    folder = state_folder(app.project_root, target.name)
    with open_state(folder, name) as state, finished_jobs_of(target) as jobs:
        comparison = compare(jobs, state)
        document = {
            "environment": target.name,
            "name": name,
            "state": state.state,
            "given": state.header["given"],
            **_document(comparison, state),
        }
        app.ui.emit("rejudge-show", document, _table(comparison, state, target.name))
    if state.state == "grading":
        app.ui.say("not complete: repeat the gradectl rejudge start command to go on")
    elif state.state == "graded":
        app.ui.say(f"next: gradectl rejudge accept -e {target.name} {name}, or discard")


@command("list", epilog="Example: gradectl rejudge list")
@environment_option
@pass_context(CloudContext)
def list_rejudgings(app: CloudContext, *, environment: str | None) -> None:
    """
    List the rejudgings of this machine, and others whose results are in the database.

    The file of a rejudging of this machine is in .gradectl/rejudgings/.
    """
    target = select_environment(app, environment)
    folder = state_folder(app.project_root, target.name)
    found: list[dict[str, Any]] = []
    for name in rejudging_names(folder):
        with open_state(folder, name) as state:
            found.append(
                {
                    "name": name,
                    "state": state.state,
                    "selected": state.selected_count,
                    "started_at": state.header["started_at"],
                    "given": state.header["given"],
                }
            )
    prefix = rejudging_user("")
    with finished_jobs_of(target) as jobs:
        stored = [each.removeprefix(prefix) for each in jobs.users(prefix)]
    known = {each["name"] for each in found}
    found += [
        {"name": name, "state": "no file here", "selected": None, "started_at": None, "given": {}}
        for name in stored
        if name not in known
    ]
    rows = [
        [each["name"], each["state"], each["selected"], each["started_at"], _text(each["given"])]
        for each in found
    ]
    table = Table(
        ("name", "state", "submissions", "started", "conditions"),
        [["" if cell is None else cell for cell in row] for row in rows],
        f"{len(found)} rejudgings of {target.name}",
    )
    app.ui.emit("rejudge-list", {"environment": target.name, "rejudgings": found}, table)


def _text(given: dict[str, Any]) -> str:
    """Conditions in one line."""
    parts = (
        f"{key}: {', '.join(value) if isinstance(value, list) else value}"
        for key, value in given.items()
    )
    return "; ".join(parts)


def _table(comparison: Comparison, state: StateFile, environment: str) -> Table:
    """Old results down, new ones across, and the changes below."""
    columns, rows = comparison.matrix()
    title = (
        f"rejudging {state.name} of {environment}: {comparison.graded} of {comparison.total}"
        f" graded again, {len(comparison.changes)} would change"
    )
    if state.state == "accepted":
        title = title.replace("would change", "changed")
    if comparison.failures:
        title += f", {len(comparison.failures)} failed"
    lines = [
        f"{each.job.request_id}  {each.job.user_id}  {each.old} -> {each.new}"
        for each in comparison.changes[:_SHOWN]
    ]
    if len(comparison.changes) > _SHOWN:
        lines.append(f"and {len(comparison.changes) - _SHOWN} more; --output json has all")
    notes = {**comparison.held_back, **comparison.failures, **state.kept}
    lines += [f"{request_id}: {why}" for request_id, why in list(notes.items())[:_SHOWN]]
    return Table(columns, rows, title, "\n".join(lines))


def _document(comparison: Comparison, state: StateFile) -> dict[str, Any]:
    """The same for programs."""
    return {
        "selected": comparison.total,
        "graded": comparison.graded,
        "waiting": comparison.count(WAITING),
        "held_back": comparison.count(HELD_BACK),
        "failed": len(comparison.failures),
        "counts": [
            {"old": old, "new": new, "count": count}
            for (old, new), count in sorted(comparison.counts.items())
        ],
        "changes": [
            {
                "request_id": each.job.request_id,
                "user_id": each.job.user_id,
                "problem_id": each.job.problem_id,
                "old": _outcome(each.old),
                "new": _outcome(each.new),
            }
            for each in comparison.changes
        ],
        "reasons": [
            {"request_id": request_id, "why": why}
            for request_id, why in {
                **comparison.held_back,
                **comparison.failures,
                **state.kept,
            }.items()
        ],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"result": outcome.name, "score": outcome.score}
