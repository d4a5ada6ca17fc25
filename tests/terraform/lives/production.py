"""A production with every option: applied, planned again, protected, destroyed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gradectl.planning.drift import drift_of
from gradectl.planning.plan import parse_plan

ROOT = Path(__file__).resolve().parents[3]
VALUES = Path(__file__).with_name("production.tfvars")
#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait
SECRETS = {
    "TF_VAR_db_admin_password": "a-Password-of-the-database-1",
    "TF_VAR_mq_admin_password": "a-Password-of-the-broker-1",
    "TF_VAR_mq_user_passwords": json.dumps(
        {role: f"a-Password-of-{role}-1" for role in ("operator", "web", "worker")}
    ),
}
#: What has another key than that of the root, and the words of the README about it.
OTHER_KEYS = {
    "module.monitoring.aws_sns_topic.this": "topic of the alarms",
    "module.web[0].aws_s3_bucket.access_logs": "access logs of the load balancer",
    "module.web[0].aws_s3_bucket_server_side_encryption_configuration.access_logs": "access logs",
}
#: Arguments without a key that nothing uses: no secret of RDS, no volume of EBS at a task.
UNUSED = {
    ("module.database.aws_db_instance.this[0]", "master_user_secret_kms_key_id", None),
    ("module.ecs_grading.aws_ecs_cluster.this", "kms_key_id", ""),
}
#: Where a state of a version without the API has what runs the web application.
FORMER = {
    f"module.web[0].{address}[0]": f"module.web[0].{address}"
    for address in (
        "aws_autoscaling_group.this",
        "aws_iam_instance_profile.this",
        "aws_iam_role.instance",
        "aws_launch_template.this",
    )
}
#: What a second plan changes although nothing was changed: attribute by resource, and why.
EXPLAINED: dict[str, tuple[set[str], str]] = {}


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give the root with an existing certificate and key, as before a first apply."""
    certificate = account.client("acm").request_certificate(DomainName="judge.example.com")
    key = account.client("kms").create_key()["KeyMetadata"]
    files = {
        "backend_override.tf": LOCAL_BACKEND,
        "production.auto.tfvars": VALUES.read_text(),
        "account.auto.tfvars.json": json.dumps(
            {
                "emulated": True,
                "kms_key_arn": key["Arn"],
                "web_certificate_arn": certificate["CertificateArn"],
            }
        ),
    }
    root = terraform_folder("environments", files).within(AWS_ENDPOINT_URL=account.url, **SECRETS)
    root.run("init", "-no-color", "-input=false")
    return root


def live(production: Any, account: Any) -> None:
    """
    Apply, plan, unprotect and destroy.

    A second plan changes nothing that is not explained and finds no drift, also with the addresses
    of a former version, state and plan hold no
    secret, what holds data cannot be deleted until enable_data_protection is turned off, and
    destroy leaves nothing.
    """
    production.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    for address, former in FORMER.items():
        production.run("state", "mv", address, former)
    plan = production.plan()
    assert_only_explained_changes(plan)
    assert drift_of(parse_plan(plan)).found == ()
    assert_no_secret_in(production.run("state", "pull"), json.dumps(plan))
    assert_all_that_can_be_is_encrypted_with_the_key(plan)
    assert_nothing_with_data_can_be_deleted(production, account)

    unprotected = "-var=enable_data_protection=false"
    production.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE, unprotected)
    production.run("destroy", "-no-color", "-auto-approve", WAITS_AT_ONCE, unprotected)

    assert production.run("state", "list").strip() == ""
    assert_nothing_is_left(account)


def assert_only_explained_changes(plan: dict[str, Any]) -> None:
    """Each difference of a second plan is one of which we know why."""
    found = {}
    for change in plan["resource_changes"]:
        if change["change"]["actions"] != ["no-op"]:
            before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
            names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
            found[change["address"]] = names
    assert found == {address: names for address, (names, _) in EXPLAINED.items()}


def assert_no_secret_in(*texts: str) -> None:
    """None of the passwords is there, in clear."""
    words = [SECRETS["TF_VAR_db_admin_password"], SECRETS["TF_VAR_mq_admin_password"]]
    words += json.loads(SECRETS["TF_VAR_mq_user_passwords"]).values()
    assert [word for word in words if any(word in text for text in texts)] == []


def assert_all_that_can_be_is_encrypted_with_the_key(plan: dict[str, Any]) -> None:
    """Each argument for a KMS key has the key of the root, but for what the README names."""
    key = plan["variables"]["kms_key_arn"]["value"]
    readme = (ROOT / "environments/README.md").read_text()
    section = readme.partition("## The KMS key\n")[2].partition("\n## ")[0]
    keys = [
        (change["address"], name, value)
        for change in plan["resource_changes"]
        if change["mode"] == "managed"
        for name, value in keys_in(change["change"]["after"])
        if (change["address"], name, value) not in UNUSED
    ]
    others = {
        address: name
        for address, name, value in keys
        if value != key and not any(address.startswith(each) for each in OTHER_KEYS)
    }

    assert others == {}
    assert {name for _, name, value in keys if value == key} >= {
        "fargate_ephemeral_storage_kms_key_id",
        "key_id",
        "kms_key_id",
        "kms_master_key_id",
        "performance_insights_kms_key_id",
    }
    assert (
        len({address for address, _, value in keys if value == key and "log_group" in address}) >= 7
    )
    assert [words for words in OTHER_KEYS.values() if words not in section] == []


def keys_in(value: Any) -> Iterator[tuple[str, Any]]:
    """All arguments for a key in the values of a resource."""
    if isinstance(value, list):
        for each in value:
            yield from keys_in(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            is_key = "kms" in name and name.endswith(("key_id", "key_arn"))
            if is_key or (name == "key_id" and value.get("type") == "SecureString"):
                yield name, each
            else:
                yield from keys_in(each)


def assert_nothing_with_data_can_be_deleted(production: Any, account: Any) -> None:
    """AWS itself refuses to delete the database and the load balancer (moto: only the database)."""
    database = json.loads(production.run("output", "-json"))["database_identifier"]["value"]
    balancers = account.client("elbv2")
    (balancer,) = balancers.describe_load_balancers()["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    with pytest.raises(ClientError, match="protect"):
        account.client("rds").delete_db_instance(DBInstanceIdentifier=database)
    attributes = balancers.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    assert {"Key": "deletion_protection.enabled", "Value": "true"} in attributes


def assert_nothing_is_left(account: Any) -> None:
    """No bill goes on."""
    assert account.client("mq").list_brokers()["BrokerSummaries"] == []
    assert account.client("rds").describe_db_instances()["DBInstances"] == []
    assert account.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert account.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert account.client("s3").list_buckets()["Buckets"] == []
    gateways = account.client("ec2").describe_nat_gateways()["NatGateways"]
    assert {gateway["State"] for gateway in gateways} <= {"deleted"}
