"""
The checks of `gradectl doctor`: symptoms of section 8 of the contract, and their causes; pure.

A check looks at observations and names the first cause that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from gradectl.adapters.aws.ecs_models import COMPLETED, FAILED, revision_name
from gradectl.adapters.aws.state_models import ManagedState, SqsQueueState
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
)
from gradectl.monitoring.stopped_tasks import causes
from gradectl.queues.message_view import age
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
    RESULTS_QUEUE,
    TransportName,
)
from grader.ports.messages import QueueStatistics

NOT_PROCESSED = "messages pile up and nothing is processed"
NO_RESULT = "graded but no result comes back"
SLOW = "slow"
OUT_OF_MEMORY = "out of memory"
API_SILENT = "the HTTP API does not answer"

#: A deployment that takes longer is stuck: a task needs about two minutes until it is healthy.
_DEPLOYMENT = timedelta(minutes=10)
#: The threshold of the alarm grading-queue-size-high.
_MANY = 100
#: A request that waits longer is late; the alarm of the oldest message has the same time.
_LATE_SECONDS = 15 * 60
#: Results that wait longer have no consumer.
_UNCOLLECTED_SECONDS = 60 * 60
_BROKER_PORT, _DATABASE_PORT = 61614, 3306
_BUSY_PERCENT = 90.0
_UNITS = 1024  # CPU units of one processor
#: Words of AWS when the role of the tasks lacks a right.
_DENIED = ("AccessDenied", "is not authorized to perform", "Forbidden")


@dataclass(frozen=True)
class Cause:
    """
    What is wrong, and the next command or the setting to change.

    Attributes:
        text: What is wrong.
        next_step: The command or setting.
        is_note: It may be intended, so the check does not fail.
    """

    text: str
    next_step: str
    is_note: bool = False


@dataclass(frozen=True)
class Check:
    """
    A check.

    Attributes:
        name: Its name, kebab-case.
        symptom: The symptom whose cause it looks for.
        parts: The parts that must have been read.
        find: Finds the cause; None when nothing is wrong.
    """

    name: str
    symptom: str
    parts: tuple[str, ...]
    find: Callable[[Observations], Cause | None]


@dataclass(frozen=True)
class CheckResult:
    """The outcome of a check: `ok`, `failed`, or `unknown` when a part could not be read."""

    check: Check
    outcome: str
    cause: str = ""
    next_step: str = ""


def run_checks(seen: Observations) -> list[CheckResult]:
    """Run all checks, in their order."""
    return [_run(check, seen) for check in CHECKS]


def _run(check: Check, seen: Observations) -> CheckResult:
    reasons = [seen.unknown[part] for part in check.parts if part in seen.unknown]
    if reasons:
        return CheckResult(check, "unknown", reasons[0])
    cause = check.find(seen)
    if cause is None:
        return CheckResult(check, "ok")
    outcome = "ok" if cause.is_note else "failed"
    return CheckResult(check, outcome, cause.text, cause.next_step)


def _service(seen: Observations) -> Cause | None:
    name = seen.environment
    if seen.service is None:
        return Cause("the service of the workers does not exist", f"gradectl apply {name}")
    if seen.paused:
        return Cause(f"the workers are {seen.paused}", f"gradectl queue resume -e {name}")
    if seen.service.desired == 0 and _waiting(seen):
        text = f"{_waiting(seen)} messages wait, and the desired number of workers is 0"
        return Cause(text, "raise ecs_min_capacity or ecs_desired_count, then apply")
    return None


def _deployment(seen: Observations) -> Cause | None:
    if seen.service is None or seen.service.primary is None:
        return None
    primary, name = seen.service.primary, seen.environment
    revision = revision_name(primary.task_definition)
    if primary.rollout == FAILED:
        text = f"the deployment of {revision} failed: {primary.reason}"
        return Cause(text, f"gradectl logs {name} --since 1h, then gradectl rollback {name}")
    started = primary.created_at
    if primary.rollout not in (COMPLETED, "") and started and seen.taken_at - started > _DEPLOYMENT:
        minutes = int((seen.taken_at - started).total_seconds() / 60)
        text = f"the deployment of {revision} has been in progress for {minutes} minutes"
        return Cause(text, f"gradectl logs {name} --since 1h, then gradectl rollback {name}")
    for each in seen.service.deployments:
        if each.rollout == FAILED:
            text = f"ECS rolled back {revision_name(each.task_definition)}: {each.reason}"
            return Cause(text, f"gradectl logs {name} --since 1h")
    return None


def _workers(seen: Observations) -> Cause | None:
    stopped = [cause for cause in causes(seen.stopped) if not cause.out_of_memory]
    logs = f"gradectl logs {seen.environment} --since 1h"
    if stopped:
        return Cause(f"workers stopped: {stopped[0]}", stopped[0].remedy or logs)
    service = seen.service
    if service and service.running < service.desired and not seen.stopped:
        text = f"only {service.running} of {service.desired} workers are running"
        events = f"; ECS says: {service.events[0].text}" if service.events else ""
        return Cause(text + events, logs)
    return None


def _health(seen: Observations) -> Cause | None:
    sick = [task.task_id for task in seen.tasks if task.health == "UNHEALTHY"]
    if not sick:
        return None
    text = f"the health check of {len(sick)} workers fails, such as {sick[0]}"
    return Cause(text, f"gradectl logs {seen.environment} --grep 'ERROR|WARNING'")


def _consumers(seen: Observations) -> Cause | None:
    service = seen.service
    if _uses_sqs(seen):
        return _polls(seen)
    counters = [seen.queues.get(name) for name in (REQUESTS_QUEUE, PRIORITY_QUEUE)]
    known = [each for each in counters if each]
    if service is None or not service.running or not known:
        return None
    if any(each.consumers or each.in_flight for each in known):
        return None
    text = f"{service.running} workers are running, and none is connected to the broker"
    return Cause(text, f"gradectl logs {seen.environment} --grep ERROR")


def _polls(seen: Observations) -> Cause | None:
    """
    Whether no worker receives from SQS, which does not count consumers.

    An idle worker polls three times a minute. Where CloudWatch has no figures, waiting requests
    tell, none of which is in flight.
    """
    running = seen.service.running if seen.service else 0
    known = _sqs_requests(seen)
    if not running or not known or any(each.in_flight for each in known):
        return None
    polls = [each.receives for each in known if each.receives is not None]
    logs = f"gradectl logs {seen.environment} --grep ERROR"
    if polls and not sum(polls):
        text = f"{running} workers are running, and none has polled the queues for ten minutes"
        return Cause(text, logs)
    waiting = sum(each.visible for each in known)
    if not polls and waiting:
        text = f"{running} workers are running, {waiting} messages wait, and none is in flight"
        return Cause(text, logs)
    return None


def _redrive_policy(seen: Observations) -> Cause | None:
    """Whether a message that ends each worker would be received without end."""
    for name in (REQUESTS_QUEUE, PRIORITY_QUEUE):
        state = seen.sqs_queues.get(name)
        if state is not None and not state.dead_letter_queue:
            text = f"{name} has no redrive policy: SQS never moves a message to {DEAD_LETTER_QUEUE}"
            return Cause(text, f"gradectl apply {seen.environment}")
    return None


def _oldest_request(seen: Observations) -> Cause | None:
    """Whether a request waits for long; ActiveMQ does not report the age of messages."""
    for name in (REQUESTS_QUEUE, PRIORITY_QUEUE):
        state = seen.sqs_queues.get(name)
        if state is not None and (state.oldest_seconds or 0) > _LATE_SECONDS and state.visible:
            text = f"the oldest message of {name} is {age(state.oldest_seconds or 0)} old"
            return Cause(text, f"gradectl queue list -e {seen.environment}")
    return None


def _uses_sqs(seen: Observations) -> bool:
    return seen.transports.active is TransportName.SQS


def _sqs_requests(seen: Observations) -> list[SqsQueueState]:
    """The request queues of SQS that exist."""
    states = [seen.sqs_queues.get(name) for name in (REQUESTS_QUEUE, PRIORITY_QUEUE)]
    return [each for each in states if each]


def _request_queues(seen: Observations) -> Cause | None:
    for name in (REQUESTS_QUEUE, PRIORITY_QUEUE):
        if name in seen.queues and seen.queues[name] is None:
            return Cause(f"{name} does not exist", f"gradectl apply {seen.environment}")
    return None


def _broker(seen: Observations) -> Cause | None:
    if not seen.transports.has_broker:
        return None
    return _managed(BROKER, seen.broker, seen.environment)


def _managed(part: str, state: ManagedState | None, environment: str) -> Cause | None:
    if state is None:
        return Cause(f"the {part} does not exist", f"gradectl apply {environment}")
    if not state.ready:
        return Cause(f"the {part} is {state.state}", f"gradectl status {environment} --watch")
    return None


def _parameters(seen: Observations) -> Cause | None:
    apply = f"gradectl apply {seen.environment}"
    for name, kind in seen.wanted_parameters.items():
        found = seen.parameter_types.get(name)
        if found is None:
            return Cause(f"the parameter {name} does not exist", apply)
        if kind == "SecureString" and found != kind:
            return Cause(f"the parameter {name} is a {found} and must be a {kind}", apply)
    return None


def _broker_address(seen: Observations) -> Cause | None:
    apply = f"gradectl apply {seen.environment}"
    if seen.broker is None or seen.emulated or not seen.transports.has_broker:
        return None
    unknown = [each for each in seen.endpoint.split(",") if each not in seen.broker.endpoints]
    if seen.broker.endpoints and unknown:
        text = f"SSM has the address {unknown[0]}, which is not one of broker {seen.broker.name}"
        return Cause(text, apply)
    if seen.broker.users and seen.username and seen.username not in seen.broker.users:
        return Cause(f"the broker has no user {seen.username!r}, which SSM names", apply)
    return None


def _security_groups(seen: Observations) -> Cause | None:
    if seen.service is None or not seen.service.security_groups:
        return None
    for part, state, port in (
        (BROKER, seen.broker, _BROKER_PORT),
        (DATABASE, seen.database, _DATABASE_PORT),
    ):
        if state is None or not state.security_groups:
            continue
        rules = [each for each in seen.ingress if each.group_id in state.security_groups]
        if not any(each.accepts(port, seen.service.security_groups) for each in rules):
            groups = ", ".join(state.security_groups)
            text = f"the security groups of the {part} ({groups}) do not let workers in on {port}"
            return Cause(text, f"gradectl plan {seen.environment}")
    return None


def _result_queue(seen: Observations) -> Cause | None:
    counters = seen.queues.get(RESULTS_QUEUE)
    if RESULTS_QUEUE in seen.queues and counters is None:
        return Cause(f"{RESULTS_QUEUE} does not exist", f"gradectl apply {seen.environment}")
    if counters is None or not counters.size:
        return None
    if _uses_sqs(seen):  # it deletes results that are not read, as users of the API leave them
        return None if seen.has_api else _uncollected(seen.sqs_queues.get(RESULTS_QUEUE))
    if counters.consumers:
        return None
    text = f"{counters.size} results wait, and no consumer takes them"
    if seen.has_api:
        hint = "if everyone uses the API, set RESULT_EXPIRY_SECONDS in grading_worker_settings"
        return Cause(text, hint, is_note=True)
    return Cause(text, "check the connection of the web tier to the broker")


def _uncollected(state: SqsQueueState | None) -> Cause | None:
    """Whether no program receives the results of SQS."""
    if state is None or state.in_flight:
        return None
    oldest = state.oldest_seconds or 0.0
    if state.receives == 0 or oldest > _UNCOLLECTED_SECONDS:
        text = f"{state.visible} results wait, the oldest for {age(oldest)}"
        if state.receives == 0:
            text += ", and none was polled for ten minutes"
        hint = "check that the web tier receives from SQS_RESULT_QUEUE_URL and deletes results"
        return Cause(text, hint)
    return None


def _dead_letters(seen: Observations) -> Cause | None:
    counters = seen.queues.get(DEAD_LETTER_QUEUE)
    if not counters or not counters.size:
        return None
    inspect = f"gradectl queue inspect {DEAD_LETTER_QUEUE} -e {seen.environment}"
    if _uses_sqs(seen):
        inspect += " --sample 10"
    return Cause(f"{counters.size} requests failed and are in {DEAD_LETTER_QUEUE}", inspect)


def _bucket(seen: Observations) -> Cause | None:
    if seen.bucket_exists:
        return None
    text = "the bucket of submissions and results does not exist"
    return Cause(text, f"gradectl apply {seen.environment}")


def _permissions(seen: Observations) -> Cause | None:
    denied = [line for line in seen.errors if _is_denied(line)]
    if not denied:
        return None
    text = f"the role of the workers lacks a right: {denied[-1]}"
    return Cause(text, f"gradectl verify {seen.environment}")


def _is_denied(line: str) -> bool:
    """Whether AWS refused a call of a worker."""
    return any(word in line for word in _DENIED)


def _errors(seen: Observations) -> Cause | None:
    others = [line for line in seen.errors if not _is_denied(line)]
    if not others:
        return None
    grep = f"gradectl logs {seen.environment} --grep 'ERROR|\"error\"'"
    return Cause(f"workers logged errors, the last one: {others[-1]}", grep)


def _cpu(seen: Observations) -> Cause | None:
    if seen.cpu_percent is None or seen.cpu_percent < _BUSY_PERCENT or not _waiting(seen):
        return None
    has = f" of {seen.revision.cpu} units" if seen.revision and seen.revision.cpu else ""
    used = f"workers use {seen.cpu_percent:.0f} % of their CPU{has}"
    text = f"{used}, and {_waiting(seen)} messages wait"
    return Cause(text, "raise ecs_task_cpu or ecs_max_capacity, then apply")


def _parallelism(seen: Observations) -> Cause | None:
    revision = seen.revision
    if revision is None or not revision.cpu.isdecimal() or revision.slots == 1:
        return None
    processors = int(revision.cpu) / _UNITS
    if revision.slots <= processors:
        return None
    text = (
        f"a worker judges {revision.slots} requests at a time on {processors:g} processors,"
        " so their programs slow each other down"
    )
    return Cause(
        text, "lower WORKER_SLOTS in grading_worker_settings, or raise ecs_task_cpu, then apply"
    )


def _maximum(seen: Observations) -> Cause | None:
    service, bounds = seen.service, seen.scaling_bounds
    if service is None or _waiting(seen) <= _MANY:
        return None
    if bounds is None:
        text = f"{_waiting(seen)} messages wait for {service.running} workers without autoscaling"
        return Cause(text, "set enable_ecs_autoscaling or raise ecs_desired_count, then apply")
    if service.running >= bounds[1]:
        text = f"{_waiting(seen)} messages wait, and the maximum of {bounds[1]} workers is running"
        return Cause(text, "raise ecs_max_capacity or ecs_task_cpu, then apply")
    return None


def _memory(seen: Observations) -> Cause | None:
    found = [cause for cause in causes(seen.stopped) if cause.out_of_memory]
    if not found:
        return None
    has = f" of {seen.revision.memory} MB" if seen.revision and seen.revision.memory else ""
    text = f"workers exceeded the memory{has}: {found[0]}"
    return Cause(text, "raise ecs_task_memory, then apply")


def _api(seen: Observations) -> Cause | None:
    """Whether tasks of the HTTP API run, and those of the last deployment."""
    service, name = seen.api, seen.environment
    if not seen.has_api:
        return None
    logs = f"gradectl logs {name} --service api --since 1h"
    if service is None:
        return Cause("the service of the HTTP API does not exist", f"gradectl apply {name}")
    for each in service.deployments:
        if each.rollout == FAILED:
            text = f"the deployment of {revision_name(each.task_definition)} failed: {each.reason}"
            return Cause(text, f"{logs}, then gradectl rollback {name}")
    stopped = causes(seen.api_stopped)
    if stopped:
        return Cause(f"tasks of the HTTP API stopped: {stopped[0]}", logs)
    if not service.running or service.running < service.desired:
        text = f"only {service.running} of {service.desired} tasks of the HTTP API are running"
        return Cause(text, logs)
    return None


def _api_targets(seen: Observations) -> Cause | None:
    """Whether the load balancer reaches the tasks of the HTTP API, and finds them healthy."""
    sick = [each for each in seen.api_targets if each.state not in ("healthy", "draining")]
    if not sick:
        return None
    first = sick[0]
    text = f"the load balancer finds {len(sick)} tasks of the HTTP API not healthy, such as"
    text += f" {first.target}: {first.state} {first.reason}".rstrip()
    return Cause(text, f"gradectl logs {seen.environment} --service api --grep 'ERROR|WARNING'")


def _redis(seen: Observations) -> Cause | None:
    """Whether Redis runs; without it results arrive by the database, a little later."""
    return _managed(REDIS, seen.redis, seen.environment) if seen.has_redis else None


def _waiting(seen: Observations) -> int:
    """Number of requests that wait."""
    queues: Mapping[str, QueueStatistics | None] = seen.queues
    counters = [queues.get(name) for name in (REQUESTS_QUEUE, PRIORITY_QUEUE)]
    return sum(each.waiting for each in counters if each)


CHECKS = (
    Check("service", NOT_PROCESSED, (SERVICE,), _service),
    Check("deployment", NOT_PROCESSED, (SERVICE,), _deployment),
    Check("workers", NOT_PROCESSED, (SERVICE,), _workers),
    Check("worker-health", NOT_PROCESSED, (SERVICE,), _health),
    Check("broker", NOT_PROCESSED, (BROKER,), _broker),
    Check("request-queues", NOT_PROCESSED, (QUEUES,), _request_queues),
    Check("consumers", NOT_PROCESSED, (SERVICE, QUEUES), _consumers),
    Check("redrive-policy", NOT_PROCESSED, (QUEUES,), _redrive_policy),
    Check("parameters", NOT_PROCESSED, (PARAMETERS,), _parameters),
    Check("broker-address", NOT_PROCESSED, (BROKER, PARAMETERS), _broker_address),
    Check("security-groups", NOT_PROCESSED, (SERVICE, BROKER, DATABASE, NETWORK), _security_groups),
    Check("result-queue", NO_RESULT, (QUEUES,), _result_queue),
    Check(
        "database",
        NO_RESULT,
        (DATABASE,),
        lambda seen: _managed(DATABASE, seen.database, seen.environment),
    ),
    Check("bucket", NO_RESULT, (BUCKET,), _bucket),
    Check("dead-letters", NO_RESULT, (QUEUES,), _dead_letters),
    Check("permissions", NO_RESULT, (LOG,), _permissions),
    Check("errors", NO_RESULT, (LOG,), _errors),
    Check("redis", SLOW, (REDIS,), _redis),
    Check("oldest-request", SLOW, (QUEUES,), _oldest_request),
    Check("parallelism", SLOW, (SERVICE,), _parallelism),
    Check("cpu", SLOW, (CPU, QUEUES), _cpu),
    Check("maximum", SLOW, (SERVICE, QUEUES, SCALING), _maximum),
    Check("memory", OUT_OF_MEMORY, (SERVICE,), _memory),
    Check("api", API_SILENT, (API,), _api),
    Check("api-targets", API_SILENT, (TARGETS,), _api_targets),
)
