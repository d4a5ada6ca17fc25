"""The workflows of this repository and the examples for teams: pinned actions, real commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gradectl.cli import gradectl

ROOT = Path(__file__).resolve().parents[3]
GITHUB = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((ROOT / "examples" / "pipelines" / "github").glob("*.yml")),
    ROOT / ".github" / "actions" / "gradectl" / "action.yml",
]
PIPELINES = [*GITHUB, ROOT / "examples" / "pipelines" / "gitlab-ci.yml"]
USES = re.compile(r"uses: *(\S+)(.*)")
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
COMMAND = re.compile(
    r"(?:run: |- |^[ #]*)(?:GITHUB_STEP_SUMMARY=\S+ )?(gradectl [a-z][^>\n]*)", re.MULTILINE
)


class Loader(yaml.SafeLoader):
    """YAML with the `!reference` of GitLab."""


Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader)


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """A tag can be moved to other code; the version is in a comment."""
    for action, comment in USES.findall(path.read_text()):
        if action.startswith("./"):
            assert (ROOT / action / "action.yml").is_file()
        else:
            assert PINNED.fullmatch(action), action
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_one_action_has_one_version() -> None:
    """An update that misses a file is noticed."""
    pins = {action for path in GITHUB for action, _ in USES.findall(path.read_text())}

    assert len({pin.partition("@")[0] for pin in pins}) == len(pins) > 4


@pytest.mark.parametrize("path", GITHUB[:-1], ids=lambda path: path.name)
def test_a_workflow_grants_nothing_by_default(path: Path) -> None:
    """Each job lists its rights, and has a time limit."""
    workflow = load(path)

    assert workflow["permissions"] == {}
    assert all(job["permissions"] for job in workflow["jobs"].values())
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_the_commands_of_a_pipeline_exist(path: Path) -> None:
    """Each line of gradectl, also in a comment, is parsed with its options, and not run."""
    found = COMMAND.findall(path.read_text())
    assert found or path.name in {"ci.yml", "action.yml"}
    for line in found:
        _, name, *rest = shlex.split(line.replace("reviewed.json", str(ROOT / "README.md")))
        context = click.Context(gradectl)
        command = gradectl.get_command(context, name)
        assert command, line
        command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("name", ["github/deploy.yml", "gitlab-ci.yml"])
def test_only_a_reviewed_plan_is_applied(name: str) -> None:
    """No pipeline applies what was not shown to a person."""
    lines = COMMAND.findall((ROOT / "examples" / "pipelines" / name).read_text())
    applies = [line for line in lines if line.startswith("gradectl apply")]

    assert applies
    assert all("--reviewed" in line and "--yes" not in line for line in applies)
