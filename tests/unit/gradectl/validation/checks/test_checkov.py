"""checkov is asked once, and what it said of the same files is remembered."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.errors import ConfigurationError
from gradectl.validation.checks.checkov import CHECK

FILES = {"main.tf": "\n", "modules/a/main.tf": "\n"}
#: Stands for the program: counts its runs, and answers with what is in a file.
PROGRAM = '#!/bin/sh\necho "$@" >> "$0.runs"\ncat "$0.answer"\nexit 1\n'


class Stand:
    """A program that says what it is told to say."""

    def __init__(self, folder: Path) -> None:
        """Install it."""
        folder.mkdir(parents=True)
        self.path = folder / "checkov"
        self.path.write_text(PROGRAM)
        self.path.chmod(0o755)

    def answer(self, text: str) -> None:
        """Tell it what to say."""
        self.path.with_suffix(".answer").write_text(text)

    @property
    def runs(self) -> list[str]:
        """The arguments of each of its runs."""
        found = self.path.with_suffix(".runs")
        return found.read_text().splitlines() if found.exists() else []


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """The program in the environment of its own, where `make validate` installs it."""
    found = Stand(tmp_path / "project" / ".venv-checkov" / "bin")
    found.answer(report(tmp_path / "project" / "modules" / "a" / "main.tf"))
    return found


def report(path: Path) -> str:
    """What checkov says when one resource is not safe."""
    failed = {
        "check_id": "CKV_AWS_1",
        "check_name": "Ensure it is safe",
        "file_abs_path": str(path),
        "file_line_range": [4, 9],
        "resource": "aws_x.this",
        "guideline": "https://example.com/CKV_AWS_1",
    }
    return json.dumps({"results": {"failed_checks": [failed], "parsing_errors": []}})


def test_what_it_found_has_file_line_rule_and_guideline(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """One run over all folders, and none of it over a network."""
    (found,) = look(CHECK, make_context(FILES))

    assert (found.location, found.rule) == ("modules/a/main.tf:4", "CKV_AWS_1")
    assert found.message == "Ensure it is safe (aws_x.this)"
    assert found.help_url == "https://example.com/CKV_AWS_1"
    (words,) = stand.runs
    assert "--skip-download" in words


def test_the_same_files_are_not_looked_at_twice(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """It takes seconds to start, and says the same again."""
    first = look(CHECK, make_context(FILES))

    assert look(CHECK, make_context(FILES)) == first
    assert len(stand.runs) == 1


@pytest.mark.parametrize("name", ["main.tf", ".checkov.yaml"])
def test_a_change_of_a_file_or_of_its_settings_counts(
    make_context: Callable[..., Any], look: Any, stand: Stand, name: str
) -> None:
    """What was said before was said of something else."""
    look(CHECK, make_context(FILES))
    look(CHECK, make_context({**FILES, name: "# changed\n"}))

    assert len(stand.runs) == 2


def test_another_version_of_it_counts(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """It may have learnt something."""
    look(CHECK, make_context(FILES))
    os.utime(stand.path, ns=(1, 1))
    look(CHECK, make_context(FILES))

    assert len(stand.runs) == 2


def test_a_memory_that_cannot_be_read_is_none(
    make_context: Callable[..., Any], look: Any, stand: Stand, tmp_path: Path
) -> None:
    """A run that was killed may have left half a file."""
    look(CHECK, make_context(FILES))
    (kept,) = (tmp_path / "cache" / "gradectl").glob("checkov-*.json")
    kept.write_text('{"key":')

    assert len(look(CHECK, make_context(FILES))) == 1
    assert len(stand.runs) == 2


def test_a_file_that_it_cannot_read_is_found(
    make_context: Callable[..., Any], look: Any, stand: Stand, tmp_path: Path
) -> None:
    """What it could not read, it did not check."""
    broken = str(tmp_path / "project" / "main.tf")
    stand.answer(json.dumps([{"results": {"failed_checks": [], "parsing_errors": [broken]}}]))

    (found,) = look(CHECK, make_context(FILES))

    assert (found.location, found.rule) == ("main.tf:1", "unreadable")


def test_without_it_the_way_to_get_it_is_said(make_context: Callable[..., Any], look: Any) -> None:
    """And the way to do without."""
    with pytest.raises(ConfigurationError) as caught:
        look(CHECK, make_context(FILES, PATH="/nonexistent"))

    assert "--skip checkov" in caught.value.next_step
