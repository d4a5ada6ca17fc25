"""Whether security groups and network ACLs allow a connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from gradectl.adapters.aws.network_model import (
    AclEntry,
    GroupRule,
    NetworkAcl,
    NetworkSnapshot,
)

_ANY = "-1"
_TCP = ("tcp", "6", _ANY)
#: First, middle and last port from which Linux opens connections; answers go to these.
EPHEMERAL = (32768, 49152, 60999)


def groups_allow(  # noqa: PLR0913 - both ends of a connection
    network: NetworkSnapshot,
    group_ids: Iterable[str],
    port: int,
    *,
    egress: bool,
    peer_groups: Iterable[str] = (),
    peer_cidrs: Sequence[str] = (),
    peer_list: str = "",
) -> bool:
    """
    Whether one of the security groups allows the port for the peer.

    Args:
        network: The snapshot.
        group_ids: Security groups of this end; their rules add up.
        port: The destination port.
        egress: True for the end that connects, False for the one that accepts.
        peer_groups: Security groups of the other end.
        peer_cidrs: All addresses of the other end.
        peer_list: Prefix list of the other end.
    """
    wanted = frozenset(peer_groups)
    rules = [
        rule
        for group_id in group_ids
        if group_id in network.groups
        for rule in network.groups[group_id].rules
        if rule.egress is egress and _covers(rule, port)
    ]
    if any(rule.group_id and rule.group_id in wanted for rule in rules):
        return True
    if peer_list and any(rule.prefix_list_id == peer_list for rule in rules):
        return True
    return _all_in(peer_cidrs, [cidr for rule in rules for cidr in _cidrs(network, rule)])


def acl_allows(
    acl: NetworkAcl | None, cidrs: Sequence[str], ports: Sequence[int], *, egress: bool
) -> bool:
    """
    Whether a network ACL allows TCP to or from all addresses on all ports.

    Args:
        acl: The ACL; None allows everything.
        cidrs: Addresses of the other end.
        ports: The destination ports.
        egress: True for traffic that leaves the subnet.
    """
    if acl is None:
        return True
    entries = sorted(
        (one for one in acl.entries if one.egress is egress and one.protocol in _TCP),
        key=lambda one: one.number,
    )
    return all(
        _first_match(entries, address, port)
        for cidr in cidrs
        for address in _edges(cidr, entries)
        for port in ports
    )


def _first_match(entries: Sequence[AclEntry], address: IPv4Address, port: int) -> bool:
    """Decide by the first entry that matches; without one the packet is dropped."""
    for entry in entries:
        in_range = entry.protocol == _ANY or entry.from_port <= port <= entry.to_port
        if in_range and address in IPv4Network(entry.cidr):
            return entry.allow
    return False


def _edges(cidr: str, entries: Iterable[AclEntry]) -> set[IPv4Address]:
    """Addresses of a block between which the decision can change."""
    block = IPv4Network(cidr)
    edges = {block[0], block[-1]}
    for entry in entries:
        other = IPv4Network(entry.cidr)
        if other.subnet_of(block) and other != block:
            edges |= {other[0], other[-1]}
            edges |= {IPv4Address(int(other[-1]) + 1)} if other[-1] < block[-1] else set()
    return edges


def _covers(rule: GroupRule, port: int) -> bool:
    """Whether a rule is for TCP and the port."""
    if rule.protocol == _ANY:
        return True
    return rule.protocol in _TCP and rule.from_port <= port <= rule.to_port


def _cidrs(network: NetworkSnapshot, rule: GroupRule) -> Sequence[str]:
    """The address blocks of a rule; those of its prefix list where it has one."""
    if rule.prefix_list_id:
        known = network.prefix_lists.get(rule.prefix_list_id)
        return known.cidrs if known else ()
    return [rule.cidr] if rule.cidr else []


def _all_in(wanted: Sequence[str], given: Iterable[str]) -> bool:
    """Whether the given blocks together contain every wanted block; False for none wanted."""
    merged = list(collapse_addresses(IPv4Network(cidr) for cidr in given if ":" not in cidr))
    blocks = [IPv4Network(cidr) for cidr in wanted]
    return bool(blocks) and all(any(one.subnet_of(whole) for whole in merged) for one in blocks)
