"""RDS instances."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.models import DatabaseNode

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

    def count(self) -> int:
        """Number of instances in the region."""
        with translated("RDS"):
            pages = self._client.get_paginator("describe_db_instances").paginate()
            return sum(len(page["DBInstances"]) for page in pages)
