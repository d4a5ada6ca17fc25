"""The examples with several accounts, with Atmos and with Terragrunt give valid Terraform."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from gradectl.validation.hcl import Attribute, Block, parse

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ATMOS = EXAMPLES / "atmos"
TERRAGRUNT = EXAMPLES / "terragrunt"
COMPONENT = "components/terraform/grading"
#: The account of each environment, in all three examples.
ACCOUNTS = {"production": "222222222222", "staging": "111111111111"}
#: What an emulated account needs in addition; one host has all its buckets.
EMULATED = ["-backend-config=use_path_style=true", "-backend-config=skip_metadata_api_check=true"]
REGION = "ap-northeast-2"
PLANNED = ["aws_mq_broker", "aws_s3_bucket", "aws_vpc"]
each_environment = pytest.mark.parametrize("name", sorted(ACCOUNTS))

Maker = Callable[..., Any]
Serve = Callable[[Any], AbstractContextManager[Any]]


def state_bucket(url: str, name: str) -> Any:
    """Create the bucket of the state in an account of its own, with its role, and return it."""
    account = ACCOUNTS[name]
    sts = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    role = f"arn:aws:iam::{account}:role/terraform-exams"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    s3 = boto3.resource(
        "s3",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    bucket = s3.Bucket(f"{name}-exams-state-{account}")
    if bucket not in s3.buckets.all():
        bucket.create(CreateBucketConfiguration={"LocationConstraint": REGION})
    return bucket


def assert_plans_the_base(plan: Mapping[str, Any], account: str) -> None:
    """A broker, a bucket and a network, in the account of the environment."""
    kinds = [each["type"] for each in plan["resource_changes"]]
    provider = plan["configuration"]["provider_config"]["aws"]
    role = provider["expressions"]["assume_role"][0]["role_arn"]["constant_value"]
    allowed = provider["expressions"]["allowed_account_ids"]["constant_value"]

    assert [kinds.count(kind) for kind in PLANNED] == [1, 1, 1]
    assert (role, allowed) == (f"arn:aws:iam::{account}:role/terraform-exams", [account])


# --- several accounts ---


def of_accounts(above: str) -> dict[str, str]:
    """The files of the example with several accounts, below a folder."""
    return {
        f"{above}{path.parent.name}/main.tf": path.read_text()
        for path in (EXAMPLES / "accounts").glob("*/main.tf")
    }


@pytest.mark.exhaustive
@pytest.mark.engine
@each_environment
def test_a_root_plans_in_its_account(
    name: str, terraform_folder: Maker, serve: Serve, moto_server: str
) -> None:
    """Terraform enters the account by its role, and finds the state there."""
    state_bucket(moto_server, name)
    folder = terraform_folder(f"examples/accounts/{name}", of_accounts("../"))
    folder = folder.within(AWS_ENDPOINT_URL=moto_server)

    folder.run("init", "-no-color", "-input=false", *EMULATED)
    with serve(folder) as served:
        plan = served.plan()

    assert_plans_the_base(plan, ACCOUNTS[name])
    module = plan["configuration"]["root_module"]["module_calls"]["system"]
    assert module["expressions"]["name"]["constant_value"] == name


@pytest.mark.engine
def test_a_state_is_not_read_with_the_role_of_another_account(
    terraform_folder: Maker, moto_server: str
) -> None:
    """A role that leads to another account is refused before anything is read."""
    text = (EXAMPLES / "accounts/production/main.tf").read_text()
    wrong = text.replace(f"iam::{ACCOUNTS['production']}", f"iam::{ACCOUNTS['staging']}")
    files = {**of_accounts("../"), "main.tf": wrong}
    folder = terraform_folder("examples/accounts/production", files)

    done = folder.within(AWS_ENDPOINT_URL=moto_server).attempt("init", "-no-color", *EMULATED)

    assert done.returncode != 0
    assert ACCOUNTS["staging"] in done.stderr


# --- Atmos ---


def merged(below: Any, above: Any) -> Any:
    """Merge two sections as Atmos does: maps deeply, everything else by the second."""
    if isinstance(below, dict) and isinstance(above, dict):
        return {key: merged(below.get(key), above.get(key)) for key in {**below, **above}}
    return below if above is None else above


def stack(name: str) -> dict[str, Any]:
    """A stack with what it imports."""
    manifest: dict[str, Any] = yaml.safe_load((ATMOS / "stacks" / f"{name}.yaml").read_text())
    found: dict[str, Any] = {}
    for path in manifest.pop("import", []):
        found = merged(found, stack(path))
    result: dict[str, Any] = merged(found, manifest)
    return result


def generated(name: str) -> dict[str, str]:
    """The files that Atmos writes for the component of a stack."""
    whole = stack(name)
    terraform, component = whole["terraform"], whole["components"]["terraform"]["grading"]
    kind = terraform["backend_type"]
    backend = {"workspace_key_prefix": "grading", **terraform["backend"][kind]}
    documents = {
        "backend.tf.json": {"terraform": {"backend": {kind: backend}}},
        "providers_override.tf.json": {"provider": terraform["providers"]},
        f"{name}-grading.terraform.tfvars.json": merged(whole["vars"], component["vars"]),
    }
    return {file: json.dumps(document, indent=2) for file, document in documents.items()}


def test_a_stack_of_atmos_has_the_name_of_its_file() -> None:
    """The name by which people call it is made of its values."""
    settings = yaml.safe_load((ATMOS / "atmos.yaml").read_text())
    names = sorted(path.stem for path in (ATMOS / "stacks").glob("*.yaml"))

    assert names == sorted(ACCOUNTS)
    assert settings["stacks"]["name_template"] == "{{ .vars.environment_name }}"
    assert [stack(name)["vars"]["environment_name"] for name in names] == names
    assert (ATMOS / settings["components"]["terraform"]["base_path"] / "grading").is_dir()


@each_environment
def test_a_stack_sets_what_its_component_declares(name: str) -> None:
    """A misspelt variable of a stack is only a warning of Terraform."""
    declared = {
        block.labels[0]: block.attribute("default")
        for block in parse((ATMOS / COMPONENT / "main.tf").read_text())
        if block.kind == "variable"
    }
    given = json.loads(generated(name)[f"{name}-grading.terraform.tfvars.json"])

    assert given.keys() <= declared.keys()
    assert {key for key, default in declared.items() if default is None} <= given.keys()


def component(terraform_folder: Maker, name: str) -> Any:
    """The component of Atmos with the files of a stack."""
    text = (ATMOS / COMPONENT / "main.tf").read_text()
    return terraform_folder(f"examples/atmos/{COMPONENT}", {"main.tf": text, **generated(name)})


@pytest.mark.exhaustive
@pytest.mark.engine
@each_environment
def test_a_stack_of_atmos_plans(
    name: str, terraform_folder: Maker, serve: Serve, moto_server: str
) -> None:
    """With the backend, the provider and the values that Atmos writes for it."""
    state_bucket(moto_server, name)
    folder = component(terraform_folder, name).within(AWS_ENDPOINT_URL=moto_server)

    folder.run("init", "-no-color", "-input=false", *EMULATED)
    with serve(folder) as served:
        plan = served.plan(f"-var-file={name}-grading.terraform.tfvars.json")

    assert_plans_the_base(plan, ACCOUNTS[name])


# --- Terragrunt ---


def unit_names(name: str) -> list[str]:
    """The units of an environment."""
    return sorted(path.parent.name for path in (TERRAGRUNT / name).glob("*/terragrunt.hcl"))


def unit(name: str, module: str) -> dict[str, Block | Attribute]:
    """The blocks and attributes of a unit, by kind and label."""
    text = (TERRAGRUNT / name / module / "terragrunt.hcl").read_text()
    (body,) = parse(f"unit {{\n{text}\n}}")
    blocks = {" ".join([block.kind, *block.labels]): block for block in body.blocks}
    return {**blocks, **{item.name: item for item in body.attributes}}


def text_of(item: Attribute) -> str:
    """The value of an attribute as text; commas end the members of its lists and objects."""
    return " ".join(token.text for token in item.value)


def members(item: Attribute) -> dict[str, str]:
    """The members of an object by name."""
    lines = item.value[1:-1]
    by_line: dict[int, list[str]] = {}
    for token in lines:
        by_line.setdefault(token.line, []).append(token.text)
    return {words[0]: " ".join(words[2:]) for words in by_line.values()}


def declared(module: str, kind: str) -> dict[str, Block]:
    """The variables or outputs of a module."""
    blocks = [
        block
        for path in (ROOT / "modules" / module).glob("*.tf")
        for block in parse(path.read_text())
    ]
    return {block.labels[0]: block for block in blocks if block.kind == kind}


def as_one_root(name: str) -> str:
    """All units of an environment as calls in one root, and the provider that is generated."""
    (account,) = parse((TERRAGRUNT / name / "account.hcl").read_text())
    values = {f"local.account.{each.name}": text_of(each) for each in account.attributes}
    calls = []
    for module in unit_names(name):
        inputs = members(attribute(unit(name, module), "inputs"))
        lines = [f'source = "../modules/{module}"']
        lines += [f"{key} = {resolved(value)}" for key, value in inputs.items()]
        calls.append("module {} {{\n  {}\n}}\n".format(json.dumps(module), "\n  ".join(lines)))
    known = ", ".join(f"{key.rpartition('.')[2]} = {value}" for key, value in values.items())
    text = (TERRAGRUNT / "root.hcl").read_text()
    (provider,) = re.findall(r"<<-EOT\n(.*?)\n  EOT", text, re.DOTALL)
    identity = account.attribute("id")
    provider = provider.replace("${local.account.id}", (identity.literal if identity else "") or "")
    return "\n".join([f"locals {{\n  account = {{ {known} }}\n}}", provider, *calls])


def resolved(value: str) -> str:
    """An input with references to modules in place of dependencies."""
    return re.sub(r"\bdependency *\. *(\w+) *\. *outputs\b", r"module.\1", value)


def attribute(found: Mapping[str, Block | Attribute], name: str) -> Attribute:
    """An attribute of a unit or of a block."""
    item = found[name]
    assert isinstance(item, Attribute)
    return item


@each_environment
def test_a_unit_gives_its_module_what_it_declares(name: str) -> None:
    """Terragrunt passes inputs as variables of the environment: a misspelt one is ignored."""
    assert unit_names(name) == ["messaging", "monitoring", "network", "storage"]
    for module in unit_names(name):
        found, known = unit(name, module), declared(module, "variable")
        source = found["terraform"]
        given = members(attribute(found, "inputs")).keys()
        needed = {key for key, block in known.items() if not block.attribute("default")}

        assert isinstance(source, Block)
        assert f"//modules/{module}?ref=COMMIT" in text_of(source.attributes[0])
        assert given <= known.keys(), module
        assert needed <= given, module


@each_environment
def test_a_dependency_has_the_outputs_that_its_unit_uses(name: str) -> None:
    """What a unit reads is an output of the module there, and has a value for the first plan."""
    for module in unit_names(name):
        found = unit(name, module)
        used = re.findall(
            r"dependency *\. *(\w+) *\. *outputs *\. *(\w+)", text_of(attribute(found, "inputs"))
        )
        mocked = {
            (kind.split()[1], key)
            for kind, block in found.items()
            if isinstance(block, Block) and block.kind == "dependency"
            for item in block.attributes
            if item.name == "mock_outputs"
            for key in members_of_any(item)
        }

        assert set(used) == mocked
        assert all(key in declared(other, "output") for other, key in used)


def members_of_any(item: Attribute) -> list[str]:
    """The names of an object's own members, on one line or on several."""
    names, depth = [], 0
    for token, following in zip(item.value, item.value[1:], strict=False):
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 1 and following.text == "=":
            names.append(token.text)
    return names


