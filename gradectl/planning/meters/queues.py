"""What queues bill: the broker, or the requests to SQS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gradectl.planning.meters.items import HOURS, Item, Side, number
from gradectl.planning.meters.workers import tasks
from gradectl.planning.plan import Resource

#: Key of the price of requests to SQS.
REQUESTS = "sqs-requests"
#: Ends of the names of the queues that the workers poll.
POLLED = ("-grading-requests", "-grading-priority")
#: Length of a poll in seconds: the default of SQS_WAIT_SECONDS.
WAIT_SECONDS = 20
_MILLION = 1_000_000


def broker(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """A broker, or a pair in two zones."""
    pair = "" if values.get("deployment_mode") == "SINGLE_INSTANCE" else "-pair"
    size = values.get("host_instance_type")
    return [
        Item(f"mq-{size}{pair}", f"{size}{pair}", 1, 1),
        Item("mq-storage", "storage of messages", by_use=True),
    ]


def queue(resource: Resource, values: Mapping[str, Any], side: Side) -> list[Item]:
    """
    A queue of SQS: the polls of the workers that wait, the requests of the jobs, calls of its key.

    Each slot of a worker (WORKER_SLOTS) has a poll of the requests and one of the priority queue,
    once in each wait, all month when nothing arrives; the polls that bring a job are part of its
    requests. Before the first apply the settings of the workers are unknown, because they contain
    the URLs of the queues: a plan then counts one slot, and the wait of the queue.
    """
    polls = _polls(resource, values, side) if str(values.get("name")).endswith(POLLED) else None
    items = [Item(REQUESTS, "polls of waiting workers", *polls)] if polls else []
    items.append(Item(REQUESTS, "requests of the jobs" if polls else "requests", by_use=True))
    if values.get("kms_master_key_id"):
        items.append(Item("kms-requests", "calls of the KMS key", by_use=True))
    return items


def _polls(
    queue: Resource, values: Mapping[str, Any], side: Side
) -> tuple[float | None, float | None] | None:
    """Million polls a month, by the fewest and the most tasks; None without workers."""
    found = [
        tasks(resource, service, side)
        for resource, service in side.resources
        if resource.kind == "aws_ecs_service" and _parent(resource) == _parent(queue)
    ]
    if not found:
        return None
    known = [each for each in found if each]
    if len(known) < len(found):
        return None, None
    wait = (
        _setting("SQS_WAIT_SECONDS", queue, side)
        or number(values.get("receive_wait_time_seconds"))
        or WAIT_SECONDS
    )
    slots = _setting("WORKER_SLOTS", queue, side) or 1
    each_task = slots * HOURS * 3600 / wait / _MILLION
    return (
        sum(fewest for fewest, _ in known) * each_task,
        sum(most for _, most in known) * each_task,
    )


def _setting(name: str, queue: Resource, side: Side) -> float:
    """A number in the environment of the workers; 0 where it is not set, or not known yet."""
    for resource, values in side.resources:
        if resource.kind == "aws_ecs_task_definition" and _parent(resource) == _parent(queue):
            for container in _containers(values):
                for each in container.get("environment") or []:
                    if each.get("name") == name:
                        return number(each.get("value"))
    return 0


def _containers(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The containers of a task definition; none where they are not known before the apply."""
    try:
        found = json.loads(str(values.get("container_definitions") or "[]"))
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _parent(resource: Resource) -> str:
    """The module that calls the module of a resource."""
    return resource.module.rpartition(".module.")[0]
