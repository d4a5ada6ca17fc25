"""House rules of the Terraform files, read as data; no Terraform is run."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from terraform_modules import Sources, plain

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [*sorted((ROOT / "modules").iterdir()), ROOT / "environments"]
MODULES = FOLDERS[:-1]
#: The module that connects others, and declares no resource.
COMPOSITE = "grading-system"
MAX_VARIABLES = 15
MAX_LINES = 250

each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)


@cache
def sources(folder: Path) -> Sources:
    """The Terraform files of a folder."""
    return Sources.of(folder)


def described(folder: Path, kind: str) -> dict[str, str]:
    """Name of each variable or output to its description, in the order of the files."""
    found = sources(folder).of_kind(kind)
    return {block.labels[0]: plain(block, "description") for block in found}


@cache
def source(folder: Path) -> str:
    """All Terraform files of a folder as one text."""
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))


@each_folder
@pytest.mark.parametrize("kind", ["variable", "output"])
def test_every_variable_and_output_is_described_in_sentences(folder: Path, kind: str) -> None:
    """What a user reads in the reference is a sentence, which ends in a full stop."""
    bad = [name for name, text in described(folder, kind).items() if not text.endswith(".")]

    assert not bad


@each_folder
def test_every_variable_is_typed(folder: Path) -> None:
    """A variable says what it takes."""
    found = sources(folder).of_kind("variable")

    assert not [block.labels[0] for block in found if not block.attribute("type")]


@each_folder
def test_every_variable_is_used(folder: Path) -> None:
    """A variable that does nothing is a promise broken."""
    # a validation of the variable itself is no use of it
    text = re.sub(r'^variable "[^"]+" \{.*?^\}', "", source(folder), flags=re.DOTALL | re.MULTILINE)

    assert not [name for name in described(folder, "variable") if f"var.{name}" not in text]


@each_folder
@pytest.mark.parametrize("kind", ["variable", "output"])
def test_variables_and_outputs_are_in_alphabetical_order(folder: Path, kind: str) -> None:
    """A reader finds a name without searching; the root has a file of variables for each part."""
    declared = re.compile(rf'^{kind} "([^"]+)"', re.MULTILINE)
    files = [declared.findall(path.read_text()) for path in sorted(folder.glob("*.tf"))]

    assert files == [sorted(names) for names in files]


@each_module
def test_a_module_has_few_variables(folder: Path) -> None:
    """A module is understood from its variables; objects hold what belongs together."""
    assert len(described(folder, "variable")) <= MAX_VARIABLES


@each_module
def test_modules_look_nothing_up_and_call_no_sibling(folder: Path) -> None:
    """The root hands a module what it needs, so no arrow points back; one module calls others."""
    declared = set(re.findall(r'^(data|module|resource) "', source(folder), flags=re.MULTILINE))

    assert declared == ({"module"} if folder.name == COMPOSITE else {"resource"})


def test_the_module_that_calls_others_calls_none_that_does() -> None:
    """Two levels are enough to read."""
    called = re.findall(r'source += "\.\./([a-z-]+)"', source(ROOT / "modules" / COMPOSITE))

    assert set(called) <= {folder.name for folder in MODULES} - {COMPOSITE}
    assert len(called) == source(ROOT / "modules" / COMPOSITE).count('\nmodule "')


@each_folder
def test_only_the_aws_provider_is_used(folder: Path) -> None:
    """One provider, in a range that both of its majors satisfy."""
    text = (folder / "versions.tf").read_text()

    assert re.findall(r'source\s+= "([^"]+)"', text) == ["hashicorp/aws"]
    assert 'version = ">= 5.88, < 7.0"' in text
    assert 'required_version = ">= 1.11"' in text


@each_folder
def test_policies_are_written_with_jsonencode(folder: Path) -> None:
    """A policy that is data can be read in a plan, and mocked."""
    assert "aws_iam_policy_document" not in source(folder)


@each_folder
def test_files_stay_small(folder: Path) -> None:
    """A file is one topic."""
    long = [
        path.name
        for path in folder.glob("*.tf")
        if path.name != "variables.tf" and len(path.read_text().splitlines()) > MAX_LINES
    ]

    assert not long


@each_module
def test_a_module_says_what_it_is_for_and_has_tests(folder: Path) -> None:
    """A module is adopted by its README, and trusted by its tests."""
    readme = (folder / "README.md").read_text()

    assert readme.startswith(f"# {folder.name}\n")
    assert "```hcl" in readme
    assert list((folder / "tests").glob("*.tftest.hcl"))


def test_the_root_has_the_variables_that_users_set_today() -> None:
    """The names and defaults that tfvars files of users rely on."""
    expected = {
        "environment_name": "production",
        "mq_engine_type": "ActiveMQ",
        "mq_instance_type": "mq.t3.micro",
        "mq_admin_username": "admin",
        "mq_deployment_mode": "SINGLE_INSTANCE",
        "mq_enable_audit_logs": True,
        "use_fargate": True,
        "ecs_desired_count": 2,
        "enable_ecs_autoscaling": True,
        "ecs_min_capacity": 1,
        "ecs_max_capacity": 10,
        "ecs_task_cpu": 512,
        "ecs_task_memory": 1024,
        "ecs_cpu_target_value": 60,
        "enable_s3_lifecycle": True,
        "s3_lifecycle_expiration_days": 90,
        "enable_s3_versioning": True,
        "enable_ssh_access": False,
        "enable_ecs_alb_access": False,
        "mq_admin_password": None,
        "grading_container_image": None,
    }
    declared = {item.name: item.default for item in sources(ROOT / "environments").variables}

    assert {name: json.loads(declared.get(name) or '"absent"') for name in expected} == expected
