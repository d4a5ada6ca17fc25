"""Each check of `gradectl doctor` fires for its cause, and only for that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gradectl.adapters.aws.ecs_models import (
    EcsDeployment,
    EcsService,
    EcsTask,
    ServiceEvent,
    TaskRevision,
)
from gradectl.adapters.aws.state_models import (
    IngressRule,
    ManagedState,
    SqsQueueState,
    TargetHealth,
)
from gradectl.monitoring.checks import CHECKS, run_checks
from gradectl.monitoring.observations import Observations, Transports
from gradectl.monitoring.observe import sqs_counters, wanted_parameters
from gradectl.monitoring.stopped_tasks import failed
from grader.contract.names import QUEUES, TransportName
from grader.ports.messages import QueueStatistics

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task:8"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEPLOYMENT = EcsDeployment("ecs-svc/1", ARN, rollout="COMPLETED", created_at=NOW - timedelta(1))
SERVICE = EcsService(
    "dev-grading-service", 2, 2, 0, ARN, (DEPLOYMENT,), security_groups=("sg-worker",)
)
BROKER = ManagedState(
    "dev-grading-mq",
    "RUNNING",
    True,
    security_groups=("sg-broker",),
    users=("admin", "worker"),
    endpoints=("stomp+ssl://b-1.mq:61614",),
)
DATABASE = ManagedState("dev-grading", "available", True, security_groups=("sg-database",))
API = EcsService("dev-grading-api", 2, 2, 0, ARN, (DEPLOYMENT,))
REDIS = ManagedState("dev-grading-redis", "available", True, "valkey")
PARAMETERS = wanted_parameters("dev")


WITHOUT_API: dict[str, Any] = {"has_api": False, "api": None, "api_targets": ()}


def queue(name: str, size: int = 0, consumers: int = 1) -> QueueStatistics:
    return QueueStatistics(name, size, 0, consumers, 0, 0, 0, 0, 0)


HEALTHY = Observations(
    "dev",
    NOW,
    service=SERVICE,
    revision=TaskRevision(ARN, "worker:1", memory="1024"),
    tasks=(EcsTask("t1", ARN, state="RUNNING", health="HEALTHY"),),
    broker=BROKER,
    database=DATABASE,
    has_api=True,
    api=API,
    api_targets=(TargetHealth("10.0.1.5:8080", "healthy"),),
    has_redis=True,
    redis=REDIS,
    queues={name: queue(name) for name in QUEUES},
    parameter_types=PARAMETERS,
    wanted_parameters=PARAMETERS,
    endpoint="stomp+ssl://b-1.mq:61614",
    username="worker",
    scaling_bounds=(1, 10),
    ingress=(
        IngressRule("sg-broker", 61614, 61614, "sg-worker"),
        IngressRule("sg-database", 3306, 3306, "sg-worker"),
    ),
)


def queues(name: str, counters: QueueStatistics | None, *others: str) -> dict[str, Any]:
    changed = {each: queue(each, consumers=0) for each in others}
    return {"queues": {**HEALTHY.queues, **changed, name: counters}}


def service(**changes: Any) -> dict[str, Any]:
    return {"service": replace(SERVICE, **changes)}


def deployment(**changes: Any) -> dict[str, Any]:
    return service(deployments=(replace(DEPLOYMENT, **changes),))


CRASHED = EcsTask("t2", stop_code="EssentialContainerExited", exit_codes={"grading-worker": 78})
KILLED = EcsTask("t3", stop_code="EssentialContainerExited", exit_codes={"grading-worker": 137})
REQUESTS = "grading-requests"
#: Name of a check, what is changed in a healthy environment, and words of cause and next step.
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("service", {"service": None}, "does not exist", "gradectl apply dev"),
    (
        "service",
        {**service(desired=0, running=0), **queues(REQUESTS, queue(REQUESTS, 5))},
        "5 messages wait, and the desired number of workers is 0",
        "ecs_min_capacity",
    ),
    (
        "deployment",
        deployment(rollout="FAILED", reason="tasks failed to start"),
        "tasks failed to start",
        "gradectl rollback dev",
    ),
    (
        "deployment",
        deployment(rollout="IN_PROGRESS", created_at=NOW - timedelta(minutes=30)),
        "in progress for 30 minutes",
        "gradectl rollback dev",
    ),
    (
        "deployment",
        service(
            deployments=(
                DEPLOYMENT,
                replace(DEPLOYMENT, deployment_id="2", rollout="FAILED", status="ACTIVE"),
            )
        ),
        "ECS rolled back",
        "gradectl logs dev",
    ),
    ("workers", {"stopped": (CRASHED,)}, "exit code 78", "last log lines"),
    (
        "workers",
        service(running=1, events=(ServiceEvent(NOW, "was unable to place a task"),)),
        "only 1 of 2 workers are running; ECS says: was unable to place a task",
        "gradectl logs dev",
    ),
    (
        "worker-health",
        {"tasks": (EcsTask("t9", health="UNHEALTHY"),)},
        "t9",
        "gradectl logs dev --grep",
    ),
    ("broker", {"broker": None}, "the broker does not exist", "gradectl apply dev"),
    (
        "broker",
        {"broker": replace(BROKER, state="REBOOT_IN_PROGRESS", ready=False)},
        "REBOOT_IN_PROGRESS",
        "gradectl status dev --watch",
    ),
    ("request-queues", queues("grading-priority", None), "does not exist", "gradectl apply dev"),
    (
        "consumers",
        queues(REQUESTS, queue(REQUESTS, 3, 0), "grading-priority"),
        "none is connected to the broker",
        "gradectl logs dev --grep ERROR",
    ),
    (
        "parameters",
        {"parameter_types": {**PARAMETERS, "/dev/mq/password": "String"}},
        "/dev/mq/password is a String and must be a SecureString",
        "gradectl apply dev",
    ),
    ("parameters", {"parameter_types": {}}, "/dev/mq/broker-endpoint does not exist", "apply"),
    (
        "broker-address",
        {"endpoint": "stomp+ssl://b-old.mq:61614"},
        "b-old.mq",
        "gradectl apply dev",
    ),
    ("broker-address", {"username": "wroker"}, "no user 'wroker'", "gradectl apply dev"),
    (
        "security-groups",
        {"ingress": (HEALTHY.ingress[1], IngressRule("sg-broker", 61614, 61614, "sg-web"))},
        "the broker (sg-broker) do not let workers in on 61614",
        "gradectl plan dev",
    ),
    ("security-groups", {"ingress": HEALTHY.ingress[:1]}, "let workers in on 3306", "plan dev"),
    ("result-queue", queues("grading-results", None), "does not exist", "gradectl apply dev"),
    (
        "result-queue",
        {**queues("grading-results", queue("grading-results", 4, 0)), **WITHOUT_API},
        "4 results wait",
        "web tier",
    ),
    (
        "database",
        {"database": replace(DATABASE, state="storage-full", ready=False)},
        "storage-full",
        "gradectl status dev --watch",
    ),
    ("bucket", {"bucket_exists": False}, "the bucket", "gradectl apply dev"),
    (
        "dead-letters",
        queues("grading-dlq", queue("grading-dlq", 2, 0)),
        "2 requests failed",
        "gradectl queue inspect grading-dlq -e dev",
    ),
    (
        "permissions",
        {"errors": ("ERROR: AccessDenied: s3:PutObject on results/", "INFO: AccessDenied: x")},
        "lacks a right: INFO: AccessDenied: x",
        "gradectl verify dev",
    ),
    ("errors", {"errors": ("a", "ERROR: no space left")}, "no space left", "gradectl logs dev"),
    (
        "parallelism",
        {"revision": TaskRevision(ARN, "worker:1", cpu="1024", memory="1024", slots=2)},
        "2 requests at a time on 1 processors",
        "WORKER_SLOTS",
    ),
    (
        "cpu",
        {"cpu_percent": 97.4, **queues(REQUESTS, queue(REQUESTS, 12))},
        "97 % of their CPU, and 12 messages wait",
        "ecs_task_cpu",
    ),
    (
        "maximum",
        {**service(running=10, desired=10), **queues(REQUESTS, queue(REQUESTS, 500))},
        "the maximum of 10 workers",
        "ecs_max_capacity",
    ),
    (
        "maximum",
        {"scaling_bounds": None, **queues(REQUESTS, queue(REQUESTS, 500))},
        "without autoscaling",
        "enable_ecs_autoscaling",
    ),
    ("memory", {"stopped": (KILLED,)}, "1024 MB", "raise ecs_task_memory"),
    ("redis", {"redis": None}, "the redis does not exist", "gradectl apply dev"),
    ("redis", {"redis": replace(REDIS, state="creating", ready=False)}, "creating", "--watch"),
    ("api", {"api": None}, "does not exist", "gradectl apply dev"),
    ("api", {"api": replace(API, running=0)}, "only 0 of 2 tasks", "logs dev --service api"),
    (
        "api",
        {"api": replace(API, deployments=(replace(DEPLOYMENT, rollout="FAILED"),))},
        "the deployment of dev-grading-task:8 failed",
        "gradectl rollback dev",
    ),
    ("api", {"api_stopped": (KILLED,)}, "out of memory", "logs dev --service api"),
    (
        "api-targets",
        {"api_targets": (TargetHealth("10.0.1.7:8080", "unhealthy", "Request timed out"),)},
        "10.0.1.7:8080: unhealthy Request timed out",
        "logs dev --service api",
    ),
]


SQS = Transports(
    TransportName.SQS, False, {name: f"https://sqs.test/1/dev-{name}" for name in QUEUES}
)
#: The figures of ten minutes with idle workers.
IDLE = SqsQueueState("dev-q", 0, 0, 0, "dev-grading-dlq", 50, None, 30)
UNPOLLED = replace(IDLE, receives=0)
STATES: dict[str, SqsQueueState | None] = {
    **dict.fromkeys(("grading-requests", "grading-priority"), IDLE),
    "grading-results": replace(IDLE, dead_letter_queue="", most_receives=0),
    "grading-dlq": SqsQueueState("dev-grading-dlq", 0, 0, 0),
}


def on_sqs(**states: SqsQueueState | None) -> Observations:
    """An environment without a broker; names have underscores."""
    changed = {name.replace("_", "-"): state for name, state in states.items()}
    found = {**STATES, **changed}
    wanted = wanted_parameters("dev", SQS)
    return replace(
        HEALTHY,
        transports=SQS,
        broker=None,
        queues=sqs_counters(found),
        sqs_queues=found,
        wanted_parameters=wanted,
        parameter_types=wanted,
        endpoint="",
        username="",
        ingress=HEALTHY.ingress[1:],
    )


UNSEEN = replace(IDLE, receives=None)
#: Name of a check, an environment on SQS, and words of cause and next step.
SQS_CASES: list[tuple[str, Observations, str, str]] = [
    (
        "consumers",
        on_sqs(
            grading_requests=replace(IDLE, receives=0), grading_priority=replace(IDLE, receives=0)
        ),
        "none has polled the queues for ten minutes",
        "gradectl logs dev --grep ERROR",
    ),
    (
        "consumers",
        on_sqs(grading_requests=replace(UNSEEN, visible=3), grading_priority=UNSEEN),
        "3 messages wait, and none is in flight",
        "gradectl logs dev --grep ERROR",
    ),
    ("request-queues", on_sqs(grading_priority=None), "does not exist", "gradectl apply dev"),
    (
        "redrive-policy",
        on_sqs(grading_requests=replace(IDLE, dead_letter_queue="")),
        "grading-requests has no redrive policy",
        "gradectl apply dev",
    ),
    (
        "oldest-request",
        on_sqs(grading_requests=replace(IDLE, visible=2, oldest_seconds=7205.0)),
        "the oldest message of grading-requests is 2h 5s old",
        "gradectl queue list -e dev",
    ),
    (
        "dead-letters",
        on_sqs(grading_dlq=replace(IDLE, visible=2)),
        "2 requests failed",
        "gradectl queue inspect grading-dlq -e dev --sample 10",
    ),
    (
        "result-queue",
        replace(
            on_sqs(grading_results=replace(IDLE, visible=4, receives=0, oldest_seconds=60.0)),
            **WITHOUT_API,
        ),
        "4 results wait, the oldest for 1m, and none was polled",
        "SQS_RESULT_QUEUE_URL",
    ),
    (
        "result-queue",
        replace(
            on_sqs(grading_results=replace(UNSEEN, visible=4, oldest_seconds=7200.0)),
            **WITHOUT_API,
        ),
        "the oldest for 2h",
        "deletes results",
    ),
    (
        "parameters",
        replace(on_sqs(), parameter_types={}),
        "/dev/db/endpoint does not exist",
        "gradectl apply dev",
    ),
]


@pytest.mark.parametrize(
    ("name", "seen", "cause", "next_step"),
    SQS_CASES,
    ids=[f"{at}-{case[0]}" for at, case in enumerate(SQS_CASES)],
)
def test_a_check_fires_on_sqs_for_its_cause_only(
    name: str, seen: Observations, cause: str, next_step: str
) -> None:
    """SQS knows no consumers, so figures of CloudWatch tell who receives."""
    failed = [each for each in run_checks(seen) if each.outcome == "failed"]

    assert [each.check.name for each in failed] == [name]
    assert cause in failed[0].cause
    assert next_step in failed[0].next_step


@pytest.mark.parametrize(
    "seen",
    [
        on_sqs(),
        on_sqs(grading_requests=replace(UNSEEN, visible=5, in_flight=2)),
        on_sqs(grading_requests=UNSEEN, grading_priority=UNSEEN, grading_results=UNSEEN),
        on_sqs(grading_results=replace(UNSEEN, visible=3)),
        on_sqs(grading_requests=replace(IDLE, oldest_seconds=9000.0)),
    ],
    ids=["idle", "working", "no figures", "results of now", "old figure"],
)
def test_an_environment_on_sqs_needs_no_broker(seen: Observations) -> None:
    """Neither the broker nor its parameters and security groups are missed."""
    assert {each.outcome for each in run_checks(seen)} == {"ok"}


def test_a_broker_that_is_drained_is_checked() -> None:
    """Until it is removed, the workers need it."""
    seen = replace(on_sqs(), transports=replace(SQS, has_broker=True))

    failed = [each.check.name for each in run_checks(seen) if each.outcome == "failed"]

    assert failed == ["broker"]
    assert "/dev/mq/password" in wanted_parameters("dev", seen.transports)


def test_no_check_fires_in_a_healthy_environment() -> None:
    """The second half of every case below."""
    assert [each.outcome for each in run_checks(HEALTHY)] == ["ok"] * len(CHECKS)


def test_an_environment_without_api_and_redis_lacks_nothing() -> None:
    """Both are optional."""
    bare = replace(HEALTHY, has_redis=False, redis=None, **WITHOUT_API)

    assert [each.outcome for each in run_checks(bare)] == ["ok"] * len(CHECKS)


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (
            replace(HEALTHY, **queues("grading-results", queue("grading-results", 4, 0))),
            "4 results wait, and no consumer takes them",
        ),
        (on_sqs(grading_results=replace(IDLE, visible=4, receives=0, oldest_seconds=60.0)), ""),
    ],
    ids=["broker", "SQS"],
)
def test_results_that_the_api_answers_may_stay_in_their_queue(
    seen: Observations, cause: str
) -> None:
    """A broker keeps them until they expire, which is a note; SQS deletes them."""
    (found,) = [each for each in run_checks(seen) if each.check.name == "result-queue"]

    assert (found.outcome, found.cause) == ("ok", cause)
    assert ("RESULT_EXPIRY_SECONDS" in found.next_step) is bool(cause)


@pytest.mark.parametrize(
    ("name", "changed", "cause", "next_step"),
    CASES,
    ids=[f"{at}-{case[0]}" for at, case in enumerate(CASES)],
)
def test_a_check_fires_for_its_cause_only(
    name: str, changed: dict[str, Any], cause: str, next_step: str
) -> None:
    """With the next step; no other check names the same cause."""
    failed = [each for each in run_checks(replace(HEALTHY, **changed)) if each.outcome == "failed"]

    assert [each.check.name for each in failed] == [name]
    assert cause in failed[0].cause
    assert next_step in failed[0].next_step


def test_every_check_has_a_case() -> None:
    """A new check needs one."""
    assert {case[0] for case in (*CASES, *SQS_CASES)} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    "part",
    [
        "service",
        "broker",
        "database",
        "queues",
        "parameters",
        "network",
        "bucket",
        "log",
        "scaling",
        "cpu",
        "api",
        "targets",
        "redis",
    ],
)
def test_a_part_that_could_not_be_read_makes_its_checks_unknown(part: str) -> None:
    """They neither pass nor fail, and the reason is shown."""
    empty = Observations("dev", NOW, bucket_exists=False)
    found = run_checks(replace(empty, unknown={part: "denied"}))
    concerned = [each for each in found if part in each.check.parts]

    assert concerned
    assert {(each.outcome, each.cause) for each in concerned} == {("unknown", "denied")}


@pytest.mark.parametrize(
    "changed",
    [
        deployment(rollout="IN_PROGRESS", created_at=NOW - timedelta(minutes=5)),
        service(desired=0, running=0),
        {"stopped": (EcsTask("t4", stop_code="ServiceSchedulerInitiated"),)},
        {"endpoint": "stomp+ssl://localhost:1", "emulated": True},
        {"ingress": (IngressRule("sg-broker", 0, 65535), IngressRule("sg-database", 0, 65535))},
        queues(REQUESTS, queue(REQUESTS, 0, 0)),
        queues(REQUESTS, queue(REQUESTS, 500)),
        {"cpu_percent": 99.0},
        {"revision": TaskRevision(ARN, "worker:1", cpu="256")},
        {"revision": TaskRevision(ARN, "worker:1", cpu="2048", slots=2)},
    ],
    ids=[
        *("young", "at rest", "scaled in", "local", "addresses", "one queue", "scaling"),
        *("busy", "small", "one processor each"),
    ],
)
def test_normal_operation_is_not_a_cause(changed: dict[str, Any]) -> None:
    """A deployment that began, a service at rest, and a queue while workers are added."""
    found = replace(HEALTHY, **changed)
    # As the observer does with the tasks that ECS lists.
    found = replace(found, stopped=failed(found.stopped))

    outcomes = {each.outcome for each in run_checks(found)}

    assert outcomes == {"ok"}
