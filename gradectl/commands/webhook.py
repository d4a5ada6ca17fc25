"""`gradectl webhook`: deliveries of results by webhook."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.errors import ExitCode, GradectlError
from gradectl.job_table import outbox_of
from gradectl.options import group
from gradectl.rollouts.webhook_test import plan_webhook_test, run_webhook_test
from gradectl.submissions.deliveries import delivery_row, state_of
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.ports.results import DeliveryStatus, WebhookDelivery

_COLUMNS = ("delivery", "request or batch", "host", "state", "attempts", "created (UTC)")
_RESENT_AT_ONCE = 1000


@group("webhook", epilog="Example: gradectl webhook list --status dead")
def webhook() -> None:
    """List, send again and test the webhooks of an environment."""


@webhook.command("list", epilog="Example: gradectl webhook list --status dead")
@environment_option
@click.option(
    "--status",
    type=click.Choice([each.value for each in DeliveryStatus]),
    help="Only those with this status.",
)
@click.option(
    "--for", "subject", default="", metavar="ID", help="Only those of this request or batch."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=10_000),
    default=100,
    show_default=True,
    help="Most deliveries; the newest are shown.",
)
@pass_context(CloudContext)
def list_(
    app: CloudContext, *, environment: str | None, status: str | None, subject: str, limit: int
) -> int:
    """
    List the deliveries of results by webhook, the newest first.

    Pending ones are sent by the next worker that has time, or wait for their next attempt or for
    the other requests of their batch. Dead ones failed for a day, or were refused. Deliveries that
    ended are kept for 30 days.
    """
    target = select_environment(app, environment)
    wanted = DeliveryStatus(status) if status else None
    with outbox_of(target) as outbox:
        found = outbox.find(status=wanted, subject=subject, most=limit)
    document = {
        "environment": target.name,
        "deliveries": [delivery_row(each) for each in found],
    }
    rows = [_row(each) for each in found]
    text = f"webhooks of {target.name}" if found else f"{target.name}: no webhooks found"
    app.ui.emit("webhook-list", document, Table(_COLUMNS if found else (), rows, text))
    if any(each.status is DeliveryStatus.DEAD for each in found):
        app.ui.say(f"next: gradectl webhook resend -e {target.name} DELIVERY, or --dead for all")
    return ExitCode.OK


def _row(delivery: WebhookDelivery) -> tuple[str, ...]:
    return (
        delivery.delivery_id,
        delivery.subject,
        delivery.host or delivery.url,
        state_of(delivery),
        str(delivery.attempts),
        delivery.created_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00"),
    )


@webhook.command("resend", epilog="Example: gradectl webhook resend msg_0123456789abcdef")
@click.argument("delivery", required=False, metavar="[DELIVERY]", help="Id of a delivery.")
@click.option("--dead", is_flag=True, help="All dead ones, up to 1000, the newest first.")
@click.option("--for", "subject", default="", metavar="ID", help="Those of this request or batch.")
@environment_option
@pass_context(CloudContext)
def resend(
    app: CloudContext, delivery: str | None, *, dead: bool, subject: str, environment: str | None
) -> int:
    """
    Send DELIVERY, or several, again: with the present result, and a new day of attempts.

    DELIVERY is an id of `gradectl webhook list`. The receiver gets the same id as before, so one
    that has handled it already can tell. Batches that wait for their requests are left alone.
    """
    if sum(map(bool, (delivery, dead, subject))) != 1:
        raise click.UsageError("give DELIVERY, --dead or --for")
    target = select_environment(app, environment)
    app.announce(target.environment)
    with outbox_of(target) as outbox:
        if delivery:
            wanted = [delivery]
        else:
            status = DeliveryStatus.DEAD if dead else None
            found = outbox.find(status=status, subject=subject, most=_RESENT_AT_ONCE)
            wanted = [each.delivery_id for each in found if not each.is_waiting]
        if app.options.dry_run:
            app.ui.say(f"dry run: {len(wanted)} would be sent again")
            return _resent(target, wanted, ())
        if len(wanted) > 1:
            app.ui.confirm(f"Send {len(wanted)} webhooks of {target.name} again?")
        done = [each for each in wanted if outbox.resend(each)]
    if delivery and not done:
        raise GradectlError(
            f"delivery {delivery!r} not found, or it waits for its batch",
            where=target.name,
            next_step=f"gradectl webhook list -e {target.name}",
        )
    return _resent(target, wanted, done)


def _resent(target: EnvironmentClient, wanted: Sequence[str], done: Sequence[str]) -> int:
    document = {
        "environment": target.name,
        "selected": list(wanted),
        "resent": list(done),
    }
    text = f"{target.name}: {len(done)} of {len(wanted)} are sent again"
    target.app.ui.emit("webhook-resend", document, Table((), (), text))
    return ExitCode.OK


@webhook.command("test", epilog="Example: gradectl webhook test https://example.com/grading")
@click.argument("url", help="Address of a receiver, as in webhookUrl.")
@environment_option
@click.option(
    "--wait-seconds",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the task; it is not stopped afterwards.",
)
@pass_context(CloudContext)
def test(app: CloudContext, url: str, *, environment: str | None, wait_seconds: int) -> int:
    """
    Send a signed test event to URL from the workers' network, and say why it fails.

    It runs `grader webhook-test` as a one-off task with the settings of the workers: `localhost` is
    that task. Where `grader webhooks` sends instead of the workers, run `grader webhook-test URL`
    there. Exit code 1 when the receiver did not accept the event.
    """
    target = select_environment(app, environment)
    app.announce(target.environment)
    plan = plan_webhook_test(target.aws, target.environment, url)
    if app.options.dry_run:
        app.ui.say(f"dry run: would run {' '.join(plan[0].command)} as a task")
        done = None
    else:
        done = run_webhook_test(target.aws, app.ui, plan, wait_seconds)
    document = {
        "environment": target.name,
        "url": url,
        "task_arn": done.task_arn if done else None,
        "delivered": done.exit_code == 0 if done else None,
        "steps": list(done.lines) if done else [],
    }
    result = "not run" if done is None else "delivered" if done.exit_code == 0 else "not delivered"
    app.ui.emit("webhook-test", document, Table((), (), f"test event: {result}"))
    return ExitCode.ERROR if done and done.exit_code else ExitCode.OK
