"""Each published module is valid on its own: it, its README and its examples."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from example_folders import Example, declaration, examples, undeclared
from publish_modules import GROUP, Addresses, published, repository, write

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.parent.name for path in (ROOT / "modules").glob("*/variables.tf"))
FILES = published(ROOT, Addresses("1.2.3"))
FOLDERS = sorted({str(path.parent) for path in FILES if path.match("examples/*/main.tf")})

pytestmark = pytest.mark.engine
Maker = Callable[..., Any]


def first_example(module: str) -> Example:
    """The first example of a published README."""
    return examples(module, FILES[PurePosixPath(repository(module)) / "README.md"])[0]


def call(folder: str) -> str:
    """Call an example, with a value of any type for each of its variables."""
    text = FILES.get(PurePosixPath(folder) / "variables.tf", "")
    text += FILES[PurePosixPath(folder) / "main.tf"]
    values = "".join(
        f"  {block.labels[0]} = var.{'secret' if block.attribute('ephemeral') else 'anything'}\n"
        for block in Example(folder, 1, text).blocks
        if block.kind == "variable"
    )
    name = folder.replace("/", "_")
    return f'module "{name}" {{\n  source = "./{folder}"\n{values}}}\n'


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The published modules in repositories with a tag; variables by which git finds them."""
    top = tmp_path_factory.mktemp("servers")
    write(FILES, top)
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    for module in MODULES:
        for words in (
            ["init", "-q"],
            ["add", "."],
            [*who, "commit", "-q", "-m", "Release"],
            ["tag", "v1.2.3"],
        ):
            folder = top / repository(module)
            subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
        folder.rename(top / f"{repository(module)}.git")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{top}.insteadOf",
        "GIT_CONFIG_VALUE_0": GROUP,
    }


def test_the_modules_are_valid_by_their_readmes_and_in_their_examples(
    terraform_folder: Maker, servers: Mapping[str, str], served_provider: Mapping[str, str]
) -> None:
    """One root calls each by the address and version of its README, and all examples."""
    wanted = [first_example(module) for module in MODULES]
    given = {declaration(name, example) for example in wanted for name in undeclared(example)}
    parts = [
        *(example.text for example in wanted),
        *sorted(given),
        'variable "anything" {}\nvariable "secret" {\n  ephemeral = true\n}\n',
        *map(call, FOLDERS),
    ]
    folder = terraform_folder("published").within(**servers)
    write(FILES, folder.directory)
    (folder.directory / "main.tf").write_text("\n".join(parts))

    folder.run("init", "-no-color", "-input=false")

    assert "valid" in folder.within(**served_provider).run("validate", "-no-color")
    fetched = Path(folder.environ["TF_DATA_DIR"]) / "modules"
    there = {path.name for path in fetched.iterdir() if path.is_dir()}
    assert there >= {first_name(example) for example in wanted}


def first_name(example: Example) -> str:
    """The name of the module call of an example."""
    return next(block.labels[0] for block in example.blocks if block.kind == "module")


@pytest.mark.exhaustive
@pytest.mark.parametrize("module", MODULES)
def test_a_published_module_is_formatted_and_passes_its_tests(
    module: str,
    terraform_folder: Maker,
    tmp_path: Path,
    servers: Mapping[str, str],
    served_provider: Mapping[str, str],
) -> None:
    """In a folder of its own, as its repository has it."""
    write(FILES, tmp_path)
    folder = terraform_folder("elsewhere").within(**servers, **served_provider)
    alone = type(folder)(folder.command, tmp_path / repository(module), folder.environ)

    alone.run("fmt", "-check", "-recursive")
    alone.run("init", "-no-color", "-input=false")

    assert "valid" in alone.run("validate", "-no-color")
    assert "0 failed" in alone.run("test", "-no-color")
