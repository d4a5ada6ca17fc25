"""All generated documentation of this repository is up to date; `--check` names what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import reference


def repository(top: Path) -> Path:
    """A repository with one module, a root and a page of languages."""
    for folder in ("modules/one", "environments", "docs"):
        (top / folder).mkdir(parents=True)
        (top / folder / "variables.tf").write_text('variable "max" {\n  default = 1\n}\n')
    (top / "modules" / "one" / "README.md").write_text("# one\n")
    return top


def test_the_documentation_of_this_repository_is_up_to_date() -> None:
    """After a change of a command, language, variable or message: `make docs`."""
    assert reference.main(["--check"]) == 0


def test_check_lists_stale_files_and_writes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message ends with the command that fixes it."""
    top = repository(tmp_path)

    code = reference.main(["--check"], top)

    names = ["docs/cli.md", "docs/system-calls.md", "docs/languages.md"]
    names += ["modules/one/README.md", "environments/README.md"]
    names += [f"docs/schemas/grading-{kind}.schema.json" for kind in ("request", "result")]
    functions = ("request", "result", "manifest")
    names += [f"docs/schemas/function-{kind}.schema.json" for kind in functions]
    error = f"{', '.join(names)}: out of date; next: make docs\n"
    assert (code, capsys.readouterr().err) == (4, error)
    assert not (top / "docs" / "cli.md").exists()


def test_print_answers_with_the_texts_of_stale_files_and_writes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`gradectl validate --fix` writes them."""
    top = repository(tmp_path)

    assert reference.main(["--print"], top) == 0

    texts = json.loads(capsys.readouterr().out)
    assert "`max`" in texts["modules/one/README.md"]
    assert not (top / "docs" / "cli.md").exists()
    for name, text in texts.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    assert reference.main(["--check"], top) == 0


def test_written_files_are_up_to_date(tmp_path: Path) -> None:
    """A second run has nothing to write."""
    top = repository(tmp_path)

    assert reference.main([], top) == 0

    assert reference.main(["--check"], top) == 0
    assert "`max`" in (top / "modules" / "one" / "README.md").read_text()
