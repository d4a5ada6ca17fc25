"""The transport that an environment has and the one it declares, and the steps due; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from grader.contract.names import TransportName

#: The variables of the root that choose the transport.
USE_SQS = "use_sqs_queue"
DRAIN_OTHER = "drain_other_transport"


_TITLES = {TransportName.ACTIVEMQ: "ActiveMQ", TransportName.SQS: "Amazon SQS"}


def other(name: TransportName) -> TransportName:
    """The other transport."""
    return TransportName.ACTIVEMQ if name is TransportName.SQS else TransportName.SQS


def title(name: TransportName) -> str:
    """The name of the service."""
    return _TITLES[name]


class Step(StrEnum):
    """A step of a change, in the order in which they run."""

    PREPARE = "prepare"
    CHANGE = "change"
    DRAIN = "drain"
    OFF = "off"


#: What each step does.
PURPOSES = {
    Step.PREPARE: "apply with both transports: workers consume both, new requests go to {old}",
    Step.CHANGE: "apply the change: new requests go to {new}, workers consume both",
    Step.DRAIN: "wait until {old} is empty and unused; move its results and dead letters to {new}",
    Step.OFF: "apply without {old}",
}


@dataclass(frozen=True)
class Declared:
    """
    What environment.yaml says.

    Attributes:
        active: The transport that new messages use.
        drains: Whether the other one is kept, and consumed by the workers.
    """

    active: TransportName
    drains: bool = False

    @classmethod
    def of(cls, variables: Mapping[str, Any]) -> Declared:
        """Read the variables of an environment."""
        active = TransportName.SQS if variables.get(USE_SQS) else TransportName.ACTIVEMQ
        return cls(active, bool(variables.get(DRAIN_OTHER)))

    @property
    def variables(self) -> dict[str, bool]:
        """The variables that declare it."""
        return {USE_SQS: self.active is TransportName.SQS, DRAIN_OTHER: self.drains}


@dataclass(frozen=True)
class Deployed:
    """
    What exists in the account.

    Attributes:
        active: The transport that new messages use; None before the first apply.
        existing: All transports with resources.
    """

    active: TransportName | None
    existing: frozenset[TransportName]

    @classmethod
    def of(cls, sqs_active: str | None, *, broker: bool) -> Deployed:
        """
        Conclude it from the parameters in SSM.

        Args:
            sqs_active: Value of `/<environment>/sqs/active`; None when it does not exist.
            broker: Whether the broker or its parameters exist.
        """
        found = {TransportName.ACTIVEMQ: broker, TransportName.SQS: sqs_active is not None}
        existing = frozenset(name for name, exists in found.items() if exists)
        if sqs_active == "true":
            return cls(TransportName.SQS, existing)
        return cls(TransportName.ACTIVEMQ if broker else None, existing)

    @property
    def drained(self) -> TransportName | None:
        """The transport that exists without being active."""
        return next((each for each in sorted(self.existing) if each is not self.active), None)

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.active is None:
            return "no transport is deployed"
        if self.drained:
            return f"{title(self.active)} is active, {title(self.drained)} is being drained"
        return f"{title(self.active)} alone"


def due_steps(
    to: TransportName, declared: Declared, deployed: Deployed, left: int | None
) -> tuple[Step, ...]:
    """
    Return the steps that a change still has to do, in order.

    Args:
        to: The transport to change to.
        declared: What environment.yaml says.
        deployed: What exists.
        left: Messages in the other transport; None when its parameters are gone, which an apply
            deletes first.
    """
    final = Declared(to)
    if deployed.active is to and deployed.drained is None:
        return () if declared == final else (Step.OFF,)
    if deployed.active is to and declared == final and not left:  # the last apply was interrupted
        return (Step.OFF,) if left is None else (Step.DRAIN, Step.OFF)
    changing = declared == Declared(to, drains=True) and deployed.drained is not None
    if deployed.active is to or changing:
        return (Step.CHANGE, Step.DRAIN, Step.OFF)
    return tuple(Step)


def declared_by(step: Step, to: TransportName) -> Declared:
    """What environment.yaml must say for a step."""
    if step is Step.PREPARE:
        return Declared(other(to), drains=True)
    return Declared(to, drains=step is not Step.OFF)


def purpose(step: Step, to: TransportName) -> str:
    """What a step does in a change to a transport."""
    return PURPOSES[step].format(new=title(to), old=title(other(to)))
