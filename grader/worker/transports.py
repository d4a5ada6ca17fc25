"""
Opens the queues of a worker; the only module of the worker that names a vendor.

The settings choose the transport, and what is above it does not know which one it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import cast

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.queue_transport import ActiveMqTransport
from grader.adapters.s3 import open_object_store
from grader.adapters.sqs.addresses import sibling_url
from grader.adapters.sqs.bodies import BodyStore
from grader.adapters.sqs.client import open_sqs_client
from grader.adapters.sqs.transport import SqsTransport
from grader.contract.bucket import LARGE_RESULTS_PREFIX
from grader.errors import AccessError, ConnectionLostError, TemporaryError
from grader.logs import Logger
from grader.ports.messages import QueueInspector
from grader.ports.transport import Transport
from grader.settings import WorkerSettings, worker_id
from grader.worker.combined_source import CombinedTransport
from grader.worker.parameters import BrokerLogin, Parameters


def consumer_names(settings: WorkerSettings) -> list[str]:
    """Name the consumers by what they are connected to: ``broker-0`` or ``queue-0``."""
    kind = "queue" if settings.uses_sqs else "broker"
    return [f"{kind}-{number}" for number in range(settings.worker_slots)]


def make_transport(settings: WorkerSettings, parameters: Parameters, log: Logger) -> Transport:
    """
    Make the transport of a worker; connects to nothing.

    Args:
        settings: From the environment variables.
        parameters: Endpoint and login of the broker, where it is used.
        log: Log of the worker.

    Raises:
        SettingsError: As `open_sqs`.
    """
    broker = ActiveMqTransport(lambda name: open_broker(parameters, name), settings.queues)
    if not settings.uses_sqs:
        return broker
    sqs = open_sqs(settings)
    if not settings.uses_broker:
        return sqs
    active, drained = (sqs, broker) if settings.use_sqs_queue else (broker, sqs)
    return CombinedTransport(active, drained, log)


def open_sqs(settings: WorkerSettings) -> SqsTransport:
    """
    Open the queues of SQS; connects to nothing.

    Raises:
        SettingsError: A URL is invalid, of another region, or does not tell that of the others.
    """
    urls = queue_urls(settings)
    region, bucket = settings.aws_region, settings.grading_bucket

    def open_bodies() -> BodyStore:
        return BodyStore(open_object_store(bucket, region), bucket, LARGE_RESULTS_PREFIX)

    return SqsTransport(
        open_sqs_client(urls, region, open_bodies),
        [name for name in settings.queues if name in urls],
        wait_seconds=settings.sqs_wait_seconds,
        visibility_seconds=settings.sqs_visibility_seconds,
        dead_letter_queue=settings.dlq_name,
    )


def queue_urls(settings: WorkerSettings) -> dict[str, str]:
    """
    Return the URL of each queue of SQS by its name; those that are not set follow from the first.

    Raises:
        SettingsError: A URL does not follow, because that of the requests ends otherwise.
    """
    requests, first = settings.queue_name, settings.sqs_queue_url or ""
    others = {
        settings.priority_queue_name: settings.sqs_priority_queue_url,
        settings.result_queue_name: settings.sqs_result_queue_url,
        settings.dlq_name: settings.sqs_dlq_url,
    }
    urls = {
        name: sibling_url(first, requests, name) if url is None else url
        for name, url in others.items()
        if name
    }
    return {requests: first, **{name: url for name, url in urls.items() if url}}


def inspector_of(
    transport: Transport,
) -> Callable[[], AbstractContextManager[QueueInspector]] | None:
    """Return what opens an inspector of the waiting messages; None if nothing can read them."""
    if transport.open_inspector() is None:
        return None
    return cast("Callable[[], AbstractContextManager[QueueInspector]]", transport.open_inspector)


def open_broker(parameters: Parameters, name: str) -> Connection:
    """
    Connect to the broker.

    Raises:
        AccessError: It refuses the login also with parameters just read.
        ConnectionLostError: It cannot be reached, or the parameters could not be read again.
        TrustError: Its certificate is not trusted.
    """
    login = parameters.broker_login()
    try:
        return _connect(login, name)
    except AccessError as error:
        try:
            parameters.refresh()
        except TemporaryError as away:
            raise ConnectionLostError(str(away), where="parameters") from error
        fresh = parameters.broker_login()
        if fresh != login:  # read just now, or by another thread meanwhile
            return _connect(fresh, name)
        error.next_step = (
            f"compare {parameters.name_of('mq_username')} and {parameters.name_of('mq_password')}"
            " with the broker's users; gradectl broker-users sync gives each its password"
        )
        raise


def _connect(login: BrokerLogin, name: str) -> Connection:
    return connect([login.endpoint], login.user, login.password, name=f"{worker_id()}-{name}")
