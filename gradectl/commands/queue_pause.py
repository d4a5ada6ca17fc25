"""`gradectl queue pause` and `resume`."""

from __future__ import annotations

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.errors import ExitCode
from gradectl.monitoring.names import ResourceNames
from gradectl.monitoring.paused import PauseRecord, read_pause
from gradectl.options import command
from gradectl.rollouts.pausing import Pausing
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table


@command("pause", epilog="Example: gradectl queue pause --environment exams")
@environment_option
@pass_context(CloudContext)
def pause(app: CloudContext, *, environment: str | None) -> int:
    """
    Stop grading; requests wait in their queues, and none is lost.

    It suspends the autoscaling of the workers: they finish their running jobs and stop, no others
    start, and new requests are still accepted. Both request queues are paused, because each worker
    takes from both, and ActiveMQ cannot pause a queue for its clients. `gradectl queue list`,
    `status` and `doctor` show since when, and by whom. `gradectl queue resume` starts as many
    workers as before.
    """
    target = select_environment(app, environment)
    pausing = Pausing(target.aws, ResourceNames.of(target.environment))
    before = read_pause(target.aws, target.name)
    app.announce(target.environment)
    if app.options.dry_run:
        app.ui.say("dry run: nothing was changed")
        return _emit(target, before, None, "nothing was changed")
    if before is None:
        app.ui.confirm(f"Stop the workers of {target.name}?")
    record = pausing.pause()
    _emit(target, record, 0, f"{record}; workers finish their running jobs and stop")
    app.ui.say(f"next: gradectl queue resume -e {target.name}")
    return ExitCode.OK


@command("resume", epilog="Example: gradectl queue resume --environment exams")
@environment_option
@pass_context(CloudContext)
def resume(app: CloudContext, *, environment: str | None) -> int:
    """
    Grade again after `gradectl queue pause`.

    It starts as many workers as ran before, within the present bounds of their autoscaling, which
    goes on as well. It does not wait for them.
    """
    target = select_environment(app, environment)
    pausing = Pausing(target.aws, ResourceNames.of(target.environment))
    app.announce(target.environment)
    if app.options.dry_run:
        app.ui.say("dry run: nothing was changed")
        return _emit(target, read_pause(target.aws, target.name), None, "nothing was changed")
    workers = pausing.resume()
    start = "1 worker starts" if workers == 1 else f"{workers} workers start"
    _emit(target, None, workers, f"resumed, {start}")
    app.ui.say(f"next: gradectl status {target.name}")
    return ExitCode.OK


def _emit(
    target: EnvironmentClient, record: PauseRecord | None, workers: int | None, text: str
) -> int:
    """Write whether the workers are paused now."""
    document = {
        "environment": target.name,
        "paused": record is not None,
        "since": record.since if record else None,
        "by": record.by if record else None,
        "workers": workers,
    }
    target.app.ui.emit("queue-pause", document, Table((), (), f"{target.name}: {text}"))
    return ExitCode.OK
