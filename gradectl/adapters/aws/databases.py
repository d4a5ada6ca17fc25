"""RDS instances."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, WaiterError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.models import DatabaseNode
from gradectl.errors import GradectlError

_NO_SNAPSHOT = ("DBSnapshotNotFound", "DBSnapshotNotFoundFault")
_ATTEMPTS = {"Delay": 10, "MaxAttempts": 360}  # seconds, attempts
_MISSING = ("DBInstanceNotFound", "DBInstanceNotFoundFault")


class Databases:
    """
    RDS.

    Args:
        client: A boto3 client of `rds`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def node(self, identifier: str) -> DatabaseNode | None:
        """Describe an instance; None when it does not exist."""
        with translated(f"database {identifier}"):
            try:
                answer = self._client.describe_db_instances(DBInstanceIdentifier=identifier)
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise
        found = answer["DBInstances"][0]
        group = found.get("DBSubnetGroup") or {}
        endpoint = found.get("Endpoint") or {}
        return DatabaseNode(
            identifier=found["DBInstanceIdentifier"],
            status=found["DBInstanceStatus"],
            vpc_id=group.get("VpcId", ""),
            port=int(endpoint.get("Port") or found.get("DbInstancePort") or 0) or 3306,
            public=bool(found.get("PubliclyAccessible")),
            subnet_ids=tuple(one["SubnetIdentifier"] for one in group.get("Subnets", ())),
            group_ids=tuple(
                one["VpcSecurityGroupId"] for one in found.get("VpcSecurityGroups", ())
            ),
            engine=found.get("Engine", ""),
            address=endpoint.get("Address", ""),
            database_name=found.get("DBName", ""),
            username=found.get("MasterUsername", ""),
        )

    def snapshot_exists(self, name: str) -> bool:
        """Whether a snapshot of this name exists."""
        with translated(f"snapshot {name}"):
            try:
                self._client.describe_db_snapshots(DBSnapshotIdentifier=name)
            except ClientError as error:
                if code_of(error) in _NO_SNAPSHOT:
                    return False
                raise
        return True

    def take_snapshot(self, identifier: str, name: str) -> None:
        """
        Take a snapshot of an instance, and wait until it can be restored.

        Raises:
            GradectlError: RDS could not take it in time.
        """
        with translated(f"snapshot {name}"):
            self._client.create_db_snapshot(
                DBInstanceIdentifier=identifier, DBSnapshotIdentifier=name
            )
            try:
                self._client.get_waiter("db_snapshot_available").wait(
                    DBSnapshotIdentifier=name, WaiterConfig=_ATTEMPTS
                )
            except WaiterError as error:
                step = f"aws rds describe-db-snapshots --db-snapshot-identifier {name}"
                text = f"the snapshot was not ready in time: {error}"
                raise GradectlError(text, where=identifier, next_step=step) from error

    def count(self) -> int:
        """Number of instances in the region."""
        with translated("RDS"):
            pages = self._client.get_paginator("describe_db_instances").paginate()
            return sum(len(page["DBInstances"]) for page in pages)
