"""Each module becomes a repository of its own, which needs nothing of this one."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest
from publish_modules import TOP, Addresses, main, published, write

MODULES = sorted(path.parent.name for path in (TOP / "modules").glob("*/variables.tf"))
FILES = published(TOP, Addresses("1.2.3"))
README = """# one

First, with [two](../two/README.md#use) and [a page](../../docs/page.md), [here](#use):

```hcl
module "one" {
  source = "git::https://git.example.com/platform/gradectl.git//modules/one?ref=COMMIT"

  password = var.db_password
  name     = module.two.name
}
```
"""
CALL = """module "two" {
  source           = "../two"
  environment_name = "x"
}
"""


@pytest.fixture(name="top")
def _top(tmp_path: Path) -> Path:
    """A repository with a module that calls another."""
    for name, main_tf in (("one", CALL), ("two", "")):
        folder = tmp_path / "modules" / name
        folder.mkdir(parents=True)
        (folder / "variables.tf").write_text("")
        (folder / "main.tf").write_text(main_tf)
        (folder / "README.md").write_text(README if name == "one" else "# two\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    return tmp_path


@pytest.mark.parametrize("module", MODULES)
def test_a_repository_has_what_a_registry_requires(module: str) -> None:
    """The files at its top, a README, examples, tests, and the version."""
    folder = PurePosixPath(f"terraform-aws-{module}")
    own = {path.relative_to(folder) for path in FILES if path.is_relative_to(folder)}

    required = {"README.md", "VERSION", "main.tf", "outputs.tf", "variables.tf", "versions.tf"}
    assert required <= {str(path) for path in own}
    assert PurePosixPath("examples/example-1/main.tf") in own
    assert [path for path in own if path.match("tests/*.tftest.hcl")]
    assert FILES[folder / "VERSION"] == "1.2.3\n"


@pytest.mark.parametrize("module", MODULES)
def test_a_repository_leads_to_nothing_outside_of_it(module: str) -> None:
    """No relative link or source above its top, and no address here without a version."""
    folder = f"terraform-aws-{module}"
    texts = {path: text for path, text in FILES.items() if path.parts[0] == folder}
    pages = "".join(text for path, text in texts.items() if path.suffix == ".md")
    sources = re.findall(r'source += "(\.\.[^"]*)"', "".join(texts.values()))

    assert re.findall(r"\]\((?!\w+:|#)([^)]+)\)", pages) == []
    assert set(sources) == {"../.."}
    assert not [path for path, text in texts.items() if "COMMIT" in text]


def test_sources_and_links_get_the_address_of_the_version(top: Path) -> None:
    """Those of other modules lead to their repositories, pages to this one."""
    files = published(top, Addresses("1.2.3", "https://git.acme.example/tf"))
    page = files[PurePosixPath("terraform-aws-one/README.md")]
    host = "https://git.acme.example/tf"

    assert f'source = "git::{host}/terraform-aws-one.git?ref=v1.2.3"' in page
    assert f"[two]({host}/terraform-aws-two/blob/v1.2.3/README.md#use)" in page
    assert f"[a page]({host}/gradectl/blob/v1.2.3/docs/page.md), [here](#use)" in page
    code = files[PurePosixPath("terraform-aws-one/main.tf")]
    assert f'source           = "git::{host}/terraform-aws-two.git?ref=v1.2.3"' in code


def test_sources_can_be_those_of_a_registry(top: Path) -> None:
    """With the version as an argument, aligned as `terraform fmt` does."""
    files = published(top, Addresses("1.2.3", registry="registry.example.com/acme"))

    code = files[PurePosixPath("terraform-aws-one/main.tf")]
    assert '  source           = "registry.example.com/acme/two/aws"\n' in code
    assert '  version          = "1.2.3"\n' in code


def test_an_example_calls_its_module_and_takes_the_rest_as_variables(top: Path) -> None:
    """What is a secret by its name is ephemeral; the README has the sentence above the example."""
    files = published(top, Addresses("1.2.3"))
    folder = PurePosixPath("terraform-aws-one/examples/example-1")

    assert '  source = "../.."\n' in files[folder / "main.tf"]
    assert "name     = var.two.name" in files[folder / "main.tf"]
    variables = files[folder / "variables.tf"]
    assert 'variable "two" {\n  description = "Outputs of the module two."' in variables
    assert re.search(r'variable "db_password" \{[^}]*ephemeral   = true', variables)
    assert files[folder / "README.md"].startswith("# Example 1 of one\n\nFirst, with [two](https:")


def test_a_second_run_removes_what_is_gone_and_keeps_the_repository(
    top: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder may be a clone; it is then only to be committed, with all that is its own."""
    assert main([], top) == 0
    assert "replaces" not in capsys.readouterr().err
    folder = top / "build" / "modules" / "terraform-aws-one"
    written = {path for path in folder.rglob("*") if path.is_file()}
    own = [".git/HEAD", ".github/workflows/ci.yml", "LICENSE", "examples/mine/main.tf"]
    gone = ["old.tf", "templates/old.sh", "tests/a/old.hcl", "examples/example-9/main.tf"]
    for name in (*own, *gone):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")

    assert main([], top) == 0

    left = {path for path in folder.rglob("*") if path.is_file()}
    assert left == {*written, *(folder / name for name in own)}
    assert not (folder / "examples/example-9").exists()
    out = capsys.readouterr()
    assert "build/modules/terraform-aws-one\n" in out.out
    assert out.err.startswith("replaces its own files in build/modules/: terraform-aws-one, ")
    assert "git tag --annotate v1.2.3" in out.err


def test_files_stay_below_the_folder(tmp_path: Path) -> None:
    """Parents are made."""
    write({PurePosixPath("terraform-aws-x/a/b.tf"): "x"}, tmp_path)

    assert (tmp_path / "terraform-aws-x" / "a" / "b.tf").read_text() == "x"
