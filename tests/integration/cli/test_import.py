"""`gradectl import` finds what exists, and the next plan imports it instead of creating it."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.engine
SECRET = "a-Secret-of-somebody-1"
#: A VPC as the module of the network makes it, with a way to the internet for private subnets.
NETWORK = """
resource "aws_vpc" "this" {
  cidr_block = "10.7.0.0/16"
  tags       = { Name = var.environment_name }
}

resource "aws_subnet" "public" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.7.1.0/24"
}

resource "aws_eip" "nat" {
  domain = "vpc"
  tags   = { Name = "${var.environment_name}-nat" }
}

resource "aws_nat_gateway" "this" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.public.id
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.environment_name}-private" }
}

resource "aws_route_table_association" "private" {
  route_table_id = aws_route_table.private.id
  subnet_id      = aws_subnet.public.id
}

resource "aws_route" "nat" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this.id
}
"""


@pytest.mark.exhaustive
def test_what_exists_is_imported_and_the_file_is_removed_after_the_apply(
    project: Any, published: Any, recorded: Any
) -> None:
    """The bucket and the parameter are imported, the password is not; the account is only read."""
    name = project.name
    s3, ssm = project.client("s3"), project.client("ssm")
    place = {"LocationConstraint": "ap-northeast-2"}
    s3.create_bucket(Bucket=f"{name}-kept", CreateBucketConfiguration=place)
    ssm.put_parameter(Name=f"/{name}/greeting", Type="String", Value="hello")
    ssm.put_parameter(Name=f"/{name}/mq/password", Type="SecureString", Value=SECRET)
    project.configure(variables={"keep_bucket": True})
    file = project.root / "environments" / f"imports-{name}.tf"

    with recorded() as calls:
        found = project.run("import", name, "-o", "json")
    planned = project.run("plan", name, "-o", "json")
    ssm.delete_parameter(Name=f"/{name}/mq/password")  # the printed next step
    applied = project.run("apply", name, "--yes", "--no-wait")
    again = project.run("import", name, "-o", "json")

    assert found.returncode == 0, found.stderr
    document = published(found.stdout)
    assert {one["address"]: one["id"] for one in document["imports"]} == {
        "aws_s3_bucket.kept[0]": f"{name}-kept",
        "aws_ssm_parameter.greeting": f"/{name}/greeting",
    }
    (left,) = document["left_out"]
    assert left["address"] == "aws_ssm_parameter.password"
    assert SECRET not in found.stdout + found.stderr
    writes = [call for call in calls if call.split()[1].startswith(("Put", "Create", "Delete"))]
    assert not [call for call in writes if "tflock" not in call]
    actions = {one["address"]: one["action"] for one in published(planned.stdout)["changes"]}
    assert actions["aws_s3_bucket.kept[0]"] in {"import", "update"}
    assert actions["aws_ssm_parameter.greeting"] in {"import", "update"}
    assert json.loads(planned.stdout)["summary"]["create"] == 1  # the password
    assert applied.returncode == 0, applied.stderr
    assert "2 imported" in applied.stdout + applied.stderr
    assert published(again.stdout)["imports"] == []
    assert not file.exists()


@pytest.mark.exhaustive
def test_a_network_whose_state_is_lost_is_imported_whole(project: Any, published: Any) -> None:
    """Gateway, address and route too, which have no name; an apply creates nothing twice."""
    (project.root / "environments" / "network.tf").write_text(NETWORK)
    applied = project.run("apply", project.name, "--yes", "--no-wait")
    password = f"/{project.name}/mq/password"
    project.client("ssm").delete_parameter(Name=password)
    project.client("s3").delete_object(Bucket=project.state_bucket, Key="terraform.tfstate")

    found = project.run("import", project.name, "-o", "json")
    planned = project.run("plan", project.name, "-o", "json")

    assert applied.returncode == 0, applied.stderr
    assert found.returncode == 0, found.stderr
    document = published(found.stdout)
    assert document["left_out"] == []
    assert {one["address"] for one in document["imports"]} == {
        *("aws_eip.nat", "aws_nat_gateway.this", "aws_route.nat", "aws_route_table.private"),
        *("aws_route_table_association.private", "aws_subnet.public", "aws_vpc.this"),
        "aws_ssm_parameter.greeting",
    }
    summary = published(planned.stdout)["summary"]
    assert (summary["create"], summary["replace"], summary["delete"]) == (1, 0, 0)  # the password


def test_an_apply_names_the_import_whose_dry_run_writes_no_file(
    project: Any, published: Any
) -> None:
    """It lists what the first search finds, and keeps an earlier file."""
    name = project.name
    project.client("ssm").put_parameter(Name=f"/{name}/greeting", Type="String", Value="hello")
    file = project.root / "environments" / f"imports-{name}.tf"
    refused = project.run("apply", name, "--yes", "--no-wait")
    file.write_text("# an earlier one\n")

    found = project.run("import", name, "--dry-run", "-o", "json")

    assert refused.returncode == 1
    assert f"next:    gradectl import {name}\n" in refused.stderr
    assert found.returncode == 0, found.stderr
    document = published(found.stdout)
    assert [one["address"] for one in document["imports"]] == ["aws_ssm_parameter.greeting"]
    assert document["written"] is False
    assert file.read_text() == "# an earlier one\n"
