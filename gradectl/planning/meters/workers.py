"""What workers bill: tasks on Fargate, instances with their disks, and metrics of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.planning.meters.items import HOURS, Item, Side, given, number
from gradectl.planning.plan import Resource

_CPU_UNITS = 1024  # of a vCPU in a task definition
_MIB = 1024  # of a GB in a task definition
_INCLUDED_GIB = 20  # ephemeral storage of a task without a charge
_DETAILED_METRICS = 7  # of an instance with detailed monitoring


def service(resource: Resource, values: Mapping[str, Any], side: Side) -> list[Item]:
    """Tasks of a service: vCPU and memory, between the bounds of autoscaling."""
    task = next(side.of("aws_ecs_task_definition", resource.module), None)
    strategy = values.get("capacity_provider_strategy") or []
    providers = {str(each.get("capacity_provider")) for each in strategy}
    if providers and not providers & {"FARGATE", "FARGATE_SPOT"}:
        return []  # its instances are billed
    count = tasks(resource, values, side)
    sized = task and number(task.get("cpu")) and number(task.get("memory"))
    if task is None or count is None or not sized:
        return [Item("fargate", "tasks of unknown size or number")]
    fewest, most = count
    spot = any(
        each.get("capacity_provider") == "FARGATE_SPOT" and number(each.get("weight"))
        for each in strategy
    )
    base = max((number(each.get("base")) for each in strategy), default=0)
    items = _sized(task, min(fewest, base) if spot else fewest, min(most, base) if spot else most)
    if spot:
        items.append(Item("fargate-spot", "tasks beyond those on Fargate, on Spot"))
    return items


def _sized(task: Mapping[str, Any], fewest: float, most: float) -> list[Item]:
    """The vCPU and the memory of tasks on Fargate."""
    platform: Mapping[str, Any] = next(iter(task.get("runtime_platform") or []), {})
    chip = "arm" if platform.get("cpu_architecture") == "ARM64" else "x86"
    cpu, memory = number(task["cpu"]) / _CPU_UNITS, number(task["memory"]) / _MIB
    storage: Mapping[str, Any] = next(iter(task.get("ephemeral_storage") or []), {})
    items = [
        Item(f"fargate-{chip}-vcpu", "vCPU", fewest * HOURS * cpu, most * HOURS * cpu),
        Item(f"fargate-{chip}-memory", "memory", fewest * HOURS * memory, most * HOURS * memory),
    ]
    more = (number(storage.get("size_in_gib")) - _INCLUDED_GIB) * HOURS
    if more > 0:
        name = "ephemeral storage beyond 20 GiB"
        items.append(Item("fargate-storage", name, fewest * more, most * more))
    return items


def tasks(resource: Resource, values: Mapping[str, Any], side: Side) -> tuple[float, float] | None:
    """Fewest and most tasks: the bounds of autoscaling and its schedules, or the fixed number."""
    targets = list(side.of("aws_appautoscaling_target", resource.module))
    for scheduled in side.of("aws_appautoscaling_scheduled_action", resource.module):
        targets += scheduled.get("scalable_target_action") or []
    fewest = [number(each["min_capacity"]) for each in targets if given(each, "min_capacity")]
    most = [number(each["max_capacity"]) for each in targets if given(each, "max_capacity")]
    if not (fewest and most) and not given(values, "desired_count"):
        return None
    fixed = number(values.get("desired_count"))
    return min(fewest, default=fixed), max(most, default=fixed)


def instances(resource: Resource, values: Mapping[str, Any], side: Side) -> list[Item]:
    """Instances of a group, of the type and with the disks and metrics of its launch template."""
    template: Mapping[str, Any] = next(side.of("aws_launch_template", resource.module), {})
    kind = str(template.get("instance_type") or "instance of unknown type")

    def item(key: str, name: str, units: float) -> Item:
        fewest, most = (
            number(values[bound]) * units if units and given(values, bound) else None
            for bound in ("min_size", "max_size")
        )
        return Item(key, name, fewest, most)

    items = [
        item(f"ec2-{kind}", kind, HOURS),
        item("ebs-gp3", "disks of the instances", _disk_gigabytes(template)),
    ]
    if any(each.get("enabled") for each in template.get("monitoring") or []):
        items.append(item("custom-metric", "detailed monitoring", _DETAILED_METRICS))
    return items


def _disk_gigabytes(template: Mapping[str, Any]) -> float:
    """Size of all gp3 disks of an instance; 0 when one has another type or no size."""
    devices = template.get("block_device_mappings") or []
    disks = [disk for device in devices for disk in device.get("ebs") or []]
    if any(disk.get("volume_type") != "gp3" or not disk.get("volume_size") for disk in disks):
        return 0
    return sum(number(disk["volume_size"]) for disk in disks)


def cluster(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """Container Insights bills the metrics of each task."""
    on = any(each.get("value") in ("enabled", "enhanced") for each in values.get("setting") or [])
    return [Item("custom-metric", "metrics of Container Insights", by_use=True)] if on else []
