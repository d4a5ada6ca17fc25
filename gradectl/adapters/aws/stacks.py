"""CloudFormation stacks: created, or updated when their template changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.errors import GradectlError

_UNCHANGED = "No updates are to be performed"
#: States of a stack whose creation failed: CloudFormation can only delete it.
_NEVER_CREATED = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
_ATTEMPTS = {"Delay": 2, "MaxAttempts": 300}  # seconds, attempts


class Stacks:
    """
    CloudFormation.

    Args:
        client: A boto3 client of `cloudformation`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def exists(self, name: str) -> bool:
        """Whether a stack of this name exists."""
        with translated(f"stack {name}"):
            try:
                self._client.describe_stacks(StackName=name)
            except ClientError as error:
                if "does not exist" in str(error):
                    return False
                raise
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """Read the outputs of a stack."""
        with translated(f"stack {name}"):
            stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    def deploy(
        self, name: str, template: str, tags: Mapping[str, str], *, named_roles: bool = False
    ) -> str:
        """
        Create or update a stack, and wait until it is complete.

        Args:
            name: The stack's name.
            template: The template, YAML.
            tags: Tags of the stack and its resources.
            named_roles: Whether it has roles of IAM with names, which CloudFormation asks about.

        Returns:
            `created`, `updated` or `unchanged`.

        Raises:
            GradectlError: CloudFormation failed; the error lists resources and reasons.
        """
        arguments = {
            "StackName": name,
            "TemplateBody": template,
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
            "Capabilities": ["CAPABILITY_NAMED_IAM"] if named_roles else [],
        }
        with translated(f"stack {name}"):
            if not self.exists(name):
                self._client.create_stack(**arguments, EnableTerminationProtection=True)
                self._wait(name, "stack_create_complete")
                return "created"
            self._check_created(name)
            if self._template(name) == template:
                return "unchanged"  # moto would report an update
            try:
                self._client.update_stack(**arguments)
            except ClientError as error:
                if code_of(error) == "ValidationError" and _UNCHANGED in str(error):
                    return "unchanged"
                raise
            self._wait(name, "stack_update_complete")
            return "updated"

    def _check_created(self, name: str) -> None:
        """Refuse a stack that has its template and none of its resources."""
        state = self._client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if state in _NEVER_CREATED:
            words = "aws cloudformation"
            raise GradectlError(
                f"the creation of the stack failed before, and CloudFormation keeps it as {state}",
                where=f"stack {name}",
                next_step=f"{words} update-termination-protection --stack-name {name}"
                f" --no-enable-termination-protection\n{words} delete-stack --stack-name {name}\n"
                "then run the same command again",
            )

    def _template(self, name: str) -> str:
        """Read the current template of a stack."""
        return str(self._client.get_template(StackName=name)["TemplateBody"])

    def _wait(self, name: str, state: str) -> None:
        """Wait for a state; the error lists the resources that failed."""
        try:
            self._client.get_waiter(state).wait(StackName=name, WaiterConfig=_ATTEMPTS)
        except WaiterError as error:
            events = self._client.describe_stack_events(StackName=name)["StackEvents"]
            failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
                for event in reversed(failed)
            ]
            text = "the stack failed: " + ("\n".join(reasons) or str(error))
            hint = f"fix the cause, delete the stack {name} if it is new, and run it again"
            raise GradectlError(text, where=f"stack {name}", next_step=hint) from error
