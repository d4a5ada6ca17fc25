"""IAM: roles that exist, and what a role may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.models import Simulation


class Identity:
    """
    IAM; every call is a read.

    Args:
        client: A boto3 client of `iam`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def role_exists(self, name: str) -> bool:
        """Whether a role of this name exists."""
        with translated(f"role {name}"):
            try:
                self._client.get_role(RoleName=name)
            except ClientError as error:
                if code_of(error) == "NoSuchEntity":
                    return False
                raise
        return True

    def simulate(self, role_arn: str, actions: Sequence[str], resource: str) -> Simulation:
        """Ask IAM whether a role may do something to a resource; nothing is done."""
        with translated(f"role {role_arn}"):
            answer = self._client.simulate_principal_policy(
                PolicySourceArn=role_arn, ActionNames=list(actions), ResourceArns=[resource]
            )
        found = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
        return Simulation(role_arn, found)