@pytest.mark.exhaustive
@pytest.mark.engine
@each_environment
def test_the_units_of_an_environment_plan_together(
    name: str, terraform_folder: Maker, serve: Serve, moto_server: str
) -> None:
    """The same, with all rules of the modules."""
    folder = terraform_folder("units", {"main.tf": as_one_root(name)})
    folder = folder.within(AWS_ENDPOINT_URL=moto_server)

    folder.run("init", "-no-color", "-input=false")
    with serve(folder) as served:
        plan = served.plan()

    assert_plans_the_base(plan, ACCOUNTS[name])


def backend_of_terragrunt(name: str) -> str:
    """The backend that Terragrunt writes for the unit of the network."""
    (body,) = parse("body {\n" + (TERRAGRUNT / "root.hcl").read_text() + "\n}")
    (remote,) = [block for block in body.blocks if block.kind == "remote_state"]
    config = remote.attribute("config")
    assert config
    settings = "\n    ".join(f"{key} = {value}" for key, value in members(config).items())
    for call, value in {
        "${path_relative_to_include()}": f"{name}/network",
        "${local.account.id}": ACCOUNTS[name],
        "${local.account.name}": name,
    }.items():
        assert call in settings
        settings = settings.replace(call, value)
    return f'terraform {{\n  backend "s3" {{\n    {settings}\n  }}\n}}\n'


# --- all three ---

#: File with the backend of staging, and the key of its state, by example.
STATES = {
    "accounts": (
        "backend.tf",
        lambda: of_accounts("")["staging/main.tf"].split("\nprovider")[0],
        "grading.tfstate",
    ),
    "atmos": (
        "backend.tf.json",
        lambda: generated("staging")["backend.tf.json"],
        "grading/staging/terraform.tfstate",
    ),
    "terragrunt": (
        "backend.tf",
        lambda: backend_of_terragrunt("staging"),
        "staging/network/terraform.tfstate",
    ),
}


@pytest.mark.engine
@pytest.mark.parametrize("example", sorted(STATES))
def test_the_state_is_in_the_account_of_the_environment(
    example: str, terraform_folder: Maker, moto_server: str
) -> None:
    """Terraform takes the role of the account, and writes to its bucket."""
    file, backend, key = STATES[example]
    bucket = state_bucket(moto_server, "staging")
    files = {file: backend(), "main.tf": 'output "a" {\n  value = 1\n}\n'}
    folder = terraform_folder("state", files).within(AWS_ENDPOINT_URL=moto_server)

    folder.run("init", "-no-color", "-input=false", *EMULATED)
    if example == "atmos":  # it has a workspace for each stack
        folder.run("workspace", "new", "staging")
    folder.run("apply", "-no-color", "-auto-approve")

    assert key in [each.key for each in bucket.objects.all()]


@pytest.mark.engine
def test_what_the_examples_give_to_terraform_is_valid(mocked_folder: Maker) -> None:
    """Each as a module of one root, because preparing a folder takes seconds."""
    component = (
        (ATMOS / COMPONENT / "main.tf").read_text().replace('"../../../../../', '"../../../')
    )
    providers = generated("production")["providers_override.tf.json"]
    values = json.loads(generated("production")["production-grading.terraform.tfvars.json"])
    calls = {
        "accounts": {"source": "./production"},
        "atmos": {"source": "./component", **values},
        "terragrunt": {"source": "./units"},
    }
    files = {
        **of_accounts(""),
        "component/main.tf": component,
        "component/providers_override.tf.json": providers,
        "units/main.tf": as_one_root("production").replace('"../', '"../../../'),
        "main.tf.json": json.dumps({"module": calls}),
    }

    folder = mocked_folder("examples/wrappers", files)

    assert "valid" in folder.run("validate", "-no-color")
