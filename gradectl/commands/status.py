"""`gradectl status`."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import sleep

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.monitoring.observations import Observations
from gradectl.monitoring.observe import Observer
from gradectl.monitoring.status import changes, document, screen
from gradectl.options import command
from gradectl.target import select_environment
from gradectl.ui import SCHEMA_VERSION, Table, Ui


@command("status", epilog="Example: gradectl status local --watch")
@environment_argument
@click.option("--watch", is_flag=True, help="Show changes until Ctrl-C.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="Pause between two looks of --watch.",
)
@pass_context(CloudContext)
def status(app: CloudContext, environment: str, *, watch: bool, interval: float) -> None:
    """
    Show what runs in ENVIRONMENT, what is wrong, and the next command.

    Service with revision and image, broker, database and queues. Where the broker cannot be reached
    from here, the counters of the queues come from CloudWatch. On Amazon SQS there is no broker;
    instead of consumers, which SQS does not count, each queue has the age of its oldest message,
    some minutes old. With --watch a terminal is redrawn;
    elsewhere each change is a line, and with --output json a document.
    """
    observer = Observer(select_environment(app, environment))
    if watch:
        watch_status(app.ui, observer.status, interval)
    seen = observer.status()
    if app.options.output == "table":
        app.ui.write("\n".join(screen(seen)) + "\n")
    else:
        app.ui.emit("status", document(seen), Table((), ()))


def watch_status(ui: Ui, look: Callable[[], Observations], interval: float) -> None:
    """
    Look again and again, and show what changed; a signal ends it.

    Args:
        ui: The terminal or the stream of documents.
        look: Observes the environment.
        interval: Pause between two looks, in seconds.
    """
    before: Observations | None = None
    with ui.live() as show:
        while True:
            seen = look()
            if ui.output != "table":
                if before is None or changes(before, seen):
                    line = {"schema_version": SCHEMA_VERSION, "kind": "status", **document(seen)}
                    ui.write(json.dumps(line, default=str, ensure_ascii=False) + "\n")
            elif ui.animated:
                show(screen(seen))
            else:
                lines = changes(before, seen) if before else screen(seen)
                ui.write("".join(f"{line}\n" for line in lines))
            before = seen
            sleep(interval)
