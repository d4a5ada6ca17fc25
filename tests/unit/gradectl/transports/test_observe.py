"""Tests for `gradectl.transports.observe`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.environment import Environment
from gradectl.transports.observe import is_reachable, observe
from gradectl.transports.state import Deployed
from grader.contract.names import TransportName

MQ, SQS = TransportName.ACTIVEMQ, TransportName.SQS
ENDPOINT, ACTIVE = "/dev/mq/broker-endpoint", "/dev/sqs/active"


def environment(**more: Any) -> Environment:
    """An environment."""
    fields = {"name": "dev", "account_id": "123456789012", "region": "eu-west-1"}
    return Environment(schema_version=1, **fields, **more)


def account(parameters: dict[str, str], brokers: dict[str, str] | None = None) -> Any:
    """An account with these parameters and brokers."""
    return SimpleNamespace(
        parameters_if_any=lambda names: {n: parameters[n] for n in names if n in parameters},
        brokers=SimpleNamespace(find=(brokers or {}).get),
    )


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, Deployed(None, frozenset())),
        ({ENDPOINT: "x"}, Deployed(MQ, frozenset({MQ}))),
        ({ENDPOINT: "x", ACTIVE: "true"}, Deployed(SQS, frozenset({MQ, SQS}))),
        ({ENDPOINT: "x", ACTIVE: "false"}, Deployed(MQ, frozenset({MQ, SQS}))),
        ({ACTIVE: "true"}, Deployed(SQS, frozenset({SQS}))),
    ],
)
def test_the_parameters_tell_what_exists(parameters: dict[str, str], expected: Deployed) -> None:
    """The programs of the environment read the same ones."""
    assert observe(account(parameters), environment()) == expected


def test_a_broker_whose_deletion_was_interrupted_still_exists() -> None:
    """Terraform deletes its parameters first; it costs money until it is deleted."""
    left = account({ACTIVE: "true"}, {"dev-grading-mq": "b-1"})

    assert observe(left, environment()).drained is MQ
    assert not is_reachable(left, environment())


@pytest.mark.parametrize(
    "more", [{"variables": {"mq_existing": {"name": "shared"}}}, {"terraform": "external"}]
)
def test_the_broker_of_somebody_else_is_not_looked_up(more: dict[str, Any]) -> None:
    """It stays when the environment no longer uses it."""
    left = account({ACTIVE: "true"}, {"dev-grading-mq": "b-1", "shared": "b-2"})

    assert observe(left, environment(**more)).drained is None
