"""`gradectl revisions`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, service_option
from gradectl.context import pass_context
from gradectl.monitoring.names import WORKERS, ResourceNames, service_names
from gradectl.options import command
from gradectl.rollouts.revisions import RevisionState, revision_states
from gradectl.target import select_environment
from gradectl.ui import Table

_COLUMNS = ("revision", "state", "image", "registered", "by", "deployed")


@command("revisions", epilog="Example: gradectl revisions production --limit 5")
@environment_argument
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=100),
    default=20,
    show_default=True,
    metavar="N",
    help="Show the latest N.",
)
@service_option
@pass_context(CloudContext)
def revisions(app: CloudContext, environment: str, limit: int, *, service: str) -> None:
    """
    List the revisions of the workers or of the HTTP API, newest first.

    Each with its image, who registered it and when, and its state: running, starting, good (a
    deployment of it completed), failed (none of its deployments did), or empty when ECS, which
    keeps deployments for 90 days, knows none.
    """
    target = select_environment(app, environment)
    cluster = ResourceNames.of(target.environment).cluster
    names = service_names(target.environment, service)
    services = target.aws.services
    found = services.revisions(names.task_family, names.container, limit)
    running = services.find(cluster, names.service)
    history = services.history(cluster, names.service, names.container) if running else ()
    states = revision_states(found, running, history)
    document = {"environment": target.name, "revisions": [_document(each) for each in states]}
    title = f"revisions of {names.task_family}"
    if not states:
        title = f"no revision of {names.task_family}; gradectl apply {target.name} registers one"
    app.ui.emit("revisions", document, Table(_COLUMNS, [_row(each) for each in states], title))
    if service == WORKERS and any(each.state == "good" for each in states):
        app.ui.say(f"next: gradectl rollback {target.name} REVISION")


def _document(state: RevisionState) -> dict[str, Any]:
    revision = state.revision
    return {
        "revision": revision.number,
        "name": revision.name,
        "state": state.state,
        "image": state.image,
        "registered_at": _iso(revision.registered_at),
        "registered_by": revision.registered_by,
        "deployed_at": _iso(state.deployed_at),
    }


def _row(state: RevisionState) -> list[object]:
    revision = state.revision
    return [
        *(revision.number, state.state or "-", state.image, _minute(revision.registered_at)),
        *(revision.registered_by.rpartition(":")[2] or "-", _minute(state.deployed_at)),
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
