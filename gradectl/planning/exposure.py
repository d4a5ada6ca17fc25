"""Finds public resources in a plan: instances, buckets, queues and security group rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from gradectl.planning.plan import Resource

#: Ports of a public load balancer.
_WEB_PORTS = (80, 443)
_LOAD_BALANCER = "load_balancer"
#: A range with a shorter prefix is as good as everyone; it also catches 0.0.0.0/0 in two halves.
_WIDE = {4: 8, 6: 16}
_BLOCKS = (
    "block_public_acls",
    "block_public_policy",
    "ignore_public_acls",
    "restrict_public_buckets",
)
#: Keys of conditions that every caller can meet.
_CONNECTION = {"aws:securetransport", "s3:tlsversion"}
_Finder = Callable[[Resource, Sequence[Resource]], Iterator[str]]


def exposed(resources: Sequence[Resource]) -> Iterator[tuple[str, str]]:
    """
    Find the resources that are public after a plan, changed or not.

    The rules of a load balancer for ports 80 and 443 are not reported: it is the public entrance.

    Args:
        resources: All resources of the plan.

    Yields:
        Address and problem.
    """
    for resource in resources:
        finder = _FINDERS.get(resource.kind)
        if finder:
            for message in finder(resource, resources):
                yield resource.address, message


def _publicly_accessible(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """A broker or database with a public address."""
    if _after(resource).get("publicly_accessible") is True:
        yield "publicly_accessible gives it a public address: set it to false"


def _public_task(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """Tasks with public addresses."""
    for network in _after(resource).get("network_configuration") or []:
        if network.get("assign_public_ip") is True:
            yield "assign_public_ip gives its tasks public addresses: set it to false"


def _public_instance(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """Instances with public addresses."""
    for network in _after(resource).get("network_interfaces") or []:
        if str(network.get("associate_public_ip_address")).lower() == "true":
            yield "associate_public_ip_address gives its instances public addresses"


def _open_bucket(resource: Resource, resources: Sequence[Resource]) -> Iterator[str]:
    """A public access block that is not complete, or that disappears before its bucket."""
    values = _after(resource)
    if values:
        missing = [name for name in _BLOCKS if values.get(name) is not True]
        if missing:
            yield f"{', '.join(missing)} must be true, or files can become public"
    elif resource.before and any(
        each.kind == "aws_s3_bucket" and each.module == resource.module and each.after
        for each in resources
    ):
        yield "without it, files can become public"


def _public_acl(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """A public ACL of a bucket."""
    acl = str(_after(resource).get("acl") or "")
    if acl.startswith("public-") or acl == "authenticated-read":
        yield f"the ACL {acl} makes files public"


def _open_policy(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """A resource policy that allows everyone, without a condition about the caller."""
    try:
        document = json.loads(str(_after(resource).get("policy") or "{}"))
    except ValueError:
        return
    statements = document.get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        everyone = _names_everyone(statement.get("Principal"))
        if statement.get("Effect") == "Allow" and everyone and not _narrowed(statement):
            yield f"the policy allows everyone: {statement.get('Sid') or statement.get('Action')}"


def _names_everyone(principal: object) -> bool:
    """Whether a principal of a policy is everyone."""
    if isinstance(principal, Mapping):
        principal = principal.get("AWS")
    return principal == "*" or (isinstance(principal, list) and "*" in principal)


def _narrowed(statement: Mapping[str, Any]) -> bool:
    """Whether the conditions of a statement say more than how the caller connects."""
    conditions = statement.get("Condition") or {}
    keys = {str(key).lower() for operands in conditions.values() for key in operands}
    return bool(keys - _CONNECTION)


def _open_rule(resource: Resource, resources: Sequence[Resource]) -> Iterator[str]:
    """A security group rule that is open to the internet."""
    values = _after(resource)
    for name in ("cidr_ipv4", "cidr_ipv6"):
        cidr = values.get(name)
        if _everyone(cidr) and not _is_entrance(resource, resources):
            yield f"it lets {cidr} in: name the addresses, or the security group"


def _open_group(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """Inline rules of a security group that are open to the internet."""
    for rule in _after(resource).get("ingress") or []:
        for cidr in (*(rule.get("cidr_blocks") or []), *(rule.get("ipv6_cidr_blocks") or [])):
            if _everyone(cidr):
                yield f"it lets {cidr} in: name the addresses, or the security group"


def _open_old_rule(resource: Resource, _all: Sequence[Resource]) -> Iterator[str]:
    """The same for the older resource of one rule."""
    values = _after(resource)
    if values.get("type") == "ingress":
        for cidr in (*(values.get("cidr_blocks") or []), *(values.get("ipv6_cidr_blocks") or [])):
            if _everyone(cidr):
                yield f"it lets {cidr} in: name the addresses, or the security group"


def _is_entrance(rule: Resource, resources: Sequence[Resource]) -> bool:
    """
    Whether a rule is for the public entrance, a load balancer on port 80 or 443.

    Before the first apply the ids of groups are unknown. Then the name of the rule counts.
    """
    values = _after(rule)
    if values.get("from_port") != values.get("to_port") or values.get("to_port") not in _WEB_PORTS:
        return False
    group = values.get("security_group_id")
    if group is None:
        return f".{rule.address}".partition('["')[0].endswith(f".{rule.kind}.{_LOAD_BALANCER}")
    groups = (_after(each).get("security_groups") for each in resources if each.kind == "aws_lb")
    return any(group in (each or []) for each in groups) or any(
        each.kind == "aws_security_group"
        and _after(each).get("id") == group
        and f'["{_LOAD_BALANCER}"]' in each.address
        for each in resources
    )


def _everyone(cidr: object) -> bool:
    """Whether a range of addresses is so wide that it stands for the internet."""
    try:
        network = ip_network(str(cidr), strict=False)
    except ValueError:
        return False
    return network.prefixlen < _WIDE[network.version]


def _after(resource: Resource) -> Mapping[str, Any]:
    """The planned values; empty for a resource that is deleted."""
    return resource.after if isinstance(resource.after, Mapping) else {}


_FINDERS: dict[str, _Finder] = {
    "aws_db_instance": _publicly_accessible,
    "aws_ecr_repository_policy": _open_policy,
    "aws_ecs_service": _public_task,
    "aws_launch_template": _public_instance,
    "aws_mq_broker": _publicly_accessible,
    "aws_s3_bucket_acl": _public_acl,
    "aws_s3_bucket_policy": _open_policy,
    "aws_s3_bucket_public_access_block": _open_bucket,
    "aws_security_group": _open_group,
    "aws_security_group_rule": _open_old_rule,
    "aws_sns_topic_policy": _open_policy,
    "aws_sqs_queue": _open_policy,
    "aws_sqs_queue_policy": _open_policy,
    "aws_vpc_security_group_ingress_rule": _open_rule,
}
