"""The bootstrap stack is linted as it is deployed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.validation.checks.cfn_lint import CHECK

REPOSITORY = Path(__file__).resolve().parents[5]
TEMPLATE = "templates/bootstrap.yaml.j2"
YAML = "schema_version: 1\nname: dev\naccount_id: '123456789012'\nregion: eu-west-1\n"


@pytest.fixture
def files() -> dict[str, str]:
    """A project with the real template."""
    return {
        "main.tf": "",
        "environments/dev/environment.yaml": YAML,
        TEMPLATE: (REPOSITORY / TEMPLATE).read_text(),
    }


def test_the_template_of_this_repository_is_accepted(
    make_context: Callable[..., Any], look: Any, files: dict[str, str]
) -> None:
    """Not even informational findings."""
    assert look(CHECK, make_context(files)) == []


def test_findings_have_the_line_of_the_template(
    make_context: Callable[..., Any], look: Any, files: dict[str, str]
) -> None:
    """Rendering does not change line numbers."""
    text = files[TEMPLATE].replace("AWS::S3::Bucket\n", "AWS::S3::Bucke\n", 1)
    line = text.splitlines().index("    Type: AWS::S3::Bucke") + 1

    found = look(CHECK, make_context({**files, TEMPLATE: text}))

    assert (f"{TEMPLATE}:{line}", "E3006") in [(item.location, item.rule) for item in found]


def test_a_template_that_cannot_be_rendered_is_found(
    make_context: Callable[..., Any], look: Any, files: dict[str, str]
) -> None:
    """It uses an unknown variable."""
    (found,) = look(CHECK, make_context({**files, TEMPLATE: "x: {{ nothing }}\n"}))

    assert found.path == TEMPLATE
