"""
Builds and runs a worker.

It starts in this order: health page, parameters, database with its schema, handlers with their
sandbox, consumers. Each step retries until its service is reachable; the health page names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from grader.adapters.ecs_agent import EcsAgent
from grader.adapters.mysql.engine import open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.s3 import open_object_store
from grader.adapters.ssm import open_parameter_store
from grader.contract.messages import JobRequest
from grader.errors import AccessError, SettingsError, TemporaryError
from grader.handlers import HandlerContext, OpenHandler
from grader.logs import Logger, Redactor
from grader.migrations import migrate
from grader.ports.handlers import JobHandler, PreparingHandler
from grader.ports.jobs import JobStore
from grader.ports.results import ResultBus
from grader.ports.stores import ObjectStore
from grader.ports.transport import Transport
from grader.settings import DatabaseSettings, WorkerSettings, worker_id
from grader.webhooks.guard import HostRules
from grader.webhooks.sender import WebhookSender
from grader.worker.activity import ActiveJobs
from grader.worker.claims import ClaimRenewer, lease_of
from grader.worker.column_progress import ColumnProgress
from grader.worker.consumer import Consumer
from grader.worker.health import Health, serving
from grader.worker.parameters import Parameters, open_redis_parameters, parameter_names
from grader.worker.prefetch import Prefetcher
from grader.worker.processor import JobProcessor
from grader.worker.protection import ScaleInProtection
from grader.worker.pushing import Pushing, open_pushing
from grader.worker.recorder import ResultRecorder
from grader.worker.retry import Retrier
from grader.worker.settlement import DeliveryPolicy
from grader.worker.shutdown import run_all
from grader.worker.transports import consumer_names, inspector_of, make_transport
from grader.worker.webhooks import make_sender, make_signing


@dataclass(frozen=True)
class _Shared:
    """What the consumers of a worker share."""

    stopping: threading.Event
    retrier: Retrier
    parameters: Parameters
    transport: Transport
    jobs: JobStore
    objects: ObjectStore
    request_model: type[JobRequest]
    active: ActiveJobs
    results: ResultBus
    on_webhook: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Worker:
    """
    A worker process.

    Args:
        settings: From the environment variables.
        open_handler: Opens the handler of requests.
        log: Log of the worker.
        redactor: Masks the passwords in the log.
    """

    settings: WorkerSettings
    open_handler: OpenHandler
    log: Logger
    redactor: Redactor
    _claims: list[ClaimRenewer] = field(default_factory=list, init=False, repr=False)

    def run(self, stopping: threading.Event) -> None:
        """
        Process requests until `stopping` is set.

        Raises:
            StoppingError: `stopping` was set before the start was complete.
            GraderError: Settings, parameters or credentials are wrong.
        """
        settings = self.settings
        names = consumer_names(settings)
        health = Health("parameters", "database", "handler", *names)
        retrier = Retrier(stopping, health, self.log)
        with ExitStack() as stack:
            stack.enter_context(serving(health, settings.health_port, settings.health_host))
            parameters = read_parameters(settings, retrier, self.redactor)
            connections = len(names) + settings.webhooks_enabled
            jobs = open_jobs(parameters, retrier, connections=connections)
            sender = self._sender(jobs, parameters)
            objects = open_object_store(settings.grading_bucket, settings.aws_region)
            active = ActiveJobs()
            pushing = stack.enter_context(self._pushing(jobs, active, parameters))
            context = HandlerContext(
                settings, objects, self.log, history=jobs, progress=pushing.progress
            )
            spec = stack.enter_context(self.open_handler(context))
            shared = _Shared(
                stopping=stopping,
                retrier=retrier,
                parameters=parameters,
                transport=make_transport(settings, parameters, self.log),
                jobs=jobs,
                objects=objects,
                request_model=spec.request_model,
                active=active,
                results=pushing.results,
                on_webhook=sender.wake if sender else lambda: None,
            )
            handlers = {name: stack.enter_context(spec.open()) for name in names}
            consumers = [self._consumer(name, each, shared) for name, each in handlers.items()]
            health.good("handler", spec.detail)
            self.log.info("Worker started")
            stack.enter_context(self._prefetch(handlers[names[0]], shared))
            stack.enter_context(self._protection(shared))
            stack.enter_context(sender.in_background() if sender else nullcontext())
            claims = self._renewer(shared)
            stack.enter_context(claims.in_background())
            self._claims.append(claims)
            run_all({consumer.name: consumer.run for consumer in consumers}, stopping)

    def give_back(self) -> None:
        """Give back the requests that still run at the end of the drain."""
        for claims in self._claims:
            claims.give_back()

    def _consumer(self, name: str, handler: JobHandler[Any], shared: _Shared) -> Consumer:
        settings = self.settings
        policy = DeliveryPolicy(
            bucket=settings.grading_bucket,
            result_queue=settings.result_queue_name,
            dead_letter_queue=settings.dlq_name,
            max_attempts=settings.max_attempts,
            retry_delay_ms=settings.retry_delay_ms,
            retry_max_delay_ms=settings.retry_max_delay_ms,
            max_crashes=settings.max_crashes,
            result_expiry_seconds=settings.result_expiry_seconds,
            webhook_hosts=HostRules.parse(
                settings.webhook_allowed_hosts, settings.webhook_private_hosts
            ),
        )
        refresh = shared.parameters.refresh_if_possible
        processor = JobProcessor(
            jobs=shared.jobs,
            request_model=shared.request_model,
            handler=handler,
            policy=policy,
            worker_id=worker_id(),
            retrier=shared.retrier,
            refresh=refresh,
            log=self.log,
            lease=lease_of(settings.claim_renewal_seconds),
            on_claim=partial(shared.active.claim, name),
        )

        return Consumer(
            name=name,
            open_source=partial(shared.transport.open_source, name),
            processor=processor,
            policy=policy,
            recorder=ResultRecorder(
                shared.jobs, shared.objects, shared.retrier, refresh, shared.on_webhook
            ),
            retrier=shared.retrier,
            stopping=shared.stopping,
            log=self.log,
            active=shared.active,
            results=shared.results,
        )

    def _pushing(
        self, jobs: JobStore, active: ActiveJobs, parameters: Parameters
    ) -> AbstractContextManager[Pushing]:
        settings = self.settings
        redis = open_redis_parameters(settings, settings.aws_region, self.redactor)
        column = None
        if settings.progress_interval_ms:
            seconds, refresh = settings.progress_interval_ms / 1000, parameters.refresh_if_possible
            column = ColumnProgress(jobs, active.attempts, seconds, self.log, refresh)
        return open_pushing(redis, column, self.log)

    def _sender(self, jobs: MysqlJobStore, parameters: Parameters) -> WebhookSender | None:
        """Make the sender of webhooks, if this worker sends them and its settings allow it."""
        settings = self.settings
        if not settings.webhooks_enabled:
            return None
        refresh = parameters.refresh_if_possible
        signing = make_signing(settings, settings.aws_region, self.redactor, self.log)
        try:
            return make_sender(settings, jobs.outbox(), signing, self.log, refresh=refresh)
        except SettingsError as error:
            self.log.warning("This worker sends no webhooks", reason=str(error))
            return None

    def _renewer(self, shared: _Shared) -> ClaimRenewer:
        return ClaimRenewer(
            jobs=shared.jobs,
            active=shared.active,
            worker_id=worker_id(),
            interval_seconds=self.settings.claim_renewal_seconds,
            refresh=shared.parameters.refresh_if_possible,
            log=self.log,
        )

    def _protection(self, shared: _Shared) -> AbstractContextManager[None]:
        """Protect the task while a long job runs, if it is a task of ECS."""
        settings = self.settings
        if not settings.task_protection or not settings.ecs_agent_uri:
            return nullcontext()
        agent = EcsAgent(settings.ecs_agent_uri)
        return ScaleInProtection(agent, shared.active, self.log).in_background()

    def _prefetch(self, handler: JobHandler[Any], shared: _Shared) -> AbstractContextManager[None]:
        """Prefetch for waiting requests with any one of the handlers, if that is possible."""
        count, open_inspector = self.settings.look_ahead, inspector_of(shared.transport)
        if not count or open_inspector is None or not isinstance(handler, PreparingHandler):
            return nullcontext()
        prepare = handler.prepare
        return Prefetcher(
            queues=self.settings.queues,
            count=count,
            active=shared.active,
            open_inspector=open_inspector,
            prepare=lambda body: prepare(shared.request_model.from_json(body)),
            stopping=shared.stopping,
            log=self.log,
        ).in_background()


def read_parameters(settings: DatabaseSettings, retrier: Retrier, redactor: Redactor) -> Parameters:
    """Read the values behind the `*_PARAM` variables; retries while SSM is unreachable."""
    store = open_parameter_store(settings.aws_region)
    names = parameter_names(settings.model_dump())
    parameters = Parameters(store, names, redactor, ca_file=settings.db_ca_file)
    retrier.call("parameters", parameters.refresh, (TemporaryError,))
    return parameters


def open_jobs(parameters: Parameters, retrier: Retrier, *, connections: int) -> MysqlJobStore:
    """
    Open the table of jobs and migrate its schema; retries while the database is unreachable.

    Raises:
        AccessError: The database refuses the login also with parameters just read.
    """
    engine = open_engine(parameters.database_login, connections=connections)

    def prepare() -> None:
        try:
            migrate(engine)
        except AccessError:
            if not parameters.refresh():
                raise
            migrate(engine)

    retrier.call("database", prepare, (TemporaryError,))
    return MysqlJobStore(engine)
