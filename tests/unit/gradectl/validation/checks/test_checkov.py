"""checkov runs once, and its result for the same files is cached."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.errors import ConfigurationError
from gradectl.validation.checks.checkov import CHECK, VERSION, install

FILES = {"main.tf": "\n", "modules/a/main.tf": "\n"}
SOURCE = (
    "https://github.com/bridgecrewio/checkov/blob/main/"
    "checkov/terraform/checks/resource/aws/Safe.py"
)
INDEX = "https://www.checkov.io/5.Policy%20Index/terraform.html"
#: Stands for Python: `-m venv --clear FOLDER` copies it, and `-m pip install` makes checkov, unless
#: a file says that there is no network.
PYTHON = """#!/bin/sh
echo "$@"
case "$2" in
  venv) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  pip) [ ! -e OFFLINE ] || { echo "no network"; exit 1; }; cp "$0" "${0%/*}/checkov" ;;
esac
"""
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


def report(path: Path, **changes: Any) -> str:
    """Report of checkov on one unsafe resource."""
    failed: dict[str, Any] = {
        "check_id": "CKV_AWS_1",
        "check_name": "Ensure it is safe",
        "file_abs_path": str(path),
        "file_line_range": [4, 9],
        "resource": "aws_x.this",
        "guideline": "https://example.com/CKV_AWS_1",
        **changes,
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
    assert found.title == "Ensure it is safe"
    (words,) = stand.runs
    assert "--skip-download" in words


@pytest.mark.parametrize(
    ("changes", "page"),
    [
        ({"check_class": "checkov.terraform.checks.resource.aws.Safe"}, SOURCE),
        ({"check_class": "checkov.common.graph.checks_infra.base_check"}, INDEX),
        ({}, INDEX),
        ({"check_id": "TEAM_1", "check_class": "ours.Safe"}, ""),
    ],
)
def test_a_rule_without_a_guideline_has_another_page(
    make_context: Callable[..., Any], look: Any, stand: Stand, changes: dict[str, str], page: str
) -> None:
    """Its source or the list of all rules: checkov knows its guidelines only with a network."""
    stand.answer(report(stand.path.parents[2] / "main.tf", guideline=None, **changes))

    (found,) = look(CHECK, make_context(FILES))

    assert found.help_url == page


def test_rules_about_module_versions_are_left_to_our_own_check(
    make_context: Callable[..., Any], look: Any, stand: Stand
) -> None:
    """One of them accepts only commits, the other only tags."""
    answer = stand.path.with_suffix(".answer")
    answer.write_text(answer.read_text().replace("CKV_AWS_1", "CKV_TF_1"))

    assert look(CHECK, make_context(FILES)) == []


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

    assert (found.location, found.rule, found.blocks) == ("main.tf:1", "unreadable", True)


def test_a_missing_checkov_is_an_error_with_instructions(
    make_context: Callable[..., Any], look: Any
) -> None:
    """And how to skip it."""
    with pytest.raises(ConfigurationError) as caught:
        look(CHECK, make_context(FILES, PATH="/nonexistent"))

    assert "--skip checkov" in caught.value.next_step


def test_the_version_that_is_installed_is_the_one_of_this_repository() -> None:
    """Others get the rules that ours were checked with."""
    pins = (Path(__file__).resolve().parents[5] / "requirements" / "checkov.txt").read_text()

    assert re.findall(r"^checkov==(.+)$", pins, re.MULTILINE) == [VERSION]


def test_checkov_is_installed_as_a_whole_or_not_at_all(
    make_context: Callable[..., Any], tmp_path: Path
) -> None:
    """A failed installation leaves nothing; then the next run offers it again."""
    context = make_context(FILES, PATH="/usr/bin:/bin")
    python, offline = tmp_path / "python", tmp_path / "cache" / "gradectl" / "OFFLINE"
    python.write_text(PYTHON)
    python.chmod(0o755)
    installation = CHECK.installation(context)
    assert installation
    assert installation.folder == tmp_path / "cache" / "gradectl" / "checkov"
    said: list[str] = []
    offline.parent.mkdir(parents=True)
    offline.touch()

    with pytest.raises(ConfigurationError, match="no network") as caught:
        install(context, installation.folder, said.append, str(python))
    assert "pipx install checkov" in caught.value.next_step
    assert not installation.folder.exists()
    offline.unlink()
    install(context, installation.folder, said.append, str(python))

    assert said[-1].endswith(f"checkov=={VERSION}")
    assert CHECK.installation(context) is None


@pytest.mark.exhaustive
def test_the_installed_checkov_runs(
    make_context: Callable[..., Any], look: Any, tmp_path: Path
) -> None:
    """With the real Python and pip, from a folder with a small package of this name."""
    about = f"checkov-{VERSION}.dist-info"
    with zipfile.ZipFile(tmp_path / f"checkov-{VERSION}-py3-none-any.whl", "w") as file:
        metadata = f"Metadata-Version: 2.1\nName: checkov\nVersion: {VERSION}\n"
        file.writestr(f"{about}/METADATA", metadata)
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{about}/entry_points.txt", "[console_scripts]\ncheckov = checkov:main\n")
        file.writestr("checkov.py", "def main():\n    print('[]')\n")
        file.writestr(f"{about}/RECORD", "")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    context = make_context(FILES, PATH="/usr/bin:/bin", **offline)
    installation = CHECK.installation(context)
    assert installation

    installation.run(lambda _: None)

    assert look(CHECK, context) == []
