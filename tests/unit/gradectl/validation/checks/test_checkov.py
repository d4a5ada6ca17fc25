"""checkov runs once, and its result for the same files is cached."""

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
    """A fake checkov with a fixed output."""

    def __init__(self, folder: Path) -> None:
        """Install it."""
        folder.mkdir(parents=True)
        self.path = folder / "checkov"
        self.path.write_text(PROGRAM)
        self.path.chmod(0o755)

    def answer(self, text: str) -> None:
        """Set its output."""
        self.path.with_suffix(".answer").write_text(text)

    @property
    def runs(self) -> list[str]:
        """The arguments of each of its runs."""
        found = self.path.with_suffix(".runs")
        return found.read_text().splitlines() if found.exists() else []


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """The fake in .venv-checkov, as `make validate` installs it."""
    found = Stand(tmp_path / "project" / ".venv-checkov" / "bin")
    found.answer(report(tmp_path / "project" / "modules" / "a" / "main.tf"))
    return found


def report(path: Path) -> str:
    """Report of checkov on one unsafe resource."""
    failed = {
        "check_id": "CKV_AWS_1",
        "check_name": "Ensure it is safe",
        "file_abs_path": str(path),
        "file_line_range": [4, 9],
        "resource": "aws_x.this",
        "guideline": "https://example.com/CKV_AWS_1",
    }
    return json.dumps({"results": {"failed_checks": [failed], "parsing_errors": []}})


def test_findings_have_file_line_rule_and_guideline(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """One run over all folders, without network access."""
    (found,) = look(CHECK, make_context(FILES))

    assert (found.location, found.rule) == ("modules/a/main.tf:4", "CKV_AWS_1")
    assert found.message == "Ensure it is safe (aws_x.this)"
    assert found.help_url == "https://example.com/CKV_AWS_1"
    (words,) = stand.runs
    assert "--skip-download" in words


def test_the_same_files_are_not_checked_twice(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """Starting checkov takes seconds."""
    first = look(CHECK, make_context(FILES))

    assert look(CHECK, make_context(FILES)) == first
    assert len(stand.runs) == 1


@pytest.mark.parametrize("name", ["main.tf", ".checkov.yaml"])
def test_a_changed_file_or_setting_invalidates_the_cache(
    make_context: Callable[..., Any], look: Any, stand: Stand, name: str
) -> None:
    """The cached result is for other files."""
    look(CHECK, make_context(FILES))
    look(CHECK, make_context({**FILES, name: "# changed\n"}))

    assert len(stand.runs) == 2


def test_another_version_of_checkov_invalidates_the_cache(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """A new version may have new checks."""
    look(CHECK, make_context(FILES))
    os.utime(stand.path, ns=(1, 1))
    look(CHECK, make_context(FILES))

    assert len(stand.runs) == 2


def test_an_unreadable_cache_is_ignored(
    make_context: Callable[..., Any], look: Any, stand: Stand, tmp_path: Path
) -> None:
    """A killed run may have left a partial file."""
    look(CHECK, make_context(FILES))
    (kept,) = (tmp_path / "cache" / "gradectl").glob("checkov-*.json")
    kept.write_text('{"key":')

    assert len(look(CHECK, make_context(FILES))) == 1
    assert len(stand.runs) == 2


def test_a_file_that_checkov_cannot_parse_is_a_finding(
    make_context: Callable[..., Any], look: Any, stand: Stand, tmp_path: Path
) -> None:
    """Unreadable files were not checked."""
    broken = str(tmp_path / "project" / "main.tf")
    stand.answer(json.dumps([{"results": {"failed_checks": [], "parsing_errors": [broken]}}]))

    (found,) = look(CHECK, make_context(FILES))

    assert (found.location, found.rule) == ("main.tf:1", "unreadable")


def test_a_missing_checkov_is_an_error_with_instructions(
    make_context: Callable[..., Any], look: Any
) -> None:
    """And how to skip it."""
    with pytest.raises(ConfigurationError) as caught:
        look(CHECK, make_context(FILES, PATH="/nonexistent"))

    assert "--skip checkov" in caught.value.next_step
