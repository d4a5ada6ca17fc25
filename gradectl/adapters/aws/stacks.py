"""CloudFormation stacks: made, brought up to date, or left alone when nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.errors import GradectlError

_UNCHANGED = "No updates are to be performed"
_ATTEMPTS = {"Delay": 2, "MaxAttempts": 300}  # seconds, times


class Stacks:
    """
    CloudFormation.

    Args:
        client: A boto3 client of `cloudformation`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        """Keep the client."""
        self._client = client

    def exists(self, name: str) -> bool:
        """Whether there is a stack of this name."""
        with translated(f"stack {name}"):
            try:
                self._client.describe_stacks(StackName=name)
            except ClientError as error:
                if "does not exist" in str(error):
                    return False
                raise
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """Read what a stack gives to others."""
        with translated(f"stack {name}"):
            stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    def deploy(self, name: str, template: str, tags: Mapping[str, str]) -> str:
        """
        Make the stack, or bring it up to date, and wait for it.

        Args:
            name: The stack's name.
            template: The template, YAML.
            tags: Tags of the stack and all that is in it.

        Returns:
            `created`, `updated` or `unchanged`.

        Raises:
            GradectlError: CloudFormation could not do it; says which resource and why.
        """
        arguments = {
            "StackName": name,
            "TemplateBody": template,
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())],
        }
        with translated(f"stack {name}"):
            if not self.exists(name):
                self._client.create_stack(**arguments, EnableTerminationProtection=True)
                self._wait(name, "stack_create_complete")
                return "created"
            if self._template(name) == template:
                return "unchanged"  # also spares an update where it would be answered as one
            try:
                self._client.update_stack(**arguments)
            except ClientError as error:
                if code_of(error) == "ValidationError" and _UNCHANGED in str(error):
                    return "unchanged"
                raise
            self._wait(name, "stack_update_complete")
            return "updated"

    def _template(self, name: str) -> str:
        """Read the template that the stack has now."""
        return str(self._client.get_template(StackName=name)["TemplateBody"])

    def _wait(self, name: str, state: str) -> None:
        """Wait for a state, and explain when it is not reached."""
        try:
            self._client.get_waiter(state).wait(StackName=name, WaiterConfig=_ATTEMPTS)
        except WaiterError as error:
            events = self._client.describe_stack_events(StackName=name)["StackEvents"]
            failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
            reasons = [
                f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
                for event in reversed(failed)
            ]
            text = "the stack was not completed: " + ("\n".join(reasons) or str(error))
            hint = f"mend it, delete the stack {name} if it was just made, and run it again"
            raise GradectlError(text, where=f"stack {name}", next_step=hint) from error
