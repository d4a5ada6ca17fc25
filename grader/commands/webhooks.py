"""`grader webhooks` and `grader webhook-test`."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.errors import GraderError, SettingsError
from grader.logs import Logger, Redactor
from grader.settings import WebhookSenderSettings, WebhookTestSettings
from grader.webhooks.delivery import Attempt, Deliverer
from grader.webhooks.guard import Target, parse_target
from grader.webhooks.payload import TEST_TYPE, event
from grader.webhooks.signing import Keys
from grader.worker.health import Health, serving
from grader.worker.retry import Retrier
from grader.worker.webhooks import make_deliverer, make_sender, make_signing
from grader.worker.worker import open_jobs, read_parameters


def send_webhooks(
    settings: WebhookSenderSettings, stopping: threading.Event, log: Logger, redactor: Redactor
) -> None:
    """
    Send webhooks until `stopping` is set.

    Args:
        settings: From the environment variables.
        stopping: Ends it.
        log: Log of the process.
        redactor: Masks the secrets in the log.

    Raises:
        StoppingError: `stopping` was set before the start was complete.
        GraderError: Settings, parameters or credentials are wrong.
    """
    health = Health("parameters", "database")
    retrier = Retrier(stopping, health, log)
    with serving(health, settings.health_port, settings.health_host):
        parameters = read_parameters(settings, retrier, redactor)
        jobs = open_jobs(parameters, retrier, connections=1)
        signing = make_signing(settings, settings.aws_region, redactor, log)
        refresh = parameters.refresh_if_possible
        sender = make_sender(settings, jobs.outbox(), signing, log, refresh=refresh)
        log.info("Sending webhooks")
        with sender.in_background():
            stopping.wait()


@dataclass(frozen=True)
class WebhookReport:
    """The steps of a test, and whether the receiver has accepted it."""

    lines: tuple[str, ...]
    succeeded: bool


def try_webhook(settings: WebhookTestSettings, url: str, redactor: Redactor) -> WebhookReport:
    """
    Send one signed test event.

    Args:
        settings: From the environment variables.
        url: Where it goes.
        redactor: Learns the secrets.

    Raises:
        SettingsError: WEBHOOK_SECRET_PARAM is not set, or a setting is invalid.
        GraderError: The secret cannot be read.
    """
    deliverer = make_deliverer(settings)
    if not settings.webhook_secret_param:
        what, where = "WEBHOOK_SECRET_PARAM: is not set", "environment variables"
        raise SettingsError(what, where=where, next_step="enable webhooks in the environment")
    keys = make_signing(settings, settings.aws_region, redactor).keys()
    return report_of(deliverer, url, keys)


def report_of(deliverer: Deliverer, url: str, keys: Keys) -> WebhookReport:
    """
    Make one attempt and describe its steps.

    Args:
        deliverer: Makes the attempt.
        url: Where it goes.
        keys: Secrets and headers.
    """
    target = parse_target(url)
    lines = [_allowed(deliverer, target)]
    if isinstance(target, Target):
        lines.append(_resolved(deliverer, target))
    delivery_id = f"msg_test_{uuid.uuid4().hex[:16]}"
    attempt = deliverer.attempt(delivery_id, url, event(TEST_TYPE, datetime.now(UTC), b"{}"), keys)
    lines += _answered(attempt, keys, delivery_id)
    return WebhookReport(tuple(lines), attempt.succeeded)


def _allowed(deliverer: Deliverer, target: Target | str) -> str:
    if isinstance(target, str):
        return f"url        no: {target}"
    refusal = deliverer.rules.refusal_of_host(target.host)
    return f"host       no: {refusal}" if refusal else f"host       ok: {target.host} is allowed"


def _resolved(deliverer: Deliverer, target: Target) -> str:
    try:
        addresses = deliverer.client.resolve(target.host, target.port)
    except GraderError as error:
        return f"resolve    no: {error}"
    refusal = deliverer.rules.refusal_of_addresses(target.host, addresses)
    if refusal:
        return f"resolve    no: {refusal}"
    return f"resolve    ok: {', '.join(addresses)}"


def _answered(attempt: Attempt, keys: Keys, delivery_id: str) -> list[str]:
    if not attempt.succeeded:
        return [f"result     not delivered after {attempt.seconds:.1f} s: {attempt.reason}"]
    count = len(keys.secrets)
    signatures = "one signature" if count == 1 else f"{count} signatures"
    return [
        f"connect    ok: {attempt.address}",
        f"answer     ok: HTTP {attempt.status} after {attempt.seconds:.2f} s",
        f"result     delivered {TEST_TYPE} as {delivery_id} with {signatures}",
    ]
