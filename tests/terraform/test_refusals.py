"""Wrong values of the root are refused, with words that say what is allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "refusals.yaml").read_text()
)
ROWS = [(group, row["says"]) for group, rows in TABLE.items() for row in rows]

pytestmark = pytest.mark.engine


def run(rows: list[dict[str, Any]]) -> str:
    """Write one plan of the root with all the wrong values."""
    settings = {key: value for row in rows for key, value in row["set"].items()}
    lines = [f"    {key} = {json.dumps(value)}" for key, value in settings.items()]
    body = "\n".join(lines)
    return f'run "plan" {{\n  command = plan\n  variables {{\n{body}\n  }}\n}}\n'


@cache
def own_rules() -> list[str]:
    """What the root's own rules say, up to where they name a value."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "environments").glob("*.tf")))
    said = re.findall(r'error_message\s*=\s*"((?:[^"\\]|\\.)*)"', text)
    return [words.split("${")[0].replace('\\"', '"') for words in said]


@pytest.fixture(scope="session")
def said(mocked_plans: Callable[[Mapping[str, str]], dict[str, Any]]) -> dict[str, str]:
    """What was said of each list, as one line."""
    verdicts = mocked_plans({group: run(rows) for group, rows in TABLE.items()})
    assert {verdict.status for verdict in verdicts.values()} == {"error"}
    return {group: " ".join(verdict.said.split()) for group, verdict in verdicts.items()}


@pytest.mark.parametrize(("group", "hint"), ROWS, ids=[hint[:60] for _, hint in ROWS])
def test_a_wrong_value_is_refused_with_what_is_allowed(
    group: str, hint: str, said: dict[str, str]
) -> None:
    """Each message says what would be right, all of them at once, before anything is made."""
    assert hint in said[group]


@pytest.mark.parametrize("rule", own_rules(), ids=lambda rule: rule[:60])
def test_every_rule_of_the_root_refuses_something(rule: str, said: dict[str, str]) -> None:
    """A rule that nothing breaks may never hold."""
    assert len(rule) > 20
    assert any(rule in words for words in said.values())
