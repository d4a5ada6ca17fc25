"""`grader languages`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.commands.languages import as_json, as_table, inspect_machine
from grader.errors import SettingsError
from grader.judge.languages_check import LanguageStatus, State
from grader.languages import LANGUAGES, find
from grader.settings import SandboxSettings

STATUSES = [
    LanguageStatus(find("python"), State.OK, "Python 3.11.2"),
    LanguageStatus(find("c"), State.BROKEN, "gcc 12", "does not compile: no cc1"),
    LanguageStatus(find("java"), State.ABSENT, "", "not found: javac, java"),
]


def test_the_table_lists_each_language_with_its_commands() -> None:
    """Names, versions, reasons and commands; scripts are shortened to their length."""
    text = as_table(STATUSES)

    assert text.startswith(
        "python  Python 3  ok             Python 3.11.2\n    source   solution.py;"
    )
    assert (
        "\nc       C17       broken         gcc 12\n    broken: does not compile: no cc1\n" in text
    )
    assert "    run      python3 -I -B -X int_max_str_digits=0 ../run/solution.py\n" in text
    assert "    compile  sh -c '...' (" in text


def test_json_has_the_full_commands() -> None:
    """For programs: a schema version and stable field names."""
    document = json.loads(as_json(STATUSES))

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
        "run_command": list(find("python").run_argv),
        "least_memory_mb": 16,
    }
    assert (c["status"], c["reason"]) == ("broken", "does not compile: no cc1")
    assert java["compile_command"] == list(find("java").compile_argv)


def test_without_a_sandbox_languages_are_not_tested(tmp_path: Path) -> None:
    """Versions are shown all the same, e.g. on a laptop."""
    settings = SandboxSettings(launcher_path=tmp_path / "launcher", languages="python")

    found, untested = inspect_machine(settings)

    assert found[0].state is State.UNTESTED
    assert [one.state for one in found[1:]] == [State.OFF] * (len(LANGUAGES) - 1)
    assert untested.startswith(f"not tested: {tmp_path}/launcher: the sandbox launcher does not")


@pytest.mark.engine
def test_with_a_sandbox_each_language_is_tested(launcher: Path) -> None:
    """With the test that a worker runs at start."""
    found, untested = inspect_machine(SandboxSettings(launcher_path=launcher, languages="c"))

    assert untested == ""
    assert [one.language.name for one in found if one.state is State.OK] == ["c"]


def test_a_misspelt_setting_is_an_error() -> None:
    """The list is not shown without that language."""
    with pytest.raises(SettingsError, match="cobol"):
        inspect_machine(SandboxSettings(languages="cobol"))
