"""Makes the sender of webhooks from settings."""

from __future__ import annotations

from collections.abc import Callable

from grader.adapters.ssm import open_parameter_store
from grader.adapters.webhook import HttpsWebhookClient, check_secrets, sign
from grader.logs import Logger, Redactor
from grader.ports.results import Outbox
from grader.settings import WebhookSettings
from grader.webhooks.delivery import Deliverer
from grader.webhooks.guard import HostRules
from grader.webhooks.sender import WebhookSender
from grader.webhooks.signing import Signing


def make_deliverer(settings: WebhookSettings) -> Deliverer:
    """
    Make what sends one webhook.

    Raises:
        SettingsError: WEBHOOK_CA_FILE cannot be read.
    """
    rules = HostRules.parse(settings.webhook_allowed_hosts, settings.webhook_private_hosts)
    return Deliverer(HttpsWebhookClient(settings.webhook_ca_file), rules, sign)


def make_signing(
    settings: WebhookSettings, region: str, redactor: Redactor, log: Logger | None = None
) -> Signing:
    """
    Make what reads the secrets; reads nothing yet.

    Args:
        settings: Names of the parameters.
        region: Region of the parameter store.
        redactor: Masks the secrets in the log.
        log: Log of a process that reads them again; None if it reads them once.
    """

    def complain(reason: str) -> None:
        if log is not None:
            log.warning("Webhooks are sent with the former secrets and headers", reason=reason)

    names = (settings.webhook_secret_param, settings.webhook_headers_param)
    store = open_parameter_store(region)
    return Signing(store, names, hide=redactor.hide, check=check_secrets, complain=complain)


def make_sender(
    settings: WebhookSettings,
    outbox: Outbox,
    signing: Signing,
    log: Logger,
    *,
    refresh: Callable[[], None],
) -> WebhookSender:
    """
    Make the sender.

    Args:
        settings: Hosts and authorities.
        outbox: The webhooks.
        signing: Secrets and headers.
        log: Log of the process.
        refresh: Called when the database refuses the login.

    Raises:
        SettingsError: WEBHOOK_CA_FILE cannot be read.
    """
    return WebhookSender(outbox, make_deliverer(settings), signing, log, refresh=refresh)
