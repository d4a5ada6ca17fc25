"""`gradectl transport show`."""

from __future__ import annotations

from collections.abc import Sequence

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.environment import Environment
from gradectl.errors import GradectlError
from gradectl.options import command
from gradectl.planning.review import deployment_id
from gradectl.transports.drain import read_counts
from gradectl.transports.draining import Counts
from gradectl.transports.observe import observe
from gradectl.transports.state import Declared, Deployed, Step, purpose, title
from gradectl.transports.switching import Found, declared_by_deployed, open_transport
from gradectl.ui import Table
from grader.contract.names import TransportName
from grader.errors import GraderError

_COLUMNS = ("transport", "queue", "waiting", "in flight", "delayed")


@command("show", epilog="Example: gradectl transport show dev")
@environment_argument
@pass_context(CloudContext)
def show(app: CloudContext, environment: str) -> None:
    """
    Show the transport of an environment, what is left in it, and the next step of a change.

    Nothing is changed and no message is received. The counts of Amazon SQS are approximate.
    """
    found = app.environment(environment)
    app.announce(found)
    deployed = observe(app.aws(found), found)
    counts = {
        name: _counts(app, found, name)
        for name in sorted(deployed.existing, key=lambda name: name is not deployed.active)
    }
    emit_state(app, found, deployed, counts)


def emit_state(
    app: CloudContext,
    environment: Environment,
    deployed: Deployed,
    counts: dict[TransportName, Counts | None],
) -> None:
    """Write the state as data."""
    declared = None if environment.external else Declared.of(environment.variables)
    next_step, due = _next(environment, declared, deployed, counts)
    document = {
        **deployment_id(environment),
        "active": deployed.active,
        "drained": deployed.drained,
        "declared": declared.variables if declared else None,
        "transports": [
            {
                "name": name,
                "queues": None if found is None else _queues(found),
            }
            for name, found in counts.items()
        ],
        "due": [{"step": step, "purpose": text} for step, text in due],
        "next": next_step,
    }
    rows = [
        (name, queue, each.waiting, each.in_flight, each.delayed)
        for name, found in counts.items()
        for queue, each in (found or {}).items()
    ]
    app.ui.emit("transport", document, Table(_COLUMNS, rows, f"{environment.name}: {deployed}"))
    for step, text in due:
        app.ui.say(f"due: {step}: {text}")
    if next_step:
        app.ui.say(f"next: {next_step}")


def _next(
    environment: Environment,
    declared: Declared | None,
    deployed: Deployed,
    counts: dict[TransportName, Counts | None],
) -> tuple[str, Sequence[tuple[Step, str]]]:
    """The next command, and the steps that it has to do."""
    name = environment.name
    if deployed.active is None:
        return f"gradectl deploy {name}", ()
    to = (declared or declared_by_deployed(deployed, deployed.active)).active
    drained = counts.get(deployed.drained) if deployed.drained else None
    left = sum(each.total for each in drained.values()) if drained else None
    due = Found(declared, deployed, left).due(to)
    if not due:
        return "", ()
    steps = [(step, purpose(step, to)) for step in due]
    return f"gradectl transport switch {name} --to {to}", steps


def _counts(app: CloudContext, environment: Environment, name: TransportName) -> Counts | None:
    """Count the messages of a transport; None, with a warning, when it cannot be read."""
    try:
        with open_transport(app, environment, name) as broker:
            return read_counts(broker)
    except (GradectlError, GraderError) as error:
        app.ui.warn(f"the messages in {title(name)} were not counted: {error}")
        return None


def _queues(counts: Counts) -> list[dict[str, object]]:
    """The counts of each queue for programs."""
    return [
        {
            "queue": queue,
            "waiting": each.waiting,
            "in_flight": each.in_flight,
            "delayed": each.delayed,
            "consumers": each.consumers,
        }
        for queue, each in counts.items()
    ]
