"""Checks of the network: reads the real rules, and adds what apply creates where that is needed."""

from __future__ import annotations

from collections.abc import Iterator

from gradectl.adapters.aws.network_model import NetworkSnapshot
from gradectl.deploy.verify.context import VerifyContext
from gradectl.deploy.verify.endpoint_policies import Call
from gradectl.deploy.verify.network_rules import reach_state, subnet_states, vpc_states
from gradectl.deploy.verify.planned import BROKER_PORT, conflicts, planned
from gradectl.deploy.verify.reachability import (
    HTTPS,
    Host,
    Source,
    reach_host,
    reach_internet,
    reach_service,
)
from gradectl.deploy.verify.results import (
    CheckResult,
    failed,
    listed,
    not_applicable,
    not_checked,
    ok,
)

_VARIABLES = {"broker": "mq_existing", "database": "db_existing"}
_NOT_HERE = "its address does not belong to this account"


def network(context: VerifyContext) -> Iterator[CheckResult]:
    """VPC, subnets, and the way to each service, the broker and the database."""
    hosts = {"database": _database(context)}
    if context.values.uses_broker:
        hosts = {"broker": _broker(context), **hosts}
    service = context.service
    found = context.aws.network.snapshot(_vpc_ids(context, hosts))
    vpc = vpc_states(found, context.values)
    if vpc:
        yield vpc
    if context.values.vpc and context.values.vpc["vpc_id"] not in found.vpcs:
        return
    if service:
        source = Source(service.subnet_ids, service.group_ids, service.public_address)
        after, new_hosts = found, {}
    else:
        future = planned(found, context.values)
        after, source = future.network, future.source
        created = {"broker": future.broker, "database": future.database}
        new_hosts = {
            name: host for name, host in created.items() if context.values[_VARIABLES[name]] is None
        }
        yield from _conflicts(found, context)
    yield subnet_states(after, source.subnet_ids, context.values)
    yield from _services(after, source, context)
    for name, host in hosts.items():
        yield _host(after, source, host or new_hosts.get(name), name, context)


def _conflicts(found: NetworkSnapshot, context: VerifyContext) -> Iterator[CheckResult]:
    """What AWS would reject while Terraform applies."""
    if not context.values.vpc:
        yield not_applicable("network: new endpoints", "created by apply, in a new VPC")
        return
    clashes = conflicts(found, context.values)
    for text, step in clashes:
        yield failed("network: new endpoints", text, step)
    if not clashes:
        text = f"{len(context.values.endpoints)} will be created, none exists"
        yield ok("network: new endpoints", text)


def _services(
    found: NetworkSnapshot, source: Source, context: VerifyContext
) -> Iterator[CheckResult]:
    """The way to each AWS service, and to a registry that is not ECR."""
    applied = context.service is not None
    bucket = context.environment.files_bucket
    calls = {
        "sqs": [
            Call(f"{action} on {arn.rpartition(':')[2]}", action, arn)
            for action, arn in context.values.queue_calls
        ]
    }
    for service in context.values.services:
        if service == "sqs" and service in context.values.endpoints and context.pending(service):
            yield not_applicable("network: sqs", "its endpoint is created by apply")
            continue
        reach = reach_service(found, source, service, bucket, calls.get(service, ()))
        yield reach_state(service, reach, applied=applied)
    if ".dkr.ecr." not in context.values.image:
        registry = context.values.image.partition("/")[0]
        yield reach_state(registry, reach_internet(found, source, HTTPS), applied=applied)


def _host(
    found: NetworkSnapshot,
    source: Source,
    host: Host | None,
    name: str,
    context: VerifyContext,
) -> CheckResult:
    """The way to the broker or the database."""
    variable = _VARIABLES[name]
    if host is None and name == "broker" and context.values.own_broker:
        return not_applicable("network: broker", "created by apply")
    if host is None:
        return not_checked(f"network: {name}", f"{variable}: {_NOT_HERE}")
    existing = context.values[variable] is not None
    groups = listed(host.group_ids)
    theirs = f"one of {groups}" if len(host.group_ids) > 1 else groups  # one suffices
    worker = f"the security group {context.values.prefix}-worker"
    admit = f"allow port {host.port} from {worker} in {theirs}" if existing and theirs else ""
    reach = reach_host(found, source, host)
    return reach_state(name, reach, applied=context.service is not None, admit=admit)


def _broker(context: VerifyContext) -> Host | None:
    """The broker, where it exists in this account."""
    if not context.broker_id:
        return None
    found = context.aws.brokers.node(context.broker_id)
    port = BROKER_PORT
    return Host("the broker", port, found.subnet_ids, found.group_ids, found.public)


def _database(context: VerifyContext) -> Host | None:
    """The database, where it exists in this account."""
    found = context.aws.databases.node(context.database_id) if context.database_id else None
    if found is None:
        return None
    return Host("the database", found.port, found.subnet_ids, found.group_ids, found.public)


def _vpc_ids(context: VerifyContext, hosts: dict[str, Host | None]) -> set[str]:
    """All VPCs that the tasks, the broker and the database are in."""
    subnets = [each for host in hosts.values() if host for each in host.subnet_ids]
    if context.service:
        subnets += context.service.subnet_ids
    found = context.aws.network.vpc_of_subnets(subnets) if subnets else set()
    return found | ({str(context.values.vpc["vpc_id"])} if context.values.vpc else set())
