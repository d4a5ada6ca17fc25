"""
How a worker is put together.

Health first, then parameters, the database and its schema, the handlers with their sandbox, and
the slots; each waits for what is away, and health says what for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.source import ActiveMqJobSource
from grader.adapters.mysql.engine import open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.s3 import open_object_store
from grader.adapters.ssm import open_parameter_store
from grader.core.limits import Ceilings
from grader.core.redelivery import Rules
from grader.desk import Desk
from grader.errors import AccessError, TemporaryError
from grader.grade import open_handler
from grader.health import Health, serving
from grader.logs import Logger, Redactor
from grader.loop import Slot
from grader.migrations import migrate
from grader.parameters import Parameters, parameter_names
from grader.patience import Patience
from grader.ports import JobHandler, JobSource, JobStore, ObjectStore
from grader.settings import DatabaseSettings, WorkerSettings, worker_id
from grader.signals import run_all

#: Opens what does the work of one slot.
HandlerFactory = Callable[[ObjectStore], AbstractContextManager[JobHandler]]


def grading(settings: WorkerSettings, log: Logger) -> HandlerFactory:
    """Give the default work: grade in the sandbox."""
    ceilings = Ceilings(
        time_limit_ms=settings.max_time_limit_ms,
        memory_limit_mb=settings.max_memory_limit_mb,
        source_bytes=settings.max_source_bytes,
    )
    return lambda objects: open_handler(
        store=objects,
        bucket=settings.grading_bucket,
        ceilings=ceilings,
        launcher=settings.launcher_path,
        log=log,
    )


@dataclass(frozen=True)
class Worker:
    """
    A worker of these settings.

    Args:
        settings: From the environment variables.
        open_handler: What is done with a request; `grading`, unless a benchmark or a test differs.
        log: Where events go.
        redactor: Is told the passwords.
    """

    settings: WorkerSettings
    open_handler: HandlerFactory
    log: Logger
    redactor: Redactor

    def run(self, stopping: threading.Event) -> None:
        """
        Work until `stopping` is set.

        Raises:
            StoppingError: It was set before the start was complete.
            GraderError: The settings, the parameters or the credentials will never do.
        """
        settings = self.settings
        slots = [f"broker-{number}" for number in range(settings.worker_slots)]
        health = Health("parameters", "database", "handler", *slots)
        patience = Patience(stopping, health, self.log)
        with ExitStack() as stack:
            stack.enter_context(serving(health, settings.health_port, settings.health_host))
            parameters = read_parameters(settings, patience, self.redactor)
            jobs = open_jobs(parameters, patience, connections=len(slots))
            objects = open_object_store(settings.grading_bucket, settings.aws_region)
            desks = []
            for _ in slots:
                handler = stack.enter_context(self.open_handler(objects))
                desks.append(self._desk(jobs, objects, handler, patience, parameters))
            health.good("handler")
            self.log.info("Worker started")
            loops = {
                name: self._slot(name, desk, patience, parameters, stopping)
                for name, desk in zip(slots, desks, strict=True)
            }
            run_all({name: loop.run for name, loop in loops.items()}, stopping)

    def _desk(
        self,
        jobs: JobStore,
        objects: ObjectStore,
        handler: JobHandler,
        patience: Patience,
        parameters: Parameters,
    ) -> Desk:
        settings = self.settings
        rules = Rules(
            bucket=settings.grading_bucket,
            result_queue=settings.result_queue_name,
            dead_letter_queue=settings.dlq_name,
            max_attempts=settings.max_attempts,
            retry_delay_ms=settings.retry_delay_ms,
        )
        return Desk(
            jobs=jobs,
            objects=objects,
            handler=handler,
            rules=rules,
            worker_id=worker_id(),
            patience=patience,
            refresh=partial(_refresh_if_possible, parameters),
            log=self.log,
        )

    def _slot(
        self,
        name: str,
        desk: Desk,
        patience: Patience,
        parameters: Parameters,
        stopping: threading.Event,
    ) -> Slot:
        queues = self.settings.queues

        def open_source() -> JobSource:
            return ActiveMqJobSource(open_broker(parameters, name), queues)

        return Slot(name, open_source, desk, patience, stopping, self.log)


def read_parameters(
    settings: DatabaseSettings, patience: Patience, redactor: Redactor
) -> Parameters:
    """Read the values behind the `*_PARAM` variables; waits while SSM is away."""
    store = open_parameter_store(settings.aws_region)
    parameters = Parameters(store, parameter_names(settings.model_dump()), redactor)
    patience.call("parameters", parameters.refresh, (TemporaryError,))
    return parameters


def open_jobs(parameters: Parameters, patience: Patience, *, connections: int) -> JobStore:
    """
    Open the table of jobs, its schema brought up to date; waits while the database is away.

    Raises:
        AccessError: The database refuses us also with parameters just read.
    """
    engine = open_engine(parameters.database_login, connections=connections)

    def prepare() -> None:
        try:
            migrate(engine)
        except AccessError:
            if not parameters.refresh():
                raise
            migrate(engine)

    patience.call("database", prepare, (TemporaryError,))
    return MysqlJobStore(engine)


def open_broker(parameters: Parameters, name: str) -> Connection:
    """
    Connect to the broker.

    Raises:
        AccessError: It refuses us also with parameters just read.
        ConnectionLostError: It cannot be reached.
        TrustError: Its certificate is not trusted.
    """

    def attempt() -> Connection:
        return connect(
            [parameters["mq_endpoint"]],
            parameters["mq_username"],
            parameters["mq_password"],
            name=f"{worker_id()}-{name}",
        )

    try:
        return attempt()
    except AccessError:
        if not parameters.refresh():
            raise
        return attempt()


def _refresh_if_possible(parameters: Parameters) -> None:
    try:
        parameters.refresh()
    except TemporaryError:
        return  # the old values stand; whoever waits asks again
