"""The least policies: no wildcards beyond reads, no way to more rights, small enough for IAM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gradectl.setup.least_policy import (
    MAX_CHARACTERS,
    PolicyScope,
    apply_policies,
    plan_policy,
    size,
)

LONGEST = PolicyScope(
    *("e" * 20, "123456789012", "ap-southeast-3", "s" * 63, "f" * 63, "r" * 40),
    api=True,
    redis=True,
    zone_id="Z" * 32,
    web_acl_arn="arn:aws:wafv2:ap-southeast-3:123456789012:regional/webacl/"
    + "w" * 128
    + "/"
    + "i" * 36,
)
PLAIN = PolicyScope("dev", "123456789012", "eu-west-1", "state", "files", "dev-grading-worker")
SCOPE = replace(PLAIN, api=True, redis=True, zone_id="Z0123")
STATEMENTS = [each for policy in apply_policies(SCOPE).values() for each in policy["Statement"]]


def test_each_policy_fits_into_a_managed_policy() -> None:
    """Also with long names, and everything that an environment may have."""
    sizes = [size(policy) for policy in apply_policies(LONGEST).values()]

    assert max(sizes) <= MAX_CHARACTERS


def test_only_an_environment_with_api_or_redis_has_their_rights() -> None:
    """Each switch brings its own, limited to the names of the environment where AWS has them."""
    of_each = {
        switch: {
            each.partition(":")[0]
            for one in apply_policies(scope)["api"]["Statement"]
            for each in one["Action"]
            if "Describe" not in each
        }
        for switch, scope in {
            "api": replace(PLAIN, api=True),
            "redis": replace(PLAIN, redis=True),
        }.items()
    }
    shared = apply_policies(replace(PLAIN, api=True, web_acl_arn="arn:shared"))["api"]["Statement"]
    (acl,) = [one for one in shared if one["Sid"] == "SharedWebAcl"]
    (records,) = [one for one in STATEMENTS if one["Sid"] == "DnsRecords"]
    (redis,) = [one for one in STATEMENTS if one["Sid"] == "Redis"]
    (logs,) = [one for one in STATEMENTS if one["Sid"] == "FilesBucket"]

    assert set(apply_policies(PLAIN)) == {"network-and-workers", "data"}
    assert {"acm", "elasticloadbalancing", "wafv2"} <= of_each["api"]
    assert "elasticloadbalancing" not in of_each["redis"]
    assert acl["Resource"] == ["arn:shared"]
    assert "wafv2:UpdateWebACL" not in acl["Action"]
    assert records["Resource"] == ["arn:aws:route53:::hostedzone/Z0123"]
    assert (
        "arn:aws:elasticache:eu-west-1:123456789012:replicationgroup:dev-grading-redis*"
        in redis["Resource"]
    )
    assert logs["Resource"] == ["arn:aws:s3:::files", "arn:aws:s3:::dev-web-logs-*"]


def test_wildcards_in_actions_only_read() -> None:
    """No `*`, no `service:*`."""
    wild = {each for one in STATEMENTS for each in one["Action"] if "*" in each}

    assert all(each.partition(":")[2] in {"Describe*", "List*"} for each in wild), wild


@pytest.mark.parametrize(
    "statement",
    [one for one in STATEMENTS if one["Resource"] == ["*"]],
    ids=lambda one: str(one["Sid"]),
)
def test_a_change_of_any_resource_is_bound_by_a_condition(statement: dict[str, Any]) -> None:
    """To the region, or to services that may get a linked role."""
    assert "Condition" in statement or statement["Sid"] in {"Read", "ReadApi"}


def test_only_roles_of_the_environment_change_and_only_its_services_get_them() -> None:
    """The role of the pipeline is not among them, so it cannot give itself more rights."""
    roles = [one for one in STATEMENTS if any(each.startswith("iam:") for each in one["Action"])]
    named = {each for one in roles for each in one["Resource"] if one["Action"] != ["iam:GetRole"]}
    named.discard("*")
    (passing,) = [one for one in roles if "iam:PassRole" in one["Action"]]

    assert named == {"arn:aws:iam::123456789012:role/dev-grading-*"}
    assert "iam:PassedToService" in passing["Condition"]["StringEquals"]
    assert not "dev-gradectl-ci".startswith("dev-grading-")
    assert not [each for one in roles for each in one["Action"] if "AttachRolePolicy" in each]


def test_a_plan_reads_and_locks() -> None:
    """Pull requests run before their review, so nothing of the account changes."""
    policy = plan_policy(SCOPE)
    reading = ("Describe", "Get", "List")
    changing = {
        (each, *one["Resource"])
        for one in policy["Statement"]
        for each in one["Action"]
        if not each.partition(":")[2].startswith(reading)
    }

    assert changing == {
        ("s3:DeleteObject", "arn:aws:s3:::state/*.tflock"),
        ("s3:PutObject", "arn:aws:s3:::state/*.tflock"),
    }
    assert size(plan_policy(LONGEST)) <= MAX_CHARACTERS
    assert not [one for one in policy["Statement"] if one["Sid"] == "Files"]
