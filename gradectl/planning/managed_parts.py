"""
Attributes of a resource that only show what other resources of the state manage.

The rules of a security group, the inline policies of a role, the routes of a route table, the
settings of a bucket and the policies of a queue are resources of their own. Terraform reads them
with the group, role, table, bucket or queue as well, for the first time at the refresh after the
apply that created them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gradectl.planning.plan import Change, Resource

#: A part in a form that is equal for equal parts, whether it is listed or a resource.
Part = tuple[object, ...]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class _Parts:
    """
    The resources that manage the parts of an attribute.

    Attributes:
        kind: Their type.
        owner: Their attribute with the id of the resource that they belong to.
        listed: Reads the parts that the attribute lists; None when there is only one part, whose
            resource shows each change of it, such as the policy of a bucket, or the gateway that
            uses an address.
        described: Reads the part that a resource describes.
    """

    kind: str
    owner: str
    listed: Callable[[Any, object], Iterator[Part]] | None = None
    described: Callable[[Values], Iterator[Part]] = lambda _: iter(())


def is_managed(name: str, change: Change, resources: Sequence[Resource]) -> bool:
    """
    Whether an attribute now shows only parts that are resources of their own.

    A part that was removed needs no look here, because then its resource is gone, too.

    Args:
        name: The attribute.
        change: The change of its resource outside of Terraform.
        resources: The resources of the state, with their values in the account.
    """
    parts = _PARTS.get((change.kind, name))
    owner = change.after.get("id")
    if parts is None or owner is None:
        return False
    managed = [
        each.before
        for each in resources
        if each.kind == parts.kind and each.before and each.before.get(parts.owner) == owner
    ]
    if parts.listed is None:
        return bool(managed)
    described = {part for values in managed for part in parts.described(values)}
    return bool(described) and described.issuperset(parts.listed(change.after.get(name), owner))


def _listed_rules(rules: Sequence[Values] | None, owner: object) -> Iterator[Part]:
    """The rules of a security group, one for each source or destination."""
    names = ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups")
    for rule in rules or ():
        ends = [end for name in names for end in rule.get(name) or ()]
        for end in [*ends, owner] if rule.get("self") else ends:
            yield _rule(rule.get("protocol"), rule, end)


def _described_rule(values: Values) -> Iterator[Part]:
    names = ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id")
    yield from (_rule(values.get("ip_protocol"), values, values[n]) for n in names if values.get(n))


def _rule(protocol: object, values: Values, end: object) -> Part:
    """A rule for all protocols has no ports, which is null in one form and 0 in the other."""
    ports = (values.get(name) or 0 for name in ("from_port", "to_port"))
    return (protocol, *ports, end, values.get("description") or "")


def _listed_policies(policies: Sequence[Values] | None, owner: object) -> Iterator[Part]:  # noqa: ARG001 - as the others
    """The inline policies of a role; the provider lists an empty one where there is none."""
    yield from (_policy(each) for each in policies or () if each.get("name"))


def _described_policy(values: Values) -> Iterator[Part]:
    yield _policy(values)


def _policy(values: Values) -> Part:
    """Its name and its document, however that is formatted."""
    text = str(values.get("policy"))
    with suppress(ValueError):
        text = json.dumps(json.loads(text), sort_keys=True)
    return (values.get("name"), text)


def _listed_routes(routes: Sequence[Values] | None, owner: object) -> Iterator[Part]:  # noqa: ARG001 - as the others
    """The routes of a route table."""
    names = ("cidr_block", "ipv6_cidr_block", "destination_prefix_list_id")
    yield from (_route(route, names) for route in routes or ())


def _described_route(values: Values) -> Iterator[Part]:
    names = ("cidr_block", "ipv6_cidr_block", "prefix_list_id")
    yield _route(values, tuple(f"destination_{name}" for name in names))


def _route(values: Values, destination: tuple[str, ...]) -> Part:
    """Its destination and its target; the others are null in one form and "" in the other."""
    return tuple(values.get(name) or "" for name in (*destination, *_TARGETS))


_TARGETS = (
    "carrier_gateway_id",
    "core_network_arn",
    "egress_only_gateway_id",
    "gateway_id",
    "local_gateway_id",
    "nat_gateway_id",
    "network_interface_id",
    "transit_gateway_id",
    "vpc_endpoint_id",
    "vpc_peering_connection_id",
)
_RULES = "aws_vpc_security_group_{}_rule"
_BUCKET_SETTINGS = {
    "cors_rule": "cors_configuration",
    "lifecycle_rule": "lifecycle_configuration",
    "logging": "logging",
    "policy": "policy",
    "server_side_encryption_configuration": "server_side_encryption_configuration",
    "versioning": "versioning",
}
#: Type and attribute -> the resources that manage its parts.
_PARTS: Mapping[tuple[str, str], _Parts] = {
    ("aws_iam_role", "inline_policy"): _Parts(
        "aws_iam_role_policy", "role", _listed_policies, _described_policy
    ),
    ("aws_route_table", "route"): _Parts(
        "aws_route", "route_table_id", _listed_routes, _described_route
    ),
    **{
        ("aws_security_group", name): _Parts(
            _RULES.format(name), "security_group_id", _listed_rules, _described_rule
        )
        for name in ("ingress", "egress")
    },
    **{
        ("aws_s3_bucket", name): _Parts(f"aws_s3_bucket_{kind}", "bucket")
        for name, kind in _BUCKET_SETTINGS.items()
    },
    **{
        ("aws_eip", name): _Parts("aws_nat_gateway", "allocation_id")
        for name in ("association_id", "network_interface", "private_dns", "private_ip")
    },
    ("aws_kms_key", "policy"): _Parts("aws_kms_key_policy", "key_id"),
    ("aws_sns_topic", "policy"): _Parts("aws_sns_topic_policy", "arn"),
    **{
        ("aws_sqs_queue", name): _Parts(f"aws_sqs_queue_{name}", "queue_url")
        for name in ("policy", "redrive_allow_policy", "redrive_policy")
    },
}
