"""The state of managed services, without boto3's types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ManagedState:
    """
    A broker or a database as its API describes it.

    Attributes:
        name: Its name.
        state: Its state, in the word of AWS.
        ready: Whether it accepts connections.
        engine: Engine and version.
        security_groups: Its security groups.
        users: Names of its users; empty for a database.
        endpoints: STOMP endpoints of a broker; empty for a database.
    """

    name: str
    state: str
    ready: bool
    engine: str = ""
    security_groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True)
class IngressRule:
    """
    Connections that a security group accepts.

    Attributes:
        group_id: The security group.
        from_port: First port.
        to_port: Last port.
        source_group: Security group that may connect; empty for addresses.
    """

    group_id: str
    from_port: int
    to_port: int
    source_group: str = ""

    def accepts(self, port: int, source_groups: tuple[str, ...]) -> bool:
        """Whether members of these groups may connect to a port; addresses count as theirs."""
        return self.from_port <= port <= self.to_port and (
            not self.source_group or self.source_group in source_groups
        )
