"""What databases, caches, alarms and parameters bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.planning.meters.items import HOURS, Item, Side, number
from gradectl.planning.plan import Resource


def database(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """An instance and its storage."""
    multi = "-multi-az" if values.get("multi_az") else ""
    engine, size = values.get("engine"), values.get("instance_class")
    gigabytes = number(values.get("allocated_storage")) or None
    most = max(number(values.get("max_allocated_storage")), gigabytes or 0) or None
    return [
        Item(f"rds-{engine}-{size}{multi}", f"{size}{multi}", HOURS, HOURS),
        Item(f"rds-storage-{values.get('storage_type')}{multi}", "storage", gigabytes, most),
        Item("rds-backup", "backups beyond the size of the database", by_use=True),
        *_above_baseline(values),
    ]


def _above_baseline(values: Mapping[str, Any]) -> list[Item]:
    """What a database with gp3 has beyond its baseline, which is included from 400 GB on."""
    if values.get("storage_type") != "gp3":
        return []
    kinds = (("iops", 12000, "IOPS"), ("storage_throughput", 500, "MiB per second"))
    found = [(name, unit, number(values.get(name)) - least) for name, least, unit in kinds]
    return [
        Item(f"rds-gp3-{name}", f"{unit} beyond the baseline", more, more)
        for name, unit, more in found
        if more > 0
    ]


def alarm(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """An alarm is billed for each metric that it reads."""
    metrics = sum(1 for query in values.get("metric_query") or [] if query.get("metric"))
    return [Item("alarm-metric", "metrics of the alarm", metrics or 1, metrics or 1)]


def parameter(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """Standard parameters are free."""
    standard = values.get("tier", "Standard") in ("Standard", None)
    return [] if standard else [Item("ssm-advanced-parameter", "advanced parameter", 1, 1)]


def cache(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """The nodes of a replication group of ElastiCache."""
    kind, nodes = values.get("node_type"), number(values.get("num_cache_clusters"))
    hours = nodes * HOURS or None
    return [Item(f"cache-{kind}", f"nodes of {kind}", hours, hours)]
