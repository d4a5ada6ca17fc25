"""Arguments of the AWS provider are read from bindings that are generated from its schema."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from provider_arguments import described, used

DOCS = "https://registry.terraform.io/providers/hashicorp/aws/6.62.0/docs"
#: The parts of the bindings that are read.
BINDINGS = f"""
import jsii

class AwsBroker(object):
    '''(experimental) Represents a {{@link {DOCS}/resources/mq_broker aws_mq_broker}}.'''

    def __init__(self, scope, id_, *, broker_name: str, type_: str = None,
                 user: typing.Optional["AwsBroker.UserProperty"] = None, count: int = None) -> None:
        '''(experimental) Create.

        :param broker_name: (experimental) Docs: {{@link {DOCS}/resources/mq_broker#broker_name B}}.
        :param type_: (experimental) Docs: {{@link {DOCS}/resources/mq_broker#type B}}.
        '''

    @builtins.property
    def arn(self) -> str: ...

    @builtins.property
    def broker_name_input(self) -> str: ...

    class UserProperty:
        def __init__(self, *, password: str, groups: str = None) -> None: ...

@jsii.data_type
class Other(object):
    pass
"""


def test_arguments_blocks_and_attributes_are_read(tmp_path: Path) -> None:
    """With the names of Terraform, without the arguments that every block has."""
    with ZipFile(tmp_path / "x.whl", "w") as file:
        file.writestr("aws/mq/__init__.py", BINDINGS)

    found = described(tmp_path / "x.whl", {("resources", "aws_mq_broker")})

    user = {"arguments": {"groups": None, "password": None}, "required": ["password"]}
    assert found["resources"] == {
        "aws_mq_broker": {
            "arguments": {"broker_name": None, "type": None, "user": user},
            "required": ["broker_name"],
            "attributes": ["arn"],
        }
    }
    assert found["source"].endswith("generated from hashicorp/aws 6.62.0")


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ('resource "aws_eip" "x" {}', {("resources", "aws_eip")}),
        ('data "aws_eip" "x" {}', {("data-sources", "aws_eip")}),
        ('provider "aws" {}', {("index", "aws")}),
        ('resource "random_id" "x" {}\nlocals {\n  a = "aws"\n}', set()),
    ],
)
def test_the_types_of_a_file_are_found(
    tmp_path: Path, text: str, types: set[tuple[str, str]]
) -> None:
    """Resources, data sources and the provider itself."""
    (tmp_path / "main.tf").write_text(text)

    assert used([tmp_path / "main.tf"]) == types
