"""ElastiCache: the token of a replication group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.errors import translated

_READY = "available"
#: Lets clients in with the new token and with the one before.
ROTATE = "ROTATE"
#: Lets clients in with the last token only; follows ROTATE.
SET = "SET"


@dataclass(frozen=True)
class ReplicationGroup:
    """A replication group as the API describes it."""

    group_id: str
    arn: str
    state: str
    tags: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether it can be changed."""
        return self.state == _READY


class Caches:
    """
    ElastiCache.

    Args:
        client: A boto3 client of `elasticache`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def get(self, group_id: str) -> ReplicationGroup:
        """Describe a replication group with its tags."""
        with translated(f"replication group {group_id}"):
            answer = self._client.describe_replication_groups(ReplicationGroupId=group_id)
            found = answer["ReplicationGroups"][0]
            tags = self._client.list_tags_for_resource(ResourceName=found["ARN"])["TagList"]
        return ReplicationGroup(
            group_id, found["ARN"], found["Status"], {each["Key"]: each["Value"] for each in tags}
        )

    def change_token(self, group: ReplicationGroup, token: str, strategy: str) -> None:
        """Change the token without waiting; see `ROTATE` and `SET`."""
        with translated(f"replication group {group.group_id}"):
            self._client.modify_replication_group(
                ReplicationGroupId=group.group_id,
                AuthToken=token,
                AuthTokenUpdateStrategy=strategy,
                ApplyImmediately=True,
            )

    def tag(self, group: ReplicationGroup, tags: Mapping[str, str]) -> None:
        """Set tags; others stay."""
        with translated(f"replication group {group.group_id}"):
            self._client.add_tags_to_resource(
                ResourceName=group.arn,
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )
