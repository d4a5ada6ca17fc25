"""Queues of SQS before and after an apply: facts become results with a next step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from moto import mock_aws

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.aws.models import QueueNode
from gradectl.deploy.verify.account_checks import broker, log_policies, queues, service_roles
from gradectl.deploy.verify.context import VerifyContext
from gradectl.deploy.verify.network_checks import network
from gradectl.deploy.verify.queue_rules import Place, WantedQueue, queue_states
from gradectl.deploy.verify.results import CheckResult
from gradectl.deploy.verify.terraform_state import TerraformState
from gradectl.environment import Environment

HERE, ACCOUNT = "eu-west-1", "111122223333"
PLACE = Place(ACCOUNT, HERE)
KEY = f"arn:aws:kms:{HERE}:{ACCOUNT}:key/1234"


def arn(name: str, account: str = ACCOUNT, region: str = HERE) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:{region}:{account}:{name}"


GOOD = QueueNode("https://q", sse=True, dead_letter_arn=arn("dead"), max_receives=50)
DEAD = WantedQueue("dead_letter", arn("dead"), ours=False)


def check(queue: WantedQueue, node: QueueNode | None, key: str = "") -> CheckResult:
    """The result of one queue; there is a sound dead-letter queue, too."""
    nodes = {DEAD.arn: QueueNode("https://dead"), queue.arn: node}
    results = list(queue_states([queue, DEAD], nodes, PLACE, key))
    return results[0]


def requests(**changes: object) -> CheckResult:
    """The result of an existing queue of requests with these settings."""
    return check(WantedQueue("requests", arn("jobs"), ours=False), replace(GOOD, **changes))  # type: ignore[arg-type] - any setting


def test_a_sound_queue_is_ok() -> None:
    """With its name and how it is encrypted."""
    found = requests()

    assert (found.check, found.state.value) == ("queue requests", "ok")
    assert found.found == "jobs, encrypted by SQS"


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (WantedQueue("requests", arn("jobs.fifo"), ours=False), "jobs.fifo is a FIFO queue"),
        (WantedQueue("results", arn("r", region="us-east-1"), ours=False), "r is in us-east-1"),
        (WantedQueue("results", "r", ours=False), "r is in , and"),
        (WantedQueue("results", arn("r"), ours=False), "r does not exist in this account"),
        (WantedQueue("results", arn("r", "1")), "does not exist, but is in the Terraform state"),
        (WantedQueue("results", arn("r", "9" * 12), ours=False), "hides from this account"),
        (WantedQueue("requests", DEAD.arn, ours=False), "dead has two purposes"),
    ],
)
def test_a_queue_that_cannot_be_used_fails(queue: WantedQueue, words: str) -> None:
    """Each has a next step."""
    exists = GOOD if ".fifo" in queue.arn or queue.arn == DEAD.arn else None
    found = check(queue, exists)

    assert (found.state.value, bool(found.next_step)) == ("failed", True)
    assert words in found.found


def test_a_key_that_the_workers_may_not_use_fails() -> None:
    """The rights of the workers follow from sqs_existing.kms_key_arn."""
    queue = WantedQueue("requests", arn("jobs"), ours=False)
    encrypted = replace(GOOD, kms_key=KEY)
    foreign = WantedQueue("requests", arn("jobs", "9" * 12), ours=False)
    managed = replace(GOOD, kms_key="alias/aws/sqs")

    assert "get no right on it" in check(queue, encrypted).found
    assert "correct sqs_existing.kms_key_arn" in check(queue, encrypted, KEY + "5").next_step
    assert check(queue, encrypted, KEY).state.value == "ok"
    assert check(queue, replace(GOOD, kms_key="1234"), KEY).state.value == "ok"
    assert check(queue, replace(GOOD, kms_key="alias/own"), KEY).state.value == "ok"
    assert check(queue, managed).state.value == "ok"
    assert "other accounts cannot use" in check(foreign, managed).found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dead_letter_arn": "", "max_receives": 0}, "no redrive policy"),
        ({"dead_letter_arn": arn("old")}, "moves messages of jobs to old"),
        ({"max_receives": 6}, "after 6 receives, before the 6 attempts"),
    ],
)
def test_a_redrive_policy_that_does_not_fit_is_a_warning(
    changes: dict[str, object], words: str
) -> None:
    """The workers send dead letters themselves; the policy is the second net."""
    found = requests(**changes)

    assert (found.state.value, bool(found.next_step)) == ("warning", True)
    assert words in found.found


def test_a_redrive_loop_fails() -> None:
    """Dead letters would become requests again."""
    looping = QueueNode("https://dead", dead_letter_arn=arn("jobs"), max_receives=3)
    (found,) = queue_states([DEAD], {DEAD.arn: looping}, PLACE, "")

    assert found.state.value == "failed"
    assert "redrive policy to jobs" in found.found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    with mock_aws():
        yield Aws(AwsSettings(HERE, ACCOUNT))


def context(aws: Aws, **variables: object) -> VerifyContext:
    """The context of an environment that is not applied."""
    content = {"schema_version": 1, "name": "dev", "account_id": ACCOUNT, "region": HERE}
    return VerifyContext(
        Environment.model_validate({**content, "variables": variables}), aws, TerraformState()
    )


def existing(**arns: str) -> dict[str, object]:
    """Variables for existing queues."""
    return {
        "use_sqs_queue": True,
        "sqs_existing": {
            "requests_arn": arn("jobs"),
            "results_arn": arn("results"),
            "dead_letter_arn": arn("dead"),
            **arns,
        },
    }


def test_existing_queues_are_read_before_the_apply(aws: Aws) -> None:
    """With their attributes as SQS has them."""
    sqs = boto3.client("sqs", region_name=HERE)
    for name in ("dead", "results"):
        sqs.create_queue(QueueName=name)
    redrive = f'{{"deadLetterTargetArn": "{arn("dead")}", "maxReceiveCount": 50}}'
    sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": redrive})

    found = {each.check: each.state.value for each in queues(context(aws, **existing()))}
    missing = list(queues(context(aws, **existing(priority_arn=arn("urgent")))))

    assert found == dict.fromkeys(("queue requests", "queue results", "queue dead letter"), "ok")
    assert [each.found for each in missing if each.state.value == "failed"] == [
        "urgent does not exist in this account"
    ]


def test_new_queues_are_created_by_the_apply_and_a_broker_needs_none(aws: Aws) -> None:
    """Neither is a fault."""
    (new,) = queues(context(aws, use_sqs_queue=True))
    (none,) = queues(context(aws))

    assert (new.state.value, new.found) == ("not applicable", "created by apply")
    assert (none.state.value, none.found) == ("not applicable", "the environment uses a broker")


def test_without_a_broker_its_log_policy_and_role_are_not_checked(aws: Aws) -> None:
    """Until it is drained, both are needed."""
    alone, draining = (
        context(aws, use_sqs_queue=True, drain_other_transport=drain) for drain in (False, True)
    )
    (checked,) = broker(alone)

    assert checked.found == "the environment uses SQS"
    assert "1 needed" in log_policies(alone).found
    assert "2 needed" in log_policies(draining).found
    assert "AmazonMQ" not in service_roles(alone).found
    assert "AmazonMQ" in service_roles(draining).found


def test_a_list_of_endpoints_without_that_of_sqs_is_found(aws: Aws) -> None:
    """The root takes the list as it is; the workers would wait for SQS without an answer."""
    usual = ["ecr.api", "ecr.dkr", "logs", "ssm"]

    def states(*more: str) -> dict[str, str]:
        chosen = context(aws, use_sqs_queue=True, vpc_interface_endpoints=[*usual, *more])
        return {each.check: each.state.value for each in network(chosen)}

    assert states()["network: sqs"] == "failed"
    assert states("sqs")["network: sqs"] != "failed"
    assert states()["network: ssm"] == "ok"
