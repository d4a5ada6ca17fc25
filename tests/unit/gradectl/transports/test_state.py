"""Tests for `gradectl.transports.state`."""

from __future__ import annotations

import pytest

from gradectl.transports.state import (
    Declared,
    Deployed,
    Step,
    declared_by,
    due_steps,
    other,
    purpose,
)
from grader.contract.names import TransportName

MQ, SQS = TransportName.ACTIVEMQ, TransportName.SQS
ALL = tuple(Step)
CHANGE = (Step.CHANGE, Step.DRAIN, Step.OFF)


@pytest.mark.parametrize("active", TransportName)
@pytest.mark.parametrize("drains", [False, True])
def test_what_a_file_declares_is_read_from_the_variables_that_declare_it(
    active: TransportName, drains: bool
) -> None:
    """The four states of the two variables."""
    declared = Declared(active, drains)

    assert Declared.of(declared.variables) == declared


def test_a_file_without_the_variables_declares_the_broker() -> None:
    """The defaults of the root."""
    assert Declared.of({}) == Declared(MQ)


@pytest.mark.parametrize(
    ("sqs_active", "broker", "active", "drained"),
    [
        (None, False, None, None),
        (None, True, MQ, None),
        ("true", False, SQS, None),
        ("true", True, SQS, MQ),
        ("false", True, MQ, SQS),
    ],
)
def test_the_parameters_tell_the_active_transport_and_the_drained_one(
    sqs_active: str | None, broker: bool, active: TransportName | None, drained: str | None
) -> None:
    """Programs of the environment decide by the same parameters."""
    deployed = Deployed.of(sqs_active, broker=broker)

    assert (deployed.active, deployed.drained) == (active, drained)


@pytest.mark.parametrize("to", TransportName)
def test_a_change_from_the_other_transport_alone_needs_all_steps(to: TransportName) -> None:
    """Also when the file already declares the last state: both must exist for a while."""
    alone = Deployed(other(to), frozenset({other(to)}))

    for declared in (Declared(other(to)), Declared(to, drains=True), Declared(to)):
        assert due_steps(to, declared, alone, None) == ALL


def test_an_interrupted_change_repeats_the_apply_and_the_drain() -> None:
    """The parameters may be older than the workers: only an empty plan shows that all is done."""
    both = Deployed(SQS, frozenset({MQ, SQS}))

    assert due_steps(SQS, Declared(SQS, drains=True), both, 7) == CHANGE


def test_an_interrupted_preparation_is_repeated() -> None:
    """The new transport exists, but perhaps not the workers that consume it."""
    both = Deployed(MQ, frozenset({MQ, SQS}))

    assert due_steps(SQS, Declared(MQ, drains=True), both, 0) == ALL
    assert due_steps(SQS, Declared(SQS, drains=True), both, 0) == CHANGE


def test_a_change_back_while_both_exist_needs_all_steps() -> None:
    """The transport that was being drained becomes the active one again."""
    both = Deployed(SQS, frozenset({MQ, SQS}))

    assert due_steps(MQ, Declared(SQS, drains=True), both, 7) == ALL


def test_requests_go_to_the_new_transport_only_when_it_is_ready() -> None:
    """A broker takes a quarter of an hour to be created."""
    assert declared_by(Step.PREPARE, MQ) == Declared(SQS, drains=True)
    assert declared_by(Step.CHANGE, MQ) == Declared(MQ, drains=True)
    assert declared_by(Step.OFF, MQ) == Declared(MQ)


def test_an_interrupted_last_apply_goes_on_only_with_an_empty_transport() -> None:
    """Workers may no longer consume the old one, so messages in it need the first step again."""
    both, final = Deployed(SQS, frozenset({MQ, SQS})), Declared(SQS)

    assert due_steps(SQS, final, both, 0) == (Step.DRAIN, Step.OFF)
    assert due_steps(SQS, final, both, None) == (Step.OFF,)
    assert due_steps(SQS, final, both, 1) == CHANGE


def test_nothing_is_due_after_a_change() -> None:
    """A file that would bring the old transport back is corrected."""
    alone = Deployed(SQS, frozenset({SQS}))

    assert due_steps(SQS, Declared(SQS), alone, None) == ()
    assert due_steps(SQS, Declared(SQS, drains=True), alone, None) == (Step.OFF,)
    assert due_steps(SQS, Declared(MQ), alone, None) == (Step.OFF,)


def test_a_purpose_names_both_services() -> None:
    """The names are those of the change."""
    assert purpose(Step.OFF, SQS) == "apply without ActiveMQ"
    assert purpose(Step.OFF, MQ) == "apply without Amazon SQS"
