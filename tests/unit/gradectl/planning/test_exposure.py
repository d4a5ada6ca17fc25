"""Nothing is open to the internet but the load balancer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from plans import item, plan_of
from policy_rules import found

from gradectl.planning.plan import Plan
from gradectl.planning.policy import Rule

OPEN = {"from_port": 5432, "to_port": 5432, "cidr_ipv4": "0.0.0.0/0"}
WEB = {"from_port": 443, "to_port": 443, "cidr_ipv4": "0.0.0.0/0"}
TLS = {"Bool": {"aws:SecureTransport": "true"}}
BLOCKED = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"),
    True,
)


def statement(**parts: Any) -> dict[str, Any]:
    """A bucket policy with one statement."""
    return {"policy": json.dumps({"Statement": [{"Action": "s3:GetObject", **parts}]})}


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("aws_mq_broker.this", {"publicly_accessible": True}),
        ("aws_db_instance.this", {"publicly_accessible": True}),
        ("aws_ecs_service.this", {"network_configuration": [{"assign_public_ip": True}]}),
        (
            "aws_launch_template.this",
            {"network_interfaces": [{"associate_public_ip_address": "true"}]},
        ),
        ("aws_s3_bucket_public_access_block.this", {**BLOCKED, "block_public_policy": False}),
        ("aws_s3_bucket_public_access_block.this", {"block_public_acls": True}),
        ("aws_s3_bucket_acl.this", {"acl": "public-read"}),
        ("aws_s3_bucket_policy.this", statement(Effect="Allow", Principal="*")),
        ("aws_sqs_queue_policy.this", statement(Effect="Allow", Principal={"AWS": "*"})),
        ("aws_sqs_queue_policy.this", statement(Effect="Allow", Principal={"AWS": ["1", "*"]})),
        ("aws_sqs_queue.this", statement(Effect="Allow", Principal="*", Condition=TLS)),
        ("aws_vpc_security_group_ingress_rule.broker", OPEN),
        ("aws_vpc_security_group_ingress_rule.broker", {**WEB}),
        ("aws_vpc_security_group_ingress_rule.load_balancer", OPEN),
        ("aws_vpc_security_group_ingress_rule.load_balancer_2", WEB),
        ("aws_vpc_security_group_ingress_rule.a", {**OPEN, "cidr_ipv4": "128.0.0.0/1"}),
        ("aws_vpc_security_group_ingress_rule.a", {"cidr_ipv6": "::/0"}),
        ("aws_security_group.this", {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}),
        ("aws_security_group_rule.this", {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"]}),
    ],
)
def test_what_is_public_is_refused(address: str, values: dict[str, Any]) -> None:
    """Also when this plan does not change it."""
    assert found(Rule.PUBLIC_EXPOSURE, plan_of(item(address, values))) == [address]
    assert found(Rule.PUBLIC_EXPOSURE, plan_of(item(address, values, values))) == [address]


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("aws_mq_broker.this", {"publicly_accessible": False}),
        ("aws_ecs_service.this", {"network_configuration": [{"assign_public_ip": False}]}),
        ("aws_s3_bucket_public_access_block.this", BLOCKED),
        ("aws_s3_bucket_acl.this", {"acl": "private"}),
        ("aws_s3_bucket_policy.this", statement(Effect="Deny", Principal="*")),
        (
            "aws_s3_bucket_policy.this",
            statement(Effect="Allow", Principal="*", Condition={"StringEquals": {"a": "b"}}),
        ),
        ("aws_s3_bucket_policy.this", statement(Effect="Allow", Principal={"Service": "s3"})),
        ("aws_s3_bucket_policy.this", {}),
        ("aws_sqs_queue_policy.this", statement(Effect="Deny", Principal="*", Condition=TLS)),
        (
            "aws_sqs_queue_policy.this",
            statement(
                Effect="Allow",
                Principal="*",
                Condition={**TLS, "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:1:t"}},
            ),
        ),
        ('aws_vpc_security_group_ingress_rule.load_balancer["0.0.0.0/0-443"]', WEB),
        ("module.n.aws_vpc_security_group_ingress_rule.load_balancer", WEB),
        ("aws_vpc_security_group_ingress_rule.a", {**OPEN, "cidr_ipv4": "10.0.0.0/8"}),
        ("aws_vpc_security_group_ingress_rule.a", {"referenced_security_group_id": "sg-1"}),
        ("aws_security_group_rule.this", {"type": "egress", "cidr_blocks": ["0.0.0.0/0"]}),
        ("aws_vpc_security_group_egress_rule.this", {"cidr_ipv4": "0.0.0.0/0"}),
        ("aws_lb.this", {"internal": False}),
    ],
)
def test_what_is_private_or_the_public_entrance_is_not_refused(
    address: str, values: dict[str, Any]
) -> None:
    """The load balancer may listen to everyone on 80 and 443; nothing else may."""
    assert found(Rule.PUBLIC_EXPOSURE, plan_of(item(address, values))) == []


def test_after_the_first_apply_the_group_of_the_load_balancer_decides() -> None:
    """The name of a rule does not open another group."""

    def plan(group: str) -> Plan:
        rule = {**WEB, "security_group_id": group}
        return plan_of(
            item("aws_lb.this", {"internal": False, "security_groups": ["sg-1"]}),
            item("aws_vpc_security_group_ingress_rule.load_balancer", rule),
        )

    assert found(Rule.PUBLIC_EXPOSURE, plan("sg-1")) == []
    assert found(Rule.PUBLIC_EXPOSURE, plan("sg-2")) == [
        "aws_vpc_security_group_ingress_rule.load_balancer"
    ]


def test_a_bucket_that_loses_its_public_access_block_is_refused() -> None:
    """Deleting both is not an exposure."""
    block = item("aws_s3_bucket_public_access_block.this", None, BLOCKED)
    kept = plan_of(block, item("aws_s3_bucket.this", {"bucket": "b"}, {"bucket": "b"}))
    gone = plan_of(block, item("aws_s3_bucket.this", None, {"bucket": "b"}))

    assert found(Rule.PUBLIC_EXPOSURE, kept) == ["aws_s3_bucket_public_access_block.this"]
    assert found(Rule.PUBLIC_EXPOSURE, gone) == []
