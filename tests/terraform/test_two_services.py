"""The two services of the workers' module differ in nothing but what Terraform ignores."""

from __future__ import annotations

import re
from pathlib import Path

SERVICES = Path(__file__).resolve().parents[2] / "modules" / "ecs-grading" / "service.tf"


def test_the_services_with_and_without_a_pipeline_are_the_same() -> None:
    """A setting of only one of them would be lost by whoever turns the switch."""
    text = SERVICES.read_text()
    this, pipeline = re.findall(
        r'^resource "aws_ecs_service" "\w+" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL
    )
    lines = zip(this.splitlines(), pipeline.splitlines(), strict=True)

    assert [(one.strip(), other.strip()) for one, other in lines if one != other] == [
        (
            "count = var.service.ignore_task_definition_changes ? 0 : 1",
            "count = var.service.ignore_task_definition_changes ? 1 : 0",
        ),
        (
            "ignore_changes = [desired_count] # Application Auto Scaling changes it",
            "ignore_changes = [desired_count, task_definition] # a pipeline changes it too",
        ),
    ]
