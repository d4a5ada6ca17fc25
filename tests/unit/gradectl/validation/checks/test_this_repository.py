"""The checks of this repository's own files find nothing: no false alarms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradectl.validation.checks import module_versions, plan, policies, unused
from gradectl.validation.model import Check
from gradectl.validation.session import open_context

REPOSITORY = Path(__file__).resolve().parents[5]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The context of a run over everything."""
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with open_context(REPOSITORY, environ, REPOSITORY) as context:
        yield context


@pytest.mark.parametrize(
    "check", [module_versions.CHECK, policies.CHECK, unused.CHECK], ids=lambda check: check.name
)
def test_modules_examples_and_the_root_pass(repository: Any, look: Any, check: Check) -> None:
    """In all folders."""
    assert len(check.jobs(repository)) == len(repository.project.folders) > 8
    assert look(check, repository) == []


@pytest.mark.engine
@pytest.mark.exhaustive
def test_each_root_and_example_can_be_planned(repository: Any, look: Any) -> None:
    """With the values of each environment; an example may lack values."""
    subjects = {job.subject for job in plan.CHECK.jobs(repository)}
    assert {"environments/production/terraform.tfvars", "examples/team"} <= subjects

    found = look(plan.CHECK, repository)

    assert {item.severity for item in found} <= {"note"}
    without_values = {
        "examples/atmos/components/terraform/grading/main.tf",
        "examples/existing/main.tf",
    }
    assert {item.path for item in found} <= without_values
