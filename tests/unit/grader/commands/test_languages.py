"""What `grader languages` shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.commands.languages import as_json, as_table, inspect_machine
from grader.errors import SettingsError
from grader.judge.languages_check import LanguageStatus, State
from grader.languages import LANGUAGES, find
from grader.settings import SandboxSettings

CONDITIONS = [
    LanguageStatus(find("python"), State.OK, "Python 3.11.2"),
    LanguageStatus(find("c"), State.BROKEN, "gcc 12", "does not compile: no cc1"),
    LanguageStatus(find("java"), State.ABSENT, "", "there is no javac, java"),
]


def test_the_table_has_a_line_for_each_language_and_says_how_it_is_run() -> None:
    """Names, versions, what is wrong, and the commands; of a script only its length."""
    text = as_table(CONDITIONS)

    assert text.startswith(
        "python  Python 3  ok             Python 3.11.2\n    source   solution.py;"
    )
    assert (
        "\nc       C17       broken         gcc 12\n    broken: does not compile: no cc1\n" in text
    )
    assert "    run      python3 -I -B ../run/solution.py\n" in text
    assert "    compile  sh -c '...' (" in text


def test_json_has_the_commands_whole() -> None:
    """For programs: a version of the document, and each field under a stable name."""
    document = json.loads(as_json(CONDITIONS))

    assert (document["schema_version"], document["kind"]) == (1, "languages")
    python, c, java = document["languages"]
    assert python == {
        "name": "python",
        "title": "Python 3",
        "aliases": ["python3", "py"],
        "version": "Python 3.11.2",
        "status": "ok",
        "reason": "",
        "source_file": "solution.py",
        "compile_command": list(find("python").compile_argv),
        "run_command": ["python3", "-I", "-B", "../run/solution.py"],
        "least_memory_mb": 16,
    }
    assert (c["status"], c["reason"]) == ("broken", "does not compile: no cc1")
    assert java["compile_command"] == list(find("java").compile_argv)


def test_without_a_sandbox_versions_are_shown_and_nothing_is_tried(tmp_path: Path) -> None:
    """On a laptop, or in an image that is only half built."""
    settings = SandboxSettings(launcher_path=tmp_path / "launcher", languages="python")

    found, untested = inspect_machine(settings)

    assert found[0].state is State.UNTESTED
    assert [one.state for one in found[1:]] == [State.OFF] * (len(LANGUAGES) - 1)
    assert untested.startswith(f"not tested: {tmp_path}/launcher: the sandbox launcher does not")


@pytest.mark.engine
def test_with_a_sandbox_each_language_is_tried_out(launcher: Path) -> None:
    """The same test that a worker makes at its start."""
    found, untested = inspect_machine(SandboxSettings(launcher_path=launcher, languages="c"))

    assert untested == ""
    assert [one.language.name for one in found if one.state is State.OK] == ["c"]


def test_a_misspelt_setting_is_an_error() -> None:
    """And not a list without the language."""
    with pytest.raises(SettingsError, match="cobol"):
        inspect_machine(SandboxSettings(languages="cobol"))
