"""What other resources of the state manage is no drift of the resource that shows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from plans import in_state, item, plan_of

from gradectl.planning.drift import drift_of

GROUP = "aws_security_group.this"
RULE = {
    "security_group_id": "sg-1",
    "ip_protocol": "tcp",
    "from_port": 61614,
    "to_port": 61614,
    "cidr_ipv4": None,
    "referenced_security_group_id": "sg-2",
}
LISTED = {
    "protocol": "tcp",
    "from_port": 61614,
    "to_port": 61614,
    "cidr_blocks": [],
    "security_groups": ["sg-2"],
    "self": False,
    "description": "",
}
POLICY = {"name": "logs", "policy": '{"Statement": [], "Version": "2012-10-17"}'}
ROUTE = {"cidr_block": "0.0.0.0/0", "gateway_id": "igw-1", "nat_gateway_id": ""}
MANAGED_ROUTE = {
    "route_table_id": "rtb-1",
    "destination_cidr_block": "0.0.0.0/0",
    "gateway_id": "igw-1",
    "nat_gateway_id": None,
}


def drifted(
    address: str, owner: str, attribute: str, now: Any, *managed: tuple[str, dict[str, Any]]
) -> bool:
    """Whether an attribute that was empty after the apply is drift with this value."""
    before = {"id": owner, attribute: []}
    change = item(address, {**before, attribute: now}, before)
    plan = plan_of(resource_drift=[change], prior_state=in_state(*managed))
    return bool(drift_of(plan).found)


def ingress(listed: list[dict[str, Any]], *rules: dict[str, Any]) -> bool:
    """Whether the rules of a group are drift, with the rules of the state."""
    managed = [("aws_vpc_security_group_ingress_rule.a", rule) for rule in rules]
    return drifted(GROUP, "sg-1", "ingress", listed, *managed)


def test_the_rules_of_the_state_are_no_drift_of_their_group() -> None:
    """AWS merges rules that differ only in their source, and writes its own group as `self`."""
    office = {**RULE, "cidr_ipv4": "10.0.0.0/8", "referenced_security_group_id": None}
    itself = {**RULE, "referenced_security_group_id": "sg-1"}
    merged = {**LISTED, "cidr_blocks": ["10.0.0.0/8"], "self": True}

    assert not ingress([LISTED], RULE)
    assert not ingress([merged], RULE, office, itself)


def test_a_rule_for_all_protocols_is_compared_without_ports() -> None:
    """The group has 0 where the rule has null."""
    rule = {**RULE, "ip_protocol": "-1", "from_port": None, "to_port": None}

    assert not ingress([{**LISTED, "protocol": "-1", "from_port": 0, "to_port": 0}], rule)


@pytest.mark.parametrize(
    "listed",
    [
        {"from_port": 22, "to_port": 22},
        {"to_port": 61617},
        {"protocol": "udp"},
        {"cidr_blocks": ["0.0.0.0/0"]},
        {"security_groups": ["sg-2", "sg-3"]},
        {"self": True},
        {"description": "by hand"},
    ],
)
def test_a_rule_that_is_not_in_the_state_is_drift(listed: dict[str, Any]) -> None:
    """Also beside one that is, or when AWS merges it into one."""
    assert ingress([{**LISTED, **listed}], RULE)
    assert ingress([LISTED, {**LISTED, **listed}], RULE)


def test_rules_of_another_group_or_direction_do_not_count() -> None:
    """And a group whose rules are its own blocks has no managed ones."""
    egress = ("aws_vpc_security_group_egress_rule.a", RULE)

    assert ingress([LISTED], {**RULE, "security_group_id": "sg-9"})
    assert drifted(GROUP, "sg-1", "ingress", [LISTED], egress)
    assert ingress([LISTED])


def policies(*listed: dict[str, Any], role: str = "worker") -> bool:
    """Whether the inline policies of a role are drift; the state has one of them."""
    managed = {**POLICY, "role": role}
    return drifted(
        "aws_iam_role.task",
        "worker",
        "inline_policy",
        list(listed),
        ("aws_iam_role_policy.a", managed),
    )


def test_the_policies_of_the_state_are_no_drift_of_their_role() -> None:
    """However their documents are formatted; one that was added or changed is drift."""
    formatted = {**POLICY, "policy": json.dumps(json.loads(POLICY["policy"]), indent=1)}
    other = {**POLICY, "policy": POLICY["policy"].replace("[]", '["*"]')}

    assert not policies(POLICY)
    assert not policies(formatted)
    assert policies(other)
    assert policies(POLICY, {**POLICY, "name": "by-hand"})
    assert policies(POLICY, role="others")


def test_the_routes_of_the_state_are_no_drift_of_their_table() -> None:
    """Another destination or target is."""

    def routes(*listed: dict[str, Any]) -> bool:
        return drifted(
            "aws_route_table.a", "rtb-1", "route", list(listed), ("aws_route.a", MANAGED_ROUTE)
        )

    assert not routes(ROUTE)
    assert routes({**ROUTE, "gateway_id": "igw-9"})
    assert routes(ROUTE, {**ROUTE, "cidr_block": "10.0.0.0/8"})


def test_the_settings_of_a_bucket_are_those_of_their_resource() -> None:
    """Whose own item reports a change; a setting without a resource was made by hand."""
    policy = ("aws_s3_bucket_policy.a", {"bucket": "files", "policy": "{}"})

    assert not drifted("aws_s3_bucket.a", "files", "policy", "{}", policy)
    assert drifted("aws_s3_bucket.a", "files", "versioning", [{"enabled": True}], policy)
    assert drifted("aws_s3_bucket.b", "others", "policy", "{}", policy)


def test_an_address_shows_the_gateway_that_uses_it() -> None:
    """AWS associates it when the gateway is created; without a gateway somebody else did."""
    gateway = ("aws_nat_gateway.a", {"allocation_id": "eipalloc-1"})

    assert not drifted("aws_eip.a", "eipalloc-1", "private_ip", "10.0.0.5", gateway)
    assert drifted("aws_eip.b", "eipalloc-2", "private_ip", "10.0.0.5", gateway)


def test_the_policies_of_a_queue_are_those_of_their_resources() -> None:
    """The queue shows them at the first refresh; one without a resource was set by hand."""
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/dev-grading-requests"
    policy = ("aws_sqs_queue_policy.a", {"queue_url": url, "policy": "{}"})
    redrive = ("aws_sqs_queue_redrive_policy.a", {"queue_url": url, "redrive_policy": "{}"})

    assert not drifted("aws_sqs_queue.a", url, "policy", "{}", policy)
    assert not drifted("aws_sqs_queue.a", url, "redrive_policy", "{}", redrive)
    assert drifted("aws_sqs_queue.a", url, "redrive_allow_policy", "{}", policy, redrive)
    assert drifted("aws_sqs_queue.b", f"{url}-2", "policy", "{}", policy)
