"""`gradectl init` writes an environment, refuses invalid values, and adopts what exists."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.engine
REPOSITORY = Path(__file__).resolve().parents[3]
ACCOUNT = "123456789012"
REGION = "ap-northeast-2"
GIVEN = ("--account-id", ACCOUNT, "--region", REGION)


@pytest.fixture
def rooted(project: Any) -> Any:
    """A project with the variables of the real root."""
    for path in (REPOSITORY / "environments").glob("*.tf"):
        shutil.copy(path, project.root / "environments")
    return project


def test_a_new_environment_is_rendered(rooted: Any, published: Any) -> None:
    """Its range is not that of another environment, and an existing folder is left alone."""
    made = rooted.run("init", "exams", *GIVEN, "-o", "json")
    again = rooted.run("init", "exams", *GIVEN)

    assert made.returncode == 0, made.stderr
    document = published(made.stdout)
    assert {each["state"] for each in document["files"]} == {"written"}
    assert 0 < document["cost"]["least"] < document["cost"]["most"]
    assert "estimated monthly cost:" in made.stderr
    assert "gradectl plan exams --cost" in made.stderr
    content = yaml.safe_load((rooted.root / "environments/exams/environment.yaml").read_text())
    assert content["variables"]["vpc_cidr_block"] == "10.1.0.0/16"
    assert rooted.run("render", "exams", "--check").returncode == 0
    assert again.returncode == 5
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("Exams", *GIVEN), 78, "name:"),
        (("exams", "--account-id", "1234", "--region", REGION), 78, "account_id:"),
        (("exams", "--account-id", ACCOUNT, "--region", "ap-northeast-9"), 78, "unknown region"),
        (("exams", "--region", REGION), 5, "--account-id"),
        (("exams", "--account-id", ACCOUNT), 5, "--region"),
        (("exams", *GIVEN, "--external", "--vpc-id", "vpc-1"), 64, "--external"),
        (("exams", *GIVEN, "--external", "--transport", "sqs"), 64, "--external"),
        (("exams", *GIVEN, "--transport", "sqs", "--broker-id", "b-1"), 64, "--broker-id"),
        (("../outside", *GIVEN), 78, "name:"),
    ],
)
def test_invalid_values_are_refused(
    project: Any, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Nothing is written."""
    shutil.copy(REPOSITORY / "environments" / "limits.tf", project.root / "environments")
    before = sorted(project.root.rglob("*"))

    refused = project.run("init", *arguments)

    assert refused.returncode == code, refused.stderr
    assert words in refused.stderr
    assert sorted(project.root.rglob("*")) == before


def test_a_dry_run_writes_nothing(rooted: Any, published: Any) -> None:
    """It shows the files."""
    shown = rooted.run("init", "exams", *GIVEN, "--dry-run", "-o", "json")

    assert shown.returncode == 0, shown.stderr
    assert {each["state"] for each in published(shown.stdout)["files"]} == {"not written"}
    assert not (rooted.root / "environments" / "exams").exists()


def test_a_vpc_and_a_database_are_adopted(rooted: Any) -> None:
    """They are looked up in the account, and the new environment can be rendered."""
    ec2, rds = rooted.client("ec2"), rooted.client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.7.{16 * at}.0/20", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for at, zone in enumerate("ac")
    ]
    rds.create_db_instance(
        DBInstanceIdentifier=f"{rooted.name}-db",
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="root",
        MasterUserPassword="a-Password-1",
    )

    made = rooted.run(
        *("init", "adopted", *GIVEN, "--vpc-id", vpc, "--db-instance", f"{rooted.name}-db"),
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
    )

    assert made.returncode == 0, made.stderr
    content = yaml.safe_load((rooted.root / "environments/adopted/environment.yaml").read_text())
    variables = content["variables"]
    assert variables["vpc_existing"]["private_subnet_ids"] == subnets
    assert variables["db_existing"]["identifier"] == f"{rooted.name}-db"
    assert "TF_VAR_db_admin_password" in made.stderr
    assert "vpc_cidr_block" not in variables


def test_a_vpc_that_does_not_exist_is_exit_code_78(rooted: Any) -> None:
    """Nothing is written."""
    refused = rooted.run(
        *("init", "adopted", *GIVEN, "--vpc-id", "vpc-00000000"),
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
    )

    assert refused.returncode == 78
    assert "vpc-00000000 does not exist" in refused.stderr
    assert not (rooted.root / "environments" / "adopted").exists()
