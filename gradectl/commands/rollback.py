"""`gradectl rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from gradectl.adapters.aws.ecs_models import EcsService, revision_name
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.commands.smoke import run_smoke
from gradectl.context import pass_context
from gradectl.deploy.release import deployed_by_pipeline
from gradectl.deploy.way_back import keep_image
from gradectl.errors import GradectlError
from gradectl.monitoring.environment_logs import lines_of_failed_workers, open_logs
from gradectl.monitoring.names import ResourceNames
from gradectl.options import command
from gradectl.rollouts.polling import pauses
from gradectl.rollouts.revisions import GOOD, RevisionState, revision_states, rollback_target
from gradectl.rollouts.rollout import Rollout, wait_for
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table

_WAIT_SECONDS = 600.0
_LOG_SECONDS = 30.0
_REVISIONS = 100


@command("rollback", epilog="Example: gradectl rollback production 41")
@environment_argument
@click.argument(
    "revision",
    required=False,
    help="Revision of the task definition; default: the latest good one before the current.",
)
@click.option(
    "--smoke/--no-smoke", default=True, show_default=True, help="Run the smoke test after it."
)
@pass_context(CloudContext)
def rollback(app: CloudContext, environment: str, *, revision: str | None, smoke: bool) -> None:
    """
    Deploy an earlier revision of the workers: their task definition and image.

    It changes only the ECS service, and waits until the deployment has completed. Then release.json
    names the image, so that the next plan keeps it; commit that file. CPU, memory and settings of
    the worker are still those of Terraform. With ecs_ignore_task_definition_changes no file is
    written, because no plan changes the revision. Exit code 5 when no earlier deployment has
    completed.
    """
    target = select_environment(app, environment)
    app.announce(target.environment)
    names = ResourceNames.of(target.environment)
    services = target.aws.services
    service = services.get(names.cluster, names.service)
    found = services.revisions(names.task_family, names.container, _REVISIONS)
    history = services.history(names.cluster, names.service, names.container)
    states = revision_states(found, service, history)
    back = rollback_target(states, service, history, revision, target.name)
    _show(target, service, states, back)
    if app.options.dry_run:
        _emit(target, service, back, (), rolled_back=False)
        return
    app.ui.confirm(f"Deploy {back.revision.name} to {target.name}?")
    started = services.deploy(names.cluster, names.service, back.revision.arn)
    rollout = Rollout(names.cluster, names.service, back.revision.arn, started, target.name)
    logs = open_logs(app, target.environment, target.aws, pauses(_LOG_SECONDS))
    lines = lines_of_failed_workers(logs)
    wait_for(target.aws, app.ui, rollout, _WAIT_SECONDS, last_log_lines=lines)
    written = _keep_image(target, service, back.image)
    _emit(target, service, back, written, rolled_back=True)
    if smoke:
        run_smoke(app, target.name, show=False)
    else:
        app.ui.say(f"next: gradectl smoke {target.name}")


def _show(
    target: EnvironmentClient,
    service: EcsService,
    states: list[RevisionState],
    back: RevisionState,
) -> None:
    """Print what changes."""
    current = revision_name(service.task_definition)
    now = next((each for each in states if each.revision.name == current), None)
    rows = [
        ("task definition", current, back.revision.name),
        ("image", now.image if now else "-", back.image),
        ("cpu", now.revision.cpu if now else "-", back.revision.cpu),
        ("memory", now.revision.memory if now else "-", back.revision.memory),
    ]
    changes = [row for row in rows if row[1] != row[2]]
    ui = target.app.ui
    ui.say_table(Table(("setting", "now", "then"), changes, f"rollback of {service.name}"))
    if back.state != GOOD:
        ui.warn(f"no deployment of {back.revision.name} is known to have completed")
    if service.rollout == "IN_PROGRESS":
        ui.warn(f"this replaces the deployment of {current} that is in progress")


def _keep_image(target: EnvironmentClient, service: EcsService, image: str) -> tuple[str, ...]:
    """Write release.json, or warn that the next apply changes the image; returns the files."""
    ui, root = target.app.ui, target.app.project_root
    if deployed_by_pipeline(target.environment):
        ui.say("no apply changes this, but the next run of your pipeline deploys its image again")
        return ()
    try:
        written = keep_image(root, target.environment, target.aws, image)
    except (GradectlError, OSError) as error:  # the rollback itself has succeeded
        ui.warn(f"release.json was not written: {error}")
        written = None
    if written is None:
        newer = revision_name(service.task_definition)
        ui.warn(f"the next apply deploys {newer} again, unless grading_container_image is {image}")
        return ()
    files = tuple(str(path.relative_to(root)) for path in written)
    if files:
        ui.say(f"the next plan keeps this image; commit {', '.join(files)}")
        ui.say("gradectl deploy builds the worker of this folder again: check out its commit first")
    return files


def _emit(
    target: EnvironmentClient,
    service: EcsService,
    back: RevisionState,
    written: Sequence[str],
    *,
    rolled_back: bool,
) -> None:
    document: dict[str, Any] = {
        "environment": target.name,
        "service": service.name,
        "from": revision_name(service.task_definition),
        "to": back.revision.name,
        "image": back.image,
        "rolled_back": rolled_back,
        "written": list(written),
    }
    title = f"{service.name} runs {back.revision.name}" if rolled_back else "not rolled back"
    target.app.ui.emit("rollback", document, Table((), (), title))
