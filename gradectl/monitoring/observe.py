"""Observes an environment; every call is a read, and a part that fails does not hide the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gradectl.adapters.aws.ecs_models import EcsService
from gradectl.adapters.aws.state_models import SqsQueueState
from gradectl.errors import GradectlError
from gradectl.monitoring.log_sources import LogSource
from gradectl.monitoring.names import ResourceNames
from gradectl.monitoring.observations import (
    API,
    BROKER,
    BUCKET,
    CPU,
    DATABASE,
    LOG,
    NETWORK,
    PARAMETERS,
    QUEUES,
    REDIS,
    SCALING,
    SERVICE,
    TARGETS,
    Observations,
    Transports,
)
from gradectl.monitoring.paused import pause_text
from gradectl.monitoring.stopped_tasks import failed
from gradectl.queues.inspection import queue_states
from gradectl.target import EnvironmentClient
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
    RESULTS_QUEUE,
    TransportName,
    parameter_name,
)
from grader.contract.names import QUEUES as QUEUE_NAMES
from grader.errors import GraderError
from grader.ports.messages import QueueStatistics

_ERRORS_SECONDS = 15 * 60
_ERROR_LINES = 3
_ERROR_WORDS = (" ERROR: ", '"level": "error"')
_NOT_NAMED = "an existing one, whose name is not in environment.yaml"
#: Key of the parameter with the URL of each queue of SQS.
_URL_KEYS = {
    REQUESTS_QUEUE: "requests-url",
    PRIORITY_QUEUE: "priority-url",
    RESULTS_QUEUE: "results-url",
    DEAD_LETTER_QUEUE: "dead-letter-url",
}


@dataclass
class Observer:
    """
    Reads the parts of one environment.

    Args:
        target: The environment.
    """

    target: EnvironmentClient
    _unknown: dict[str, str] = field(default_factory=dict, init=False)
    _unreachable: GradectlError | GraderError | None = field(default=None, init=False)

    def status(self) -> Observations:
        """Observe what `gradectl status` shows."""
        return Observations(**self._status())

    def everything(self, log: LogSource) -> Observations:
        """
        Observe what `gradectl doctor` checks.

        Args:
            log: The logs of the workers.
        """
        found = self._status()
        names, states = self._names, self.target.aws.states
        wanted = wanted_parameters(names.environment, found["transports"])
        groups = [
            group
            for managed in (found["broker"], found["database"])
            for group in (managed.security_groups if managed else ())
        ]
        api: EcsService | None = found.get("api")
        login = self._login if found["transports"].has_broker else lambda: ("", "")
        endpoint, username = self._read(PARAMETERS, login, ("", ""))
        found |= {
            "wanted_parameters": wanted,
            "parameter_types": self._read(
                PARAMETERS, lambda: self.target.aws.parameter_types(list(wanted)), {}
            ),
            "endpoint": endpoint,
            "username": username,
            "emulated": self.target.environment.emulated,
            "scaling_bounds": self._read(
                SCALING, lambda: states.scaling_bounds(names.cluster, names.service), None
            ),
            "cpu_percent": self._read(
                CPU, lambda: states.cpu_percent(names.cluster, names.service), None
            ),
            "api_targets": self._read(
                TARGETS, lambda: states.targets(api.target_groups if api else ()), ()
            ),
            "ingress": self._read(NETWORK, lambda: states.ingress(groups), ()),
            "bucket_exists": self._read(
                BUCKET, lambda: self.target.aws.buckets.exists(self.target.bucket), True
            ),
            "errors": self._read(LOG, lambda: latest_errors(log), ()),
        }
        return Observations(**found)

    @property
    def _names(self) -> ResourceNames:
        return ResourceNames.of(self.target.environment)

    def _status(self) -> dict[str, Any]:
        """The parts of the status, as arguments of `Observations`."""
        self._unknown = {}
        names, aws = self._names, self.target.aws
        service = self._read(SERVICE, lambda: aws.services.find(names.cluster, names.service), None)
        transports = self._read(QUEUES, self._transports, Transports())
        found: dict[str, Any] = {
            "environment": names.environment,
            "taken_at": datetime.now(UTC),
            "service": service,
            "transports": transports,
            "broker": self._managed(BROKER, names.broker, aws.states.broker)
            if transports.has_broker
            else None,
            "database": self._managed(DATABASE, names.database, aws.states.database),
            "paused": pause_text(aws, names.environment),
            "unknown": self._unknown,
            **self._tasks(service),
            **self._api(),
            "has_redis": bool(names.redis),
            "redis": self._managed(REDIS, names.redis, aws.states.redis) if names.redis else None,
        }
        if transports.active is TransportName.SQS:
            states = self._read(QUEUES, lambda: self._sqs_states(transports.sqs_urls), {})
            return {**found, "sqs_queues": states, "queues": sqs_counters(states)}
        queues, source = self._read(QUEUES, self._queues, ({}, ""))
        return {**found, "queues": queues, "queues_from": source}

    def _transports(self) -> Transports:
        """What carries the messages, from SSM; before the first apply, from the variables."""
        environment = self.target.environment
        endpoint = parameter_name(environment.name, "mq", "broker-endpoint")
        active = parameter_name(environment.name, "sqs", "active")
        keys = {
            queue: parameter_name(environment.name, "sqs", key) for queue, key in _URL_KEYS.items()
        }
        found = self.target.aws.parameters_if_any([endpoint, active, *keys.values()])
        urls = {queue: found[name] for queue, name in keys.items() if name in found}
        if active in found or endpoint in found:
            is_sqs = found.get(active) == "true"
        else:
            is_sqs = environment.variables.get("use_sqs_queue") is True
        kind = TransportName.SQS if is_sqs else TransportName.ACTIVEMQ
        return Transports(kind, endpoint in found or not is_sqs, urls)

    def _sqs_states(self, urls: Mapping[str, str]) -> dict[str, SqsQueueState | None]:
        """The queues of SQS; one without an address does not exist, except the priority queue."""
        found = self.target.aws.sqs_states.read(urls)
        return {
            queue: found.get(queue)
            for queue in QUEUE_NAMES
            if queue in urls or queue != PRIORITY_QUEUE
        }

    def _tasks(self, service: EcsService | None) -> dict[str, Any]:
        """The tasks of the service and their task definition."""
        if service is None:
            return {}
        names, services = self._names, self.target.aws.services
        return {
            "revision": self._read(
                SERVICE,
                lambda: services.revision(service.task_definition, names.container),
                None,
            ),
            "tasks": self._read(SERVICE, lambda: services.tasks(names.cluster, service.name), ()),
            "stopped": self._read(
                SERVICE, lambda: failed(services.stopped_tasks(names.cluster, service.name)), ()
            ),
        }

    def _api(self) -> dict[str, Any]:
        """The service of the HTTP API and its tasks."""
        api = self._names.services.get(API)
        if api is None:
            return {}
        cluster, services = self._names.cluster, self.target.aws.services
        service = self._read(API, lambda: services.find(cluster, api.service), None)
        found: dict[str, Any] = {"has_api": True, "api": service}
        if service is None:
            return found
        return {
            **found,
            "api_stopped": self._read(
                API, lambda: failed(services.stopped_tasks(cluster, service.name)), ()
            ),
        }

    def _managed(self, part: str, name: str, read: Callable[[str], Any]) -> Any:  # noqa: ANN401 - a state or None
        """A broker or database; one that exists elsewhere may have no name here."""
        if not name:
            self._unknown[part] = _NOT_NAMED
            return None
        return self._read(part, lambda: read(name), None)

    def _queues(self) -> tuple[dict[str, QueueStatistics | None], str]:
        """The counters of the queues: from the broker, otherwise from CloudWatch."""
        if self._unreachable is None:
            try:
                with self.target.broker("operator") as broker:
                    return {s.queue: s.counters for s in queue_states(broker.inspector)}, ""
            except (GradectlError, GraderError) as error:
                failure = error
        else:
            failure = self._unreachable
        name = self._names.broker
        metrics = self.target.aws.states.queue_metrics(name, QUEUE_NAMES) if name else {}
        if not metrics:
            raise failure
        # It is not tried again: each try takes as long as the connection timeout.
        self._unreachable = failure
        # CloudWatch does not distinguish a queue without messages from one that does not exist.
        counters: dict[str, QueueStatistics | None] = dict(metrics)
        return counters, f"CloudWatch, some minutes old: {failure.what}"

    def _login(self) -> tuple[str, str]:
        """Address of the broker and user name of the workers; no password is read."""
        env = self._names.environment
        endpoint = parameter_name(env, "mq", "broker-endpoint")
        users = [parameter_name(env, part, "username") for part in ("mq-worker", "mq")]
        found = self.target.aws.parameters_if_any([endpoint, *users])
        return found.get(endpoint, ""), next((found[each] for each in users if each in found), "")

    def _read(self, part: str, read: Callable[[], Any], otherwise: Any) -> Any:  # noqa: ANN401 - what `read` returns
        """Read a part; when that fails, say why in `unknown`."""
        try:
            return read()
        except (GradectlError, GraderError) as error:
            self._unknown.setdefault(part, error.what)
            return otherwise


def sqs_counters(
    states: Mapping[str, SqsQueueState | None],
) -> dict[str, QueueStatistics | None]:
    """The counters of queues of SQS, which knows neither consumers nor totals."""
    return {queue: _counters(queue, each) if each else None for queue, each in states.items()}


def _counters(queue: str, state: SqsQueueState) -> QueueStatistics:
    return QueueStatistics(
        queue=queue,
        size=state.visible + state.in_flight + state.delayed,
        in_flight=state.in_flight,
        consumers=None,
        producers=0,
        enqueued=0,
        dequeued=0,
        expired=0,
        taken_at_ms=int(time.time() * 1000),
        delayed=state.delayed,
    )


def wanted_parameters(environment: str, transports: Transports | None = None) -> dict[str, str]:
    """
    The SSM parameters that an environment must have, and their types.

    Args:
        environment: Name of the environment.
        transports: What carries its messages; by default a broker.
    """
    kinds = transports or Transports()
    plain = [("db", key) for key in ("endpoint", "name", "username")]
    secret = [("db", "password")]
    if kinds.has_broker:
        plain = [("mq", "broker-endpoint"), ("mq", "username"), *plain]
        secret = [("mq", "password"), *secret]
    if kinds.active is TransportName.SQS:
        keys = [key for queue, key in _URL_KEYS.items() if queue != PRIORITY_QUEUE]
        plain += [("sqs", key) for key in ("active", *keys)]
    return {
        **{parameter_name(environment, part, key): "String" for part, key in plain},
        **{parameter_name(environment, part, key): "SecureString" for part, key in secret},
    }


def latest_errors(log: LogSource) -> tuple[str, ...]:
    """The latest error lines of the workers within some minutes."""
    start_ms = int((time.time() - _ERRORS_SECONDS) * 1000)
    found = [
        line.text for line in log.read(start_ms) if any(word in line.text for word in _ERROR_WORDS)
    ]
    return tuple(found[-_ERROR_LINES:])
