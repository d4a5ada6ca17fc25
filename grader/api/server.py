"""`grader api`: opens what the application calls, and serves it until a signal."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from queue import LifoQueue
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from grader.adapters.activemq.queue_transport import ActiveMqTransport
from grader.adapters.activemq.sender import ActiveMQSender
from grader.adapters.mysql.engine import open_engine
from grader.adapters.mysql.submissions import MysqlSubmissions
from grader.adapters.s3 import open_object_store
from grader.adapters.sqs.addresses import sibling_url
from grader.adapters.sqs.bodies import BodyStore
from grader.adapters.sqs.client import SqsClient, open_sqs_client
from grader.adapters.sqs.inspection import SqsQueueInspector
from grader.adapters.sqs.sender import SqsSender
from grader.api.app import create_app
from grader.api.auth.opening import open_gate, protection_settings
from grader.api.feeds import ResultFeed
from grader.api.page import page_router
from grader.api.protection.connections import server_config
from grader.api.redis_feed import RedisFeed
from grader.api.services import ApiOptions, Services
from grader.contract.bucket import LARGE_REQUESTS_PREFIX
from grader.errors import SettingsError
from grader.logs import Logger, Redactor
from grader.ports.messages import MessageSender, QueueInspector
from grader.ports.stores import SubmissionStore
from grader.settings import ApiSettings
from grader.webhooks.guard import HostRules
from grader.worker.health import Health
from grader.worker.parameters import Parameters, open_redis_parameters
from grader.worker.retry import Retrier
from grader.worker.transports import open_broker
from grader.worker.worker import read_parameters

#: Time for open calls after SIGTERM; the waiting are answered at once.
DRAIN_SECONDS = 25
_BACKLOG = 2048
#: A thread that signs a call of the bucket yields to the loop after this time.
_SWITCH_SECONDS = 0.001
_SENDERS = 4
_DATABASE_CONNECTIONS = 3


def serve(
    settings: ApiSettings, log: Logger, redactor: Redactor, stopping: threading.Event
) -> None:
    """
    Serve the API until `stopping` is set; then answer who waits, and end the event streams.

    Args:
        settings: From the environment variables.
        log: Log of the API.
        redactor: Masks the passwords in the log.
        stopping: Set on shutdown.

    Raises:
        StoppingError: `stopping` was set before the parameters could be read.
        SettingsError: A setting is wrong, a parameter is missing, or the port is taken.
    """
    listening = _listen(settings.api_host, settings.api_port)
    with ExitStack() as stack:
        stack.callback(listening.close)
        retrier = Retrier(stopping, Health("parameters"), log)
        parameters = read_parameters(settings, retrier, redactor)
        redis = open_redis_parameters(settings, settings.aws_region, redactor)
        feed = None if redis is None else RedisFeed(redis.login, log)
        services = stack.enter_context(open_services(settings, parameters, feed, log))
        app = create_app(services)
        host, port = listening.getsockname()[:2]
        message = f"API listens on http://{host}:{port}"
        log.info(message)
        _run(app, listening, stopping)


@contextmanager
def open_services(
    settings: ApiSettings, parameters: Parameters, feed: ResultFeed | None, log: Logger
) -> Iterator[Services]:
    """
    Open what the application calls; no connection is made before the first call.

    Args:
        settings: From the environment variables.
        parameters: Endpoints and logins.
        feed: News from Redis; None without one.
        log: Log of the API.

    Raises:
        SettingsError: A setting is wrong.
    """
    with ExitStack() as stack:
        engine = open_engine(parameters.database_login, connections=_DATABASE_CONNECTIONS)
        stack.callback(engine.dispose)
        store = open_object_store(settings.grading_bucket, settings.aws_region)
        sender, inspector = stack.enter_context(_queues(settings, parameters))
        gate = open_gate(settings)
        stack.callback(gate.close)
        rules = HostRules.parse(settings.webhook_allowed_hosts, settings.webhook_private_hosts)
        yield Services(
            gate=gate,
            store=store,
            sender=sender,
            reader=MysqlSubmissions(engine),
            open_inspector=inspector,
            log=log,
            feed=feed,
            check_webhook=rules.refusal,
            on_refusal=parameters.refresh_if_possible,
            options=_options(settings),
            protection=protection_settings(settings),
            routers=[page_router(upload_origins=[_origin_of_uploads(store)])],
        )


def _options(settings: ApiSettings) -> ApiOptions:
    return ApiOptions(
        environment=settings.environment,
        bucket=settings.grading_bucket,
        queue=settings.queue_name,
        priority_queue=settings.priority_queue_name,
        dead_letter_queue=settings.dlq_name,
        queue_url=settings.sqs_queue_url if settings.use_sqs_queue else None,
        max_queue=settings.api_max_queue,
        max_waiters=settings.api_max_waiters,
        wait_enabled=settings.api_wait_enabled,
        max_source_bytes=settings.max_source_bytes,
        senders=_SENDERS,
    )


_OpenInspector = Callable[[], AbstractContextManager[QueueInspector]]


@contextmanager
def _queues(
    settings: ApiSettings, parameters: Parameters
) -> Iterator[tuple[MessageSender, _OpenInspector]]:
    """Open the queues: what sends, and what opens the counters."""
    if settings.use_sqs_queue:
        client = _sqs(settings)
        yield SqsSender(client), lambda: _counting(client)
        return
    pool = SenderPool(
        [ActiveMQSender(lambda: open_broker(parameters, "api")) for _ in range(_SENDERS)]
    )
    transport = ActiveMqTransport(lambda _: open_broker(parameters, "counters"), settings.queues)
    try:
        yield pool, transport.open_inspector
    finally:
        pool.close()


@contextmanager
def _counting(client: SqsClient) -> Iterator[QueueInspector]:
    yield SqsQueueInspector(client)


def _sqs(settings: ApiSettings) -> SqsClient:
    first, region, bucket = (
        settings.sqs_queue_url or "",
        settings.aws_region,
        settings.grading_bucket,
    )
    urls = {settings.queue_name: first}
    priority = settings.sqs_priority_queue_url
    if priority is None and settings.priority_queue_name:
        priority = sibling_url(first, settings.queue_name, settings.priority_queue_name)
    if priority:
        urls[settings.priority_queue_name] = priority
    if settings.sqs_dlq_url:
        urls[settings.dlq_name] = settings.sqs_dlq_url
    return open_sqs_client(
        urls,
        region,
        lambda: BodyStore(open_object_store(bucket, region), bucket, LARGE_REQUESTS_PREFIX),
    )


class SenderPool:
    """
    Several connections to the broker, each for one message at a time.

    Args:
        senders: The connections; they are opened when they are used.
    """

    def __init__(self, senders: list[ActiveMQSender]) -> None:
        self._senders = senders
        self._free: LifoQueue[ActiveMQSender] = LifoQueue()
        for sender in senders:
            self._free.put(sender)

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one persistent message, with the connection that was used last of the free ones."""
        sender = self._free.get()
        try:
            sender.send(queue, body, headers)
        finally:
            self._free.put(sender)

    def close(self) -> None:
        """Disconnect."""
        for sender in self._senders:
            sender.close()


def _origin_of_uploads(store: SubmissionStore) -> str:
    """Return where presigned URLs lead to."""
    target = store.upload_target("submissions/", content_type="text/plain", seconds=1)
    parts = urlsplit(target.url)
    return f"{parts.scheme}://{parts.netloc}"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            where="API_HOST, API_PORT",
            next_step="stop what uses the port, or choose another one",
        ) from error


def _run(app: FastAPI, listening: socket.socket, stopping: threading.Event) -> None:
    config = server_config(app, drain_seconds=DRAIN_SECONDS)
    server = uvicorn.Server(config)
    sys.setswitchinterval(_SWITCH_SECONDS)

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            app.state.parts.hub.stop()
            server.should_exit = True

        def wait() -> None:
            stopping.wait()
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop)

        threading.Thread(target=wait, name="stopping", daemon=True).start()
        await server.serve(sockets=[listening])

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(main())
