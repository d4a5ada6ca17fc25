"""`gradectl transport switch`."""

from __future__ import annotations

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import (
    allow_loss_option,
    confirm_option,
    environment_argument,
    lock_timeout_option,
)
from gradectl.context import pass_context
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, EndingError, ExitCode
from gradectl.options import command
from gradectl.planning.review import deployment_id
from gradectl.transports.declaring import by_hand, declare
from gradectl.transports.state import Step, declared_by, purpose, title
from gradectl.transports.switching import Found, Outcome, Switch, SwitchOptions, find
from gradectl.ui import Table
from grader.contract.names import TransportName
from grader.errors import GraderError

#: Programs look once a minute which transport is active.
_QUIET_SECONDS = 120.0
_QUIET_SECONDS_LOCALLY = 5.0
_STEPS = click.Choice([step.value for step in Step])


@command("switch", epilog="Example: gradectl transport switch dev --to sqs")
@environment_argument
@click.option(
    "--to",
    "to_name",
    required=True,
    type=click.Choice([name.value for name in TransportName]),
    help="Transport to change to.",
)
@click.option("--until", type=_STEPS, metavar="STEP", help="End with this step.")
@click.option(
    "--apply/--no-apply",
    "applies",
    default=True,
    show_default=True,
    help="--no-apply only writes the files, for a pipeline that applies them.",
)
@confirm_option
@allow_loss_option
@click.option(
    "--quiet",
    "quiet_seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long the old transport must stay empty and without a new request before it is turned"
    f" off; default: {_QUIET_SECONDS:.0f}, in a local stack {_QUIET_SECONDS_LOCALLY:.0f}.",
)
@click.option(
    "--drain",
    "drain_seconds",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for that.",
)
@lock_timeout_option
@pass_context(CloudContext)
def switch(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    to_name: str,
    until: str | None,
    applies: bool,
    confirm: str | None,
    allow_loss: tuple[str, ...],
    quiet_seconds: float | None,
    drain_seconds: float,
    lock_timeout: int,
) -> int:
    """
    Change a running environment to another transport, without losing a message.

    The steps are: prepare (apply with both transports: workers consume both), change (apply: new
    requests go to the new one), drain (wait until the old one is empty and no program sends to it),
    off (apply without it). Results and dead letters that are left in the old transport are moved to
    the new one; each is in the journal in .gradectl/queues/ first. An interruption may repeat a
    message, but never loses one. The same command resumes a change, and with the other transport
    takes it back.

    It writes use_sqs_queue and drain_other_transport to environment.yaml, renders the environment
    and shows the changed lines. Each apply is confirmed as that of gradectl apply; the deletion of
    the broker or of the queues needs the name of the environment. With --no-apply it stops with
    exit code 3 when a pipeline has to apply the files, and continues when run again after that.
    """
    to, last = TransportName(to_name), Step(until) if until else Step.OFF
    found, state, steps = _prepare(app, environment, to, last, applies=applies)
    usual = _QUIET_SECONDS_LOCALLY if found.emulated else _QUIET_SECONDS
    quiet = usual if quiet_seconds is None else quiet_seconds
    options = SwitchOptions(to, applies, confirm, allow_loss, quiet, drain_seconds, lock_timeout)
    run = Switch(app, found, options)
    if not steps or app.options.dry_run:
        return _emit(app, found, state, steps, run)
    app.ui.confirm(f"Change {environment} to {title(to)}, by the steps {', '.join(steps)}?")
    try:
        run.run(steps)
    except (EndingError, GraderError) as error:
        error.next_step = "\n".join(filter(None, [error.next_step, f"resume: {run.command}"]))
        raise
    return _emit(app, found, state, steps, run)


def _prepare(
    app: CloudContext, name: str, to: TransportName, last: Step, *, applies: bool
) -> tuple[Environment, Found, tuple[Step, ...]]:
    """
    Read the state, and show the steps that are due.

    Raises:
        ConfigurationError: The environment was not applied.
        RefusedError: Another project has its Terraform, and --no-apply is missing.
    """
    environment = app.environment(name)
    if applies or not environment.external:
        environment = app.declared_environment(name)
    app.announce(environment)
    state = find(app, environment, to)
    if state.deployed.active is None:
        text = "the environment has no transport yet"
        raise ConfigurationError(
            text,
            where=name,
            next_step=f"set {by_hand(declared_by(Step.OFF, to))} in environment.yaml, then:"
            f" gradectl deploy {name}",
        )
    order = list(Step)
    steps = tuple(step for step in state.due(to) if order.index(step) <= order.index(last))
    rows = [(step, purpose(step, to)) for step in steps]
    app.ui.say_table(Table(("step", "what it does"), rows, f"{name}: {state.deployed}"))
    return environment, state, steps


def _emit(
    app: CloudContext, environment: Environment, state: Found, steps: tuple[Step, ...], run: Switch
) -> int:
    """Write what was done, and return the exit code."""
    outcome, dry_run = run.outcome, app.options.dry_run
    if dry_run and steps:
        _show_lines(app, environment, steps[0], run)
    due = state.due(run.to)
    left = [step for step in due if step not in outcome.done]
    next_step = _next_step(environment, outcome, left, run)
    document = {
        **deployment_id(environment),
        "to": run.to,
        "dry_run": dry_run,
        "steps": [
            {
                "step": step,
                "purpose": purpose(step, run.to),
                "state": "done" if step in outcome.done else "due",
            }
            for step in due
        ],
        "moved": dict(outcome.moved),
        "arrived": outcome.drained.arrived if outcome.drained else {},
        "journals": outcome.journals,
        "files": outcome.files,
        "next": next_step,
    }
    app.ui.emit("transport-switch", document, Table((), (), _headline(environment, left, run)))
    if next_step:
        app.ui.say(f"next: {next_step}")
    return ExitCode.PARTLY_DONE if outcome.left_to_pipeline else ExitCode.OK


def _headline(environment: Environment, left: list[Step], run: Switch) -> str:
    """What became of the change, in one line."""
    if not left:
        return f"{environment.name} uses {title(run.to)} alone"
    done = ", ".join(run.outcome.done) or "nothing"
    return f"{environment.name}: {done} done, due: {', '.join(left)}"


def _next_step(environment: Environment, outcome: Outcome, left: list[Step], run: Switch) -> str:
    """The next command."""
    if outcome.left_to_pipeline:
        files = ", ".join(outcome.files) or "the variables"
        return f"let your pipeline apply {files}, then: {run.command} --no-apply"
    if left:
        return run.command
    return f"gradectl smoke {environment.name}" if outcome.done else ""


def _show_lines(app: CloudContext, environment: Environment, step: Step, run: Switch) -> None:
    """Show the lines that the first step would change."""
    if step is Step.DRAIN:
        return
    declared = declared_by(step, run.to)
    if environment.external:
        app.ui.say(f"in the environment's own Terraform: {by_hand(declared)}")
        return
    for line in declare(app.project_root, environment.name, declared).diff():
        app.ui.say(line)
    app.ui.say("dry run: nothing was changed")
