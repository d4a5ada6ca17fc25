"""What the network bills: interface endpoints, load balancers and their web ACLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradectl.planning.meters.items import HOURS, Item, Side
from gradectl.planning.plan import Resource


def endpoint(resource: Resource, values: Mapping[str, Any], side: Side) -> list[Item]:
    """An interface endpoint in each zone of its subnets; gateway endpoints are free."""
    if values.get("vpc_endpoint_type") != "Interface":
        return []
    subnets = values.get("subnet_ids")
    zones = (
        len(subnets)
        if isinstance(subnets, list) and subnets
        else len({each.get("availability_zone") for each in side.of("aws_subnet", resource.module)})
    )
    hours = zones * HOURS if zones else None
    return [
        Item("interface-endpoint", "interface endpoint", hours, hours),
        Item("interface-endpoint-data", "data through the endpoint", by_use=True),
    ]


def load_balancer(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """A load balancer; a public one has a public address in each zone."""
    items = [
        Item("load-balancer", "load balancer", HOURS, HOURS),
        Item("load-balancer-use", "requests (LCU)", by_use=True),
    ]
    if values.get("internal") is False:
        subnets = values.get("subnets")
        count = len(subnets) * HOURS if isinstance(subnets, list) and subnets else None
        items.append(Item("public-ipv4", "public addresses", count, count))
        items.append(Item("data-out", "data to the internet", by_use=True))
    return items


def web_acl(_resource: Resource, values: Mapping[str, Any], _side: Side) -> list[Item]:
    """A web ACL, its rules and the requests that they look at."""
    rules = len(values.get("rule") or [])
    return [
        Item("waf-acl", "web ACL", 1, 1),
        Item("waf-rule", "rules of the web ACL", rules, rules),
        Item("waf-requests", "requests through the web ACL", by_use=True),
    ]
