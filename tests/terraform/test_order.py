"""What Terraform makes first, and so takes away last, where no value of a plan tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.engine
MODULE = "modules/ecs-grading"


@pytest.fixture(scope="module")
def graph(mocked_folder: Callable[..., Any]) -> set[tuple[str, str]]:
    """Pairs of resources of the workers' module: the first is made after the second."""
    folder = mocked_folder(MODULE)
    lines = [line.split('"') for line in folder.run("graph").splitlines() if "->" in line]
    return {(words[1], words[3]) for words in lines}


def reached(graph: set[tuple[str, str]], start: str) -> set[str]:
    """Give all that is made before a resource."""
    found: set[str] = set()
    new = {start}
    while new:
        new = {after for before, after in graph if before in new} - found
        found |= new
    return found


def test_instances_find_their_cluster_and_their_permissions(graph: set[tuple[str, str]]) -> None:
    """The agent of ECS gives up where either is missing; a cluster with instances cannot go."""
    before = reached(graph, "aws_autoscaling_group.this")
    assert {"aws_ecs_cluster.this", "aws_iam_role_policy.instance"} <= before


def test_tasks_find_their_permissions(graph: set[tuple[str, str]]) -> None:
    """A task that starts before them cannot pull its image or read its first parameter."""
    before = reached(graph, "aws_ecs_service.this")
    assert {"aws_iam_role_policy.execution", "aws_iam_role_policy.task"} <= before
