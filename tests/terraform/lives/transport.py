"""An environment that moves from its broker to SQS and back, and keeps all that has data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradectl.planning.plan import Action, Plan, parse_plan

#: No state leaves the test's own directory.
LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait
#: What is of no use here, and would take time.
SETTINGS = """
emulated                = true
enable_data_protection  = false
environment_name        = "moving"
alarm_topic             = null
enable_ecs_autoscaling  = false
sqs_settings            = { enable_priority_queue = false }
vpc_interface_endpoints = ["ecr.api", "ecr.dkr"]
"""
#: Where a state of a version without SQS has the broker and its parameters.
FORMER = {
    "module.messaging[0]": "module.messaging",
    "module.mq_parameters[0]": "module.mq_parameters",
}
BROKER, SQS, BOTH = (
    "-var=use_sqs_queue=false",
    "-var=use_sqs_queue=true",
    "-var=drain_other_transport=true",
)
KEPT = frozenset({"aws_db_instance", "aws_s3_bucket", "aws_ecs_service", "aws_vpc"})


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give the root with a broker and without a web tier."""
    own = {"backend_override.tf": LOCAL_BACKEND, "moving.auto.tfvars": SETTINGS}
    root = terraform_folder("environments", own).within(AWS_ENDPOINT_URL=account.url)
    root.run("init", "-no-color", "-input=false")
    return root


def live(root: Any, account: Any) -> None:
    """
    Apply with the broker, with both while it is drained, with SQS, with both, and plan the rest.

    A state of a version without SQS only moves. No change of the transport deletes or replaces what
    has data, and no queue or broker goes while it is drained.
    """
    root.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE)
    for address, former in FORMER.items():
        root.run("state", "mv", address, former)
    upgraded = parse_plan(root.plan())
    assert not upgraded.changes, upgraded.changes

    both = change(root, SQS, BOTH)
    assert deleted(both) == set()
    assert queues(account) == {"dlq", "requests", "results"}
    alone = change(root, SQS)
    assert "aws_mq_broker" in deleted(alone)
    assert account.client("mq").list_brokers()["BrokerSummaries"] == []
    again = parse_plan(root.plan(SQS))
    assert again.empty, again

    back = change(root, BROKER, BOTH)
    assert deleted(back) == set()
    assert queues(account) == {"dlq", "requests", "results"}
    last = parse_plan(root.plan(BROKER))
    assert "aws_sqs_queue" in deleted(last)
    assert not deleted(last) & KEPT


def change(root: Any, *variables: str) -> Plan:
    """Plan a change that keeps what has data, apply this plan, and give it."""
    plan = parse_plan(root.plan(*variables))
    assert not deleted(plan) & KEPT
    root.run("apply", "-no-color", WAITS_AT_ONCE, root.plan_file)
    return plan


def deleted(plan: Plan) -> set[str]:
    """Types of all resources that a plan deletes or replaces, but for revisions of the task."""
    return {
        f"aws_{change.address.rpartition('.aws_')[2].partition('.')[0]}"
        for change in plan.changes
        if change.action in (Action.DELETE, Action.REPLACE)
        and ".aws_ecs_task_definition" not in change.address
    }


def queues(account: Any) -> set[str]:
    """The ends of the names of all queues."""
    urls = account.client("sqs").list_queues().get("QueueUrls", [])
    return {url.rpartition("/moving-grading-")[2] for url in urls}
