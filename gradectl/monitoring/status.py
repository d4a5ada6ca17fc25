"""The status of an environment: what is wrong, as a screen, and as changes; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.ecs_models import (
    COMPLETED,
    FAILED,
    EcsService,
    EcsTask,
    revision_name,
)
from gradectl.adapters.aws.state_models import ManagedState
from gradectl.monitoring.observations import (
    API,
    BROKER,
    DATABASE,
    QUEUES,
    REDIS,
    SERVICE,
    Observations,
)
from gradectl.monitoring.stopped_tasks import causes
from gradectl.queues.hints import hints
from gradectl.queues.message_view import age
from grader.ports.messages import QueueStatistics
from grader.text import printable_name

WIDTH = 80
_LABEL = 10
_QUEUE = 22
_COUNT = 11


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, with the command or place that shows or fixes it."""

    part: str
    text: str
    next_step: str


def problems(seen: Observations) -> list[Problem]:
    """What is wrong; parts that could not be read are not judged."""
    found: list[Problem] = []
    if seen.knows(SERVICE):
        found += _worker_problems(seen)
    if seen.has_api and seen.knows(API):
        logs = f"gradectl logs {seen.environment} --service {API}"
        found += _service_problems(seen, API, seen.api, seen.api_stopped, logs)
    for part, state in _managed_parts(seen).items():
        if seen.knows(part) and (state is None or not state.ready):
            found.append(_managed_problem(part, state, seen.environment))
    if seen.knows(QUEUES):
        doctor = f"gradectl doctor {seen.environment}"
        found += [
            Problem(QUEUES, f"{queue}: {hint.text}", hint.next_step)
            for queue, hint in hints(
                seen.queues,
                seen.environment,
                doctor,
                paused=seen.paused,
                has_api=seen.has_api,
            ).items()
            if hint.text
        ]
    return found


def _managed_parts(seen: Observations) -> dict[str, ManagedState | None]:
    """Broker, database and Redis, as far as the environment has them."""
    broker = {BROKER: seen.broker} if seen.transports.has_broker else {}
    redis = {REDIS: seen.redis} if seen.has_redis else {}
    return {**broker, DATABASE: seen.database, **redis}


def _worker_problems(seen: Observations) -> Iterator[Problem]:
    name = seen.environment
    if seen.service is not None and seen.paused:
        text = f"the workers are {seen.paused}"
        yield Problem(SERVICE, text, f"gradectl queue resume -e {name}")
    yield from _service_problems(seen, SERVICE, seen.service, seen.stopped, f"gradectl logs {name}")


def _service_problems(
    seen: Observations, part: str, service: EcsService | None, ended: Sequence[EcsTask], logs: str
) -> Iterator[Problem]:
    """What is wrong with the service of the workers or of the HTTP API."""
    name = seen.environment
    if service is None:
        text = "the service does not exist" if part == SERVICE else "its service does not exist"
        yield Problem(part, text, f"gradectl apply {name}")
        return
    tasks = "workers" if part == SERVICE else "tasks"
    doctor = f"gradectl doctor {name}"
    for each in service.deployments:
        if each.rollout == FAILED:
            text = f"the deployment of {revision_name(each.task_definition)} failed"
            yield Problem(part, f"{text}: {each.reason}" if each.reason else text, doctor)
    if service.running < service.desired:
        text = f"only {service.running} of {service.desired} {tasks} are running"
        yield Problem(part, text, doctor)
    elif service.rollout not in (COMPLETED, FAILED, ""):
        text = f"the deployment of {revision_name(service.task_definition)} is in progress"
        yield Problem(part, text, f"gradectl status {name} --watch")
    for cause in causes(ended):
        yield Problem(part, f"stopped: {cause}", (cause.remedy if part == SERVICE else "") or logs)


def _managed_problem(part: str, state: ManagedState | None, environment: str) -> Problem:
    if state is None:
        return Problem(part, f"the {part} does not exist", f"gradectl apply {environment}")
    watch = f"gradectl status {environment} --watch"
    return Problem(part, f"the {part} is {state.state}", watch)


def screen(seen: Observations) -> list[str]:
    """
    Render the status for a terminal of 80 columns.

    Returns:
        Its lines, without control characters.
    """
    lines = [f"{seen.environment}, {seen.taken_at:%Y-%m-%d %H:%M:%S} UTC", ""]
    for part, text in summary(seen).items():
        if part not in seen.queues:
            lines += _wrapped(f"{part:<{_LABEL}}", text)
    lines += ["", *_queue_table(seen)]
    found = problems(seen)
    lines.append("")
    for problem in found:
        lines += _wrapped("wrong:    ", f"{problem.part}: {problem.text}")
        lines += _wrapped("next:     ", problem.next_step)
    if not found:
        lines.append("nothing is wrong" if not seen.unknown else "nothing wrong in what was read")
    return [printable_name(line).rstrip() for line in lines]


def _wrapped(label: str, text: str) -> list[str]:
    """A label and a text, with long words such as digests broken."""
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_on_hyphens=False,
    ) or [label]


