"""
What the modules and the root refuse is found by `gradectl validate`, with a place in a file.

The wrong values are those of `tests/terraform/refusals.yaml`, as files of environments. One refusal
in a foreign root, which is quick, is in `test_with_the_aws_provider.py`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradectl.validation.checks.plan import CHECK
from gradectl.validation.model import CheckContext
from gradectl.validation.session import open_context

pytestmark = [pytest.mark.engine, pytest.mark.exhaustive]
REPOSITORY = Path(__file__).resolve().parents[5]
TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (REPOSITORY / "tests" / "terraform" / "refusals.yaml").read_text()
)
#: The one value of another kind: it is compared with the account of the credentials.
ACCOUNT = "The credentials belong to account"


@pytest.fixture(scope="module")
def wrong_values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckContext]:
    """The root of this repository, with one file of wrong values for each list."""
    top = tmp_path_factory.mktemp("refusals")
    for name in ("modules", "environments"):
        ignored = shutil.ignore_patterns(".terraform", "tests", "*.tfvars")
        shutil.copytree(REPOSITORY / name, top / name, ignore=ignored)
    for group, rows in TABLE.items():
        values = {"environment_name": "test"}
        for row in rows:
            values |= row["set"]
        (top / "environments" / f"{group}.tfvars.json").write_text(json.dumps(values))
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    with open_context(top / "environments", environ, top) as context:
        yield context


@pytest.mark.parametrize("group", TABLE)
def test_each_refusal_is_an_error_with_a_place(wrong_values: CheckContext, group: str) -> None:
    """In the words of the rule, at a line of the root, of a module or of the values."""
    (job,) = [
        job
        for job in CHECK.jobs(wrong_values)
        if job.subject == f"environments/{group}.tfvars.json"
    ]

    errors = [found for found in job.run() if found.severity == "error"]

    said = " ".join(" ".join(found.message.split()) for found in errors)
    expected = [row["says"] for row in TABLE[group] if not row["says"].startswith(ACCOUNT)]
    assert [words for words in expected if words not in said] == []
    assert all((wrong_values.here / found.path).is_file() for found in errors)
