"""The state of managed services, without boto3's types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ManagedState:
    """
    A broker, a database or a replication group of Redis, as its API describes it.

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
class TargetHealth:
    """
    A target of a load balancer.

    Attributes:
        target: Its address and port.
        state: Its state: healthy, initial, unhealthy, draining, unused or unavailable.
        reason: Why it is not healthy, in the words of AWS.
    """

    target: str
    state: str
    reason: str = ""


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


@dataclass(frozen=True)
class SqsQueueState:
    """
    A queue of SQS as its API and CloudWatch describe it.

    Attributes:
        name: Its name in AWS.
        visible: Messages that wait.
        in_flight: Messages that were received and are neither deleted nor visible again.
        delayed: Messages that were sent with a delay.
        dead_letter_queue: Name of the queue that its redrive policy names; empty without a policy.
        most_receives: Receives after which SQS moves a message there; 0 without a policy.
        oldest_seconds: Age of the oldest message, some minutes old; None if it is unknown.
        receives: Messages and empty answers that consumers received within the last ten minutes;
            None if CloudWatch has no figures.
    """

    name: str
    visible: int
    in_flight: int
    delayed: int
    dead_letter_queue: str = ""
    most_receives: int = 0
    oldest_seconds: float | None = None
    receives: int | None = None
