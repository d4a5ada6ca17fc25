"""Decisions about the network: what reachability found becomes results with a next step."""

from __future__ import annotations

from collections.abc import Iterable

from gradectl.adapters.aws.network_model import NetworkSnapshot
from gradectl.deploy.verify.reachability import Cause, Reach
from gradectl.deploy.verify.results import CheckResult, failed, listed, ok, warning
from gradectl.deploy.verify.root_values import RootValues

_MOST = 3
#: Addresses that a subnet should have left, besides those of the workers.
_SPARE = 4


def reach_state(destination: str, reach: Reach, *, applied: bool, admit: str = "") -> CheckResult:
    """
    Turn a reach into a result.

    Args:
        destination: The service or host.
        reach: Way and obstacles.
        applied: Whether the security groups exist.
        admit: For an existing host: how its groups admit the workers, whose group apply creates.
    """
    check = f"network: {destination}"
    if not reach.obstacles:
        return ok(check, f"reachable through {reach.via}")
    found = listed([one.text for one in reach.obstacles], _MOST)
    causes = {one.cause for one in reach.obstacles}
    if admit and causes == {Cause.GROUP_INGRESS}:
        if not applied:
            return warning(check, f"created by apply: the workers' group; then {admit}", admit)
        return failed(check, found, admit)
    steps = dict.fromkeys(one.next_step for one in reach.obstacles)
    return failed(check, found, "; ".join(list(steps)[:_MOST]))


def subnet_states(
    network: NetworkSnapshot, subnet_ids: Iterable[str], values: RootValues
) -> CheckResult:
    """Whether the subnets exist, lie in two zones of the VPC and have free addresses."""
    check = "network: subnets"
    wanted = list(subnet_ids)
    missing = [each for each in wanted if each not in network.subnets]
    if missing:
        return failed(check, f"not found: {listed(missing)}", "correct the IDs in vpc_existing")
    found = [network.subnets[each] for each in wanted]
    vpc_id = values.vpc["vpc_id"] if values.vpc else found[0].vpc_id
    foreign = [one.subnet_id for one in found if one.vpc_id != vpc_id]
    if foreign:
        text = f"{listed(foreign)} is not in {vpc_id}"
        return failed(check, text, "correct the IDs in vpc_existing")
    zones = sorted({one.zone for one in found})
    if len(zones) < 2:  # noqa: PLR2004 - the database and a broker pair need two
        text = f"all subnets are in {listed(zones)}"
        return failed(check, text, "add a private subnet of another zone")
    free = sum(one.free for one in found)
    need = int(values["ecs_max_capacity"]) + _SPARE
    if free < need:
        text = f"{free} addresses are free, and {values['ecs_max_capacity']} workers need one each"
        return warning(check, text, "use larger subnets, or lower ecs_max_capacity")
    return ok(check, f"{len(found)} in {listed(zones)}, {free} free addresses")


def vpc_states(network: NetworkSnapshot, values: RootValues) -> CheckResult | None:
    """Whether the existing VPC is as declared; None without one."""
    if not values.vpc:
        return None
    check, vpc_id = "network: VPC", str(values.vpc["vpc_id"])
    vpc = network.vpcs.get(vpc_id)
    if vpc is None:
        return failed(
            check, f"{vpc_id} does not exist in this region", "correct vpc_existing.vpc_id"
        )
    declared = str(values.vpc["vpc_cidr_block"])
    if declared not in vpc.cidrs:
        text = f"{vpc_id} has {listed(vpc.cidrs)}, not {declared}"
        return failed(check, text, "correct vpc_existing.vpc_cidr_block")
    off = [
        name
        for name, enabled in (
            ("enableDnsSupport", vpc.dns_support),
            ("enableDnsHostnames", vpc.dns_hostnames),
        )
        if not enabled
    ]
    if off:
        commands = [
            f"aws ec2 modify-vpc-attribute --vpc-id {vpc_id}"
            f" --enable-dns-{each.removeprefix('enableDns').lower()}"
            for each in off
        ]
        return failed(check, f"{listed(off)} of {vpc_id} is off", "; ".join(commands))
    return ok(check, f"{vpc_id}, {declared}, private DNS possible")