def _queue_table(seen: Observations) -> list[str]:
    if not seen.knows(QUEUES):
        return _wrapped(f"{QUEUES:<{_LABEL}}", f"not read: {seen.unknown[QUEUES]}")
    names = ("waiting", "in flight", "oldest" if seen.sqs_queues else "consumers")
    lines = [f"{'queue':<{_QUEUE}}" + "".join(f"{name:>{_COUNT}}" for name in names)]
    for queue, counters in seen.queues.items():
        if counters is None:
            lines.append(f"{queue:<{_QUEUE}}  does not exist")
            continue
        last = counters.consumers if not seen.sqs_queues else _oldest(seen, queue)
        counts = (counters.waiting, counters.in_flight, last)
        lines.append(f"{queue:<{_QUEUE}}" + "".join(f"{count:>{_COUNT}}" for count in counts))
    if seen.queues_from:
        lines += _wrapped("", f"counters from {seen.queues_from}")
    return lines


def _oldest(seen: Observations, queue: str) -> str:
    """Age of the oldest message of a queue of SQS; CloudWatch has it some minutes late."""
    state = seen.sqs_queues.get(queue)
    return "-" if state is None or state.oldest_seconds is None else age(state.oldest_seconds)


def summary(seen: Observations) -> dict[str, str]:
    """One line about each part and each queue, to show and to compare."""
    managed = _managed_parts(seen)
    found = {SERVICE: _service_text(seen.service) if seen.knows(SERVICE) else ""}
    if seen.revision:
        found["image"] = seen.revision.image
    if seen.has_api and seen.knows(API):
        found[API] = _service_text(seen.api)
    if seen.transports.sqs_urls:
        found["transport"] = str(seen.transports)
    for part, state in managed.items():
        found[part] = f"{state.state}  {state.engine}  {state.name}" if state else "does not exist"
    for part in (SERVICE, API, *managed):
        if part in seen.unknown:
            found[part] = f"not read: {seen.unknown[part]}"
    for queue, counters in seen.queues.items():
        found[queue] = (
            f"{counters.waiting} waiting, {counters.in_flight} in flight{_consumers(counters)}"
            if counters
            else "does not exist"
        )
    return found


def _consumers(counters: QueueStatistics) -> str:
    """The number of consumers, where they are counted."""
    return "" if counters.consumers is None else f", {counters.consumers} consumers"


def _service_text(service: EcsService | None) -> str:
    if service is None:
        return "does not exist"
    counts = f"{service.running} of {service.desired} running, {service.pending} starting"
    return f"{counts}  {service.rollout or '-'}  {revision_name(service.task_definition)}"


def changes(before: Observations, after: Observations) -> list[str]:
    """What differs between two observations, one line for each part."""
    old, new = summary(before), summary(after)
    clock = f"{after.taken_at:%H:%M:%S}"
    lines = [
        f"{clock} {part}: {old[part]} -> {text}" if part in old else f"{clock} {part}: {text}"
        for part, text in new.items()
        if old.get(part) != text
    ]
    known = problems(before)
    lines += [
        f"{clock} wrong: {each.part}: {each.text}; next: {each.next_step}"
        for each in problems(after)
        if each not in known
    ]
    return [printable_name(line) for line in lines]


def document(seen: Observations) -> dict[str, Any]:
    """The status for programs."""
    found = problems(seen)
    broker, database, redis = seen.broker, seen.database, seen.redis
    return {
        "environment": seen.environment,
        "healthy": not found and not seen.unknown,
        "transport": seen.transports.active,
        "draining": seen.transports.drained,
        "service": _service_document(
            seen.service, image=seen.revision.image if seen.revision else ""
        ),
        "api": _service_document(seen.api),
        "redis": redis and {"name": redis.name, "state": redis.state, "engine": redis.engine},
        "broker": broker and {"name": broker.name, "state": broker.state, "engine": broker.engine},
        "database": database
        and {"identifier": database.name, "state": database.state, "engine": database.engine},
        "queues": [
            {
                "queue": queue,
                "exists": counters is not None,
                "waiting": counters.waiting if counters else None,
                "in_flight": counters.in_flight if counters else None,
                "consumers": counters.consumers if counters else None,
                **_sqs_figures(seen, queue),
            }
            for queue, counters in seen.queues.items()
        ]
        if seen.knows(QUEUES)
        else None,
        "unknown": dict(seen.unknown),
        "problems": [
            {"part": each.part, "text": each.text, "next": each.next_step} for each in found
        ],
    }


def _sqs_figures(seen: Observations, queue: str) -> dict[str, Any]:
    """What only SQS reports of a queue."""
    state = seen.sqs_queues.get(queue)
    if state is None:
        return {}
    return {"delayed": state.delayed, "oldest_seconds": state.oldest_seconds}


def _service_document(
    service: EcsService | None, image: str | None = None
) -> dict[str, Any] | None:
    """A service for programs; `image` where it is known."""
    if service is None:
        return None
    return {
        "name": service.name,
        "desired": service.desired,
        "running": service.running,
        "pending": service.pending,
        "revision": revision_name(service.task_definition),
        **({} if image is None else {"image": image}),
        "deployments": [
            {
                "id": each.deployment_id,
                "revision": revision_name(each.task_definition),
                "rollout": each.rollout,
                "desired": each.desired,
                "running": each.running,
                "pending": each.pending,
                "failed": each.failed,
            }
            for each in service.deployments
        ],
    }
