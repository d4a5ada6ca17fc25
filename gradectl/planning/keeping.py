"""What a destroy keeps and what it loses, read from its plan before anything is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gradectl.planning.plan import Action, Plan

#: Type -> attribute that makes AWS refuse the deletion.
_PROTECTION = {"aws_db_instance": "deletion_protection", "aws_lb": "enable_deletion_protection"}


@dataclass(frozen=True)
class Fate:
    """
    What happens to the data of one resource.

    Attributes:
        address: The resource.
        kept: Whether its data remains.
        text: Where it remains, or that it is lost.
    """

    address: str
    kept: bool
    text: str


def fates(plan: Plan) -> list[Fate]:
    """
    List what happens to the data of each resource that is deleted.

    Args:
        plan: The plan of a destroy.
    """
    return [
        Fate(change.address, *_fate(change.kind, change.before))
        for change in plan.losses
        if isinstance(change.before, Mapping)
    ]


def protected(plan: Plan) -> list[str]:
    """
    List the deleted resources whose deletion AWS refuses, which would leave half an environment.

    Args:
        plan: The plan of a destroy.
    """
    return [
        f"{change.address}: {_PROTECTION[change.kind]} is on"
        for change in plan.changes
        if change.action is Action.DELETE
        and change.kind in _PROTECTION
        and change.before.get(_PROTECTION[change.kind]) is True
    ]


def kept_buckets(plan: Plan) -> Iterator[tuple[str, str]]:
    """
    List the deleted buckets that AWS deletes only when they are empty.

    Args:
        plan: The plan of a destroy.

    Yields:
        Address and name of the bucket.
    """
    for change in plan.changes:
        bucket = change.kind == "aws_s3_bucket" and change.action is Action.DELETE
        if bucket and change.before.get("force_destroy") is not True:
            yield change.address, str(change.before.get("bucket"))


def _fate(kind: str, values: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the data of a resource remains, and where."""
    if kind == "aws_db_instance":
        name = values.get("final_snapshot_identifier")
        if values.get("skip_final_snapshot") is True or not name:
            return False, "all rows are lost: skip_final_snapshot is on"
        return True, f"its rows remain in the snapshot {name}"
    if kind == "aws_s3_bucket":
        if values.get("force_destroy") is True:
            return False, f"all files of {values.get('bucket')} are lost"
        return True, f"{values.get('bucket')} is deleted only when it is empty"
    others = {
        "aws_mq_broker": "messages in its queues are lost",
        "aws_sqs_queue": f"messages in {values.get('name')} are lost",
    }
    return False, others.get(kind, "its data is lost")
