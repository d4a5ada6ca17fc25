"""CloudWatch Logs: groups that exist, and resource policies."""

from __future__ import annotations

from typing import Any

from gradectl.adapters.aws.errors import translated


class LogSettings:
    """
    Settings of CloudWatch Logs.

    Args:
        client: A boto3 client of `logs`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def group_exists(self, name: str) -> bool:
        """Whether a log group exists."""
        with translated(f"log group {name}"):
            answer = self._client.describe_log_groups(logGroupNamePrefix=name)
        return any(one["logGroupName"] == name for one in answer["logGroups"])

    def resource_policies(self) -> list[str]:
        """Names of the resource policies of the region."""
        names: list[str] = []
        token: dict[str, str] = {}
        with translated("log resource policies"):
            while True:
                answer = self._client.describe_resource_policies(**token)
                names += [one["policyName"] for one in answer["resourcePolicies"]]
                if not answer.get("nextToken") or answer["nextToken"] == token.get("nextToken"):
                    return names
                token = {"nextToken": answer["nextToken"]}
