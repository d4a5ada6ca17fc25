"""The roots below examples/ are short, explained, and work in a folder of somebody's own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import worker_variables

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ROOTS = sorted({path.parent for path in EXAMPLES.glob("*/*.tf")})
#: The examples in which a file creates a broker, also one in a deeper folder.
WITH_BROKER = sorted(
    {
        EXAMPLES / path.relative_to(EXAMPLES).parts[0]
        for kind in ("*.tf", "*.hcl")
        for path in EXAMPLES.rglob(kind)
        if "/modules/messaging" in path.read_text()
    }
)
#: What the provider must leave alone, or an apply removes what a sync has recorded.
IGNORED = 'ignore_tags { key_prefixes = ["gradectl:"] }'
#: Most lines of each root.
LIMITS = {"existing": 32, "minimal": 30, "sqs": 31, "team": 75}
#: The line of a README that names the modules by their version.
BY_VERSION = re.compile(r"^sed -i .* main\.tf$", re.MULTILINE)
#: What a root must tell its workers.
REQUIRED = worker_variables.required()
each_root = pytest.mark.parametrize("folder", ROOTS, ids=lambda folder: folder.name)


def statements(folder: Path) -> list[str]:
    """The lines of a root that are neither blank nor a comment."""
    lines = [line.strip() for path in folder.glob("*.tf") for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


@each_root
def test_a_root_is_short(folder: Path) -> None:
    """What is needed to use the modules is little, and stays little; each root has its limit."""
    assert len(statements(folder)) <= LIMITS[folder.name]


@each_root
def test_a_root_says_how_long_it_is_and_how_much_it_makes(folder: Path) -> None:
    """A README that counts its lines counts them right; the plan's number stands in both files."""
    page = (folder / "README.md").read_text()
    planned = re.findall(
        r"^# plans: .*\bresources=(\d+)", (folder / "main.tf").read_text(), re.MULTILINE
    )

    assert re.findall(r"(\d+) lines", page) == [str(len(statements(folder)))]
    assert re.findall(r"(\d+) resources", page) == planned


def test_the_readme_of_the_workers_names_all_that_they_must_be_told() -> None:
    """A root with a variable less plans and applies well, and its workers end at once."""
    page = (ROOT / "modules" / "ecs-grading" / "README.md").read_text()
    table = page.split("\n## Environment of the worker\n")[1].split("\n## ")[0]

    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == REQUIRED


def test_the_whole_root_tells_its_workers_all_that_they_must_be_told() -> None:
    """Its parameters are named as the variables are, but for hyphens and `_PARAM`."""
    text = (ROOT / "examples" / "team" / "main.tf").read_text()
    parameters = set(re.findall(r"\b((?:db|mq)-[a-z]+) += ", text))
    variables = {f"{name.replace('-', '_').upper()}_PARAM" for name in parameters}

    assert variables | set(re.findall(r"\b([A-Z_]{2,}) = ", text)) == REQUIRED


@each_root
def test_a_root_with_a_broker_ends_the_passwords_of_its_state(folder: Path) -> None:
    """The command of its README finds the broker, its users and its workers in the outputs."""
    text, page = (folder / "main.tf").read_text(), (folder / "README.md").read_text()
    outputs = set(re.findall(r'^output "(\w+)"', text, re.MULTILINE))
    if 'modules/messaging"' not in text:
        assert not outputs & {"broker_id", "broker_arn", "broker_users"}
        return

    assert "terraform output -json | gradectl broker-users sync --outputs - --yes" in page
    assert outputs & {"broker_id", "broker_arn"}
    assert "broker_users" in outputs
    if 'modules/ecs-grading"' in text:
        assert {"cluster_name", "service_name", "task_definition_arn"} <= outputs


@pytest.mark.parametrize("example", WITH_BROKER, ids=lambda example: example.name)
def test_an_example_with_a_broker_ends_the_passwords_of_its_state(example: Path) -> None:
    """Its README has the command, its roots the outputs for it, and an apply keeps its records."""
    command = r"gradectl broker-users sync --(outputs -|broker-id .* --disable admin) --yes"
    files = [path for kind in ("*.tf", "*.hcl") for path in example.rglob(kind)]
    with_provider = [path for path in files if 'provider "aws"' in path.read_text()]

    assert re.search(command, (example / "README.md").read_text())
    assert with_provider
    for path in with_provider:
        text = path.read_text()
        outputs = set(re.findall(r'^output "(\w+)"', text, re.MULTILINE))
        assert IGNORED in text, path
        assert path.suffix != ".tf" or {"broker_arn", "broker_id"} & outputs, path
        assert path.suffix != ".tf" or "broker_users" in outputs, path


def test_the_readme_of_the_broker_begins_with_the_passwords_in_the_state() -> None:
    """Who only copies its first example must know that the administrator's password is there."""
    page = (ROOT / "modules" / "messaging" / "README.md").read_text()
    first = " ".join(page.split("```")[0].split())

    assert "After the first apply, run [`gradectl broker-users sync`]" in first
    assert "the passwords in the Terraform state are valid, also that of the administrator" in first


@pytest.mark.engine
@each_root
def test_a_root_works_from_git_after_the_command_of_its_readme(
    folder: Path,
    terraform_folder: Callable[..., Any],
    from_git: Mapping[str, str],
    served_provider: Mapping[str, str],
) -> None:
    """Whoever copies the folder away has one command to run, and then needs nothing of here."""
    files = {path.name: path.read_text() for path in folder.glob("*.tf")}
    copy = terraform_folder(f"own/{folder.name}", files).within(**from_git)
    (command,) = BY_VERSION.findall((folder / "README.md").read_text())
    subprocess.run(["bash", "-c", command], cwd=copy.directory, check=True)

    copy.run("init", "-no-color", "-input=false")

    assert "../" not in (copy.directory / "main.tf").read_text()
    assert "valid" in copy.within(**served_provider).run("validate", "-no-color")
