"""A stack whose creation failed is not taken for one that exists."""

from __future__ import annotations

from typing import Any

import pytest

from gradectl.adapters.aws.stacks import Stacks
from gradectl.errors import GradectlError

TEMPLATE = "Resources: {}"


class CloudFormation:
    """An in-memory CloudFormation with one stack, which has the current template."""

    def __init__(self, state: str) -> None:
        self._state = state

    def describe_stacks(self, **_: Any) -> Any:
        return {"Stacks": [{"StackStatus": self._state}]}

    def get_template(self, **_: Any) -> Any:
        return {"TemplateBody": TEMPLATE}


@pytest.mark.parametrize("state", ["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_a_half_made_stack_is_an_error_with_the_commands_that_delete_it(state: str) -> None:
    """It has the template, so it looked unchanged; termination protection is on."""
    with pytest.raises(GradectlError, match=state) as caught:
        Stacks(CloudFormation(state)).deploy("dev-gradectl-bootstrap", TEMPLATE, {})

    protection, delete, again = caught.value.next_step.splitlines()
    assert protection.endswith("dev-gradectl-bootstrap --no-enable-termination-protection")
    assert delete == "aws cloudformation delete-stack --stack-name dev-gradectl-bootstrap"
    assert again == "then run the same command again"


@pytest.mark.parametrize("state", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_with_the_same_template_is_unchanged(state: str) -> None:
    """After a failed update it has the resources of before, and their template."""
    assert Stacks(CloudFormation(state)).deploy("s", TEMPLATE, {}) == "unchanged"
