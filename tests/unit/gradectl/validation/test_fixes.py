"""`--fix` corrects what has one answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gradectl.errors import GradectlError
from gradectl.validation.checks import fmt, reference, rendered
from gradectl.validation.findings import Fix
from gradectl.validation.fixes import fix
from gradectl.validation.model import Change, Check, CheckContext, CheckJob

REPOSITORY = Path(__file__).resolve().parents[4]
Make = Callable[..., CheckContext]
YAML = "schema_version: 1\nname: dev\naccount_id: '123456789012'\nregion: eu-west-1\n"
VARIABLES = "".join(
    f'variable "{name}" {{}}\n' for name in ("aws_account_id", "aws_region", "environment_name")
)
#: Stands for scripts/reference.py of a project.
GENERATOR = """import json, sys
text = {answer}
if sys.argv[1:] == ["--print"]:
    sys.stdout.write(text if isinstance(text, str) else json.dumps(text))
"""


def fixed(check: Check, context: CheckContext, *, dry_run: bool = False) -> list[Fix]:
    """Fix what one check finds."""
    return list(fix({check.name: check.jobs(context)}, context, dry_run=dry_run))


def job(*changes: Change) -> dict[str, list[CheckJob]]:
    """A check with one subject that has some corrections."""
    return {"x": [CheckJob("a", [], list, lambda: changes)]}


def test_files_are_formatted_and_others_stay(make_context: Make) -> None:
    """As `terraform fmt` would, with the line endings that they have."""
    context = make_context({"good.tf": "locals {}\n", "broken.tf": "locals {\n"})
    top = context.project.path
    (top / "bad.tf").write_bytes(b"locals {\r\n  a=1\r\n}\r\n")

    assert fixed(fmt.CHECK, context) == [Fix("fmt", "bad.tf", "fixed")]
    assert (top / "bad.tf").read_bytes() == b"locals {\r\n  a = 1\r\n}\r\n"
    assert (top / "broken.tf").read_text() == "locals {\n"
    assert [path.name for path in top.iterdir() if path.name.startswith(".")] == []


def test_a_dry_run_names_the_files_and_writes_none(make_context: Make) -> None:
    """The user sees what would change."""
    context = make_context({"bad.tf": "locals {\n  a=1\n}\n"})

    assert fixed(fmt.CHECK, context, dry_run=True) == [Fix("fmt", "bad.tf", "would fix")]
    assert (context.project.path / "bad.tf").read_text() == "locals {\n  a=1\n}\n"


def test_environments_are_rendered(make_context: Make) -> None:
    """An invalid environment.yaml is left to people."""
    files = {"environments/variables.tf": VARIABLES, "environments/dev/environment.yaml": YAML}
    context = make_context({**files, "environments/bad/environment.yaml": "name: 1\n"})
    shutil.copytree(REPOSITORY / "templates", context.project.path / "templates")

    found = fixed(rendered.CHECK, context)

    assert [each.path for each in found] == [
        "environments/dev/terraform.tfvars",
        "environments/dev/backend.hcl",
    ]
    assert "eu-west-1" in (context.project.path / found[0].path).read_text()
    assert fixed(rendered.CHECK, context) == []


def test_generated_documentation_is_written(make_context: Make) -> None:
    """The generator prints it, so that it is replaced file by file."""
    answer = {"docs/a.md": "new\n"}
    files = {"main.tf": "", "docs/a.md": "old\n", "scripts/reference.py": ""}
    context = make_context({**files, "scripts/reference.py": GENERATOR.format(answer=answer)})

    assert fixed(reference.CHECK, context) == [Fix("reference", "docs/a.md", "fixed")]
    assert (context.project.path / "docs/a.md").read_text() == "new\n"


@pytest.mark.parametrize("answer", [repr("written a.md"), "['a.md']", "{'a.md': 1}", repr("")])
def test_a_generator_that_prints_something_else_is_an_error(
    make_context: Make, answer: str
) -> None:
    """For example one that does not have `--print`."""
    context = make_context({"main.tf": "", "scripts/reference.py": GENERATOR.format(answer=answer)})

    with pytest.raises(GradectlError, match="JSON object of paths and texts") as caught:
        fixed(reference.CHECK, context)

    assert caught.value.where == "scripts/reference.py"
    assert "--skip reference" in caught.value.next_step


def test_a_file_outside_of_the_folder_is_left_alone(make_context: Make, tmp_path: Path) -> None:
    """Whether a link or a generator names it."""
    outside = tmp_path / "outside.tf"
    outside.write_text("old")
    context = make_context({"main.tf": ""})
    link = context.project.path / "link.tf"
    link.symlink_to(outside)

    changes = job(Change(link, b"new"), Change(context.project.path / "../outside.tf", b"new"))

    assert [each.state for each in fix(changes, context, dry_run=False)] == ["outside"] * 2
    assert outside.read_text() == "old"


def test_files_before_a_failure_are_written_and_named(make_context: Make) -> None:
    """The others are unchanged."""
    context = make_context({"main.tf": ""})
    top = context.project.path
    jobs = job(Change(top / "a", b"1"), Change(top / "main.tf" / "b", b"2"))
    changes = fix(jobs, context, dry_run=False)

    assert next(changes) == Fix("x", "a", "fixed")
    with pytest.raises(GradectlError, match="cannot be written"):
        next(changes)
    assert (top / "a").read_text() == "1"
