"""Reads which transports an environment has."""

from __future__ import annotations

from gradectl.adapters.aws.account import Aws
from gradectl.environment import Environment
from gradectl.monitoring.names import ResourceNames
from gradectl.transports.state import Deployed
from grader.contract.names import parameter_name

_EXISTING = "mq_existing"


def observe(aws: Aws, environment: Environment) -> Deployed:
    """
    Read which transports an environment has, by its parameters in SSM.

    A broker of the environment's own Terraform is also looked up by its name: an interrupted apply
    may have deleted its parameters only.

    Args:
        aws: The account.
        environment: The environment.
    """
    active, endpoint = sqs_parameter(environment.name), endpoint_parameter(environment.name)
    found = aws.parameters_if_any([active, endpoint])
    broker = endpoint in found
    if active in found and not broker and not uses_existing_broker(environment):
        broker = aws.brokers.find(ResourceNames.of(environment).broker) is not None
    return Deployed.of(found.get(active), broker=broker)


def uses_existing_broker(environment: Environment) -> bool:
    """Whether the broker is not of the environment's own Terraform here, so no apply deletes it."""
    return environment.external or environment.variables.get(_EXISTING) is not None


def is_reachable(aws: Aws, environment: Environment) -> bool:
    """Whether the parameters of the broker exist, so that programs can log in."""
    name = endpoint_parameter(environment.name)
    return name in aws.parameters_if_any([name])


def sqs_parameter(environment: str) -> str:
    """The parameter that exists as long as the queues of SQS do."""
    return parameter_name(environment, "sqs", "active")


def endpoint_parameter(environment: str) -> str:
    """The parameter that exists as long as programs may use the broker."""
    return parameter_name(environment, "mq", "broker-endpoint")
