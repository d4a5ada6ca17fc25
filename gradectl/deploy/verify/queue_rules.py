"""Decisions about queues of SQS: facts in, results out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradectl.adapters.aws.models import QueueNode
from gradectl.deploy.verify.results import CheckResult, failed, ok, warning

#: Attempts of a worker at one request, by default.
_ATTEMPTS = 6
_RECEIVED = ("requests", "priority")
_AWS_KEY = "alias/aws/sqs"
_FIFO = ".fifo"


@dataclass(frozen=True)
class Place:
    """Account and region of the environment."""

    account_id: str
    region: str


@dataclass(frozen=True)
class WantedQueue:
    """
    A queue that the environment uses.

    Attributes:
        purpose: requests, priority, results or dead_letter.
        arn: Its ARN.
        ours: Whether apply creates it.
    """

    purpose: str
    arn: str
    ours: bool = True

    @property
    def check(self) -> str:
        """Name of the check."""
        return f"queue {self.purpose.replace('_', ' ')}"

    @property
    def name(self) -> str:
        """Name of the queue in its account."""
        return self.arn.rpartition(":")[2]

    @property
    def remedy(self) -> str:
        """The variable to correct."""
        return f"correct sqs_existing.{self.purpose}_arn"


def queue_states(
    wanted: Sequence[WantedQueue],
    found: Mapping[str, QueueNode | None],
    place: Place,
    key_arn: str,
) -> Iterator[CheckResult]:
    """
    Whether the queues exist and work as the workers need them.

    Args:
        wanted: The queues.
        found: What SQS says by ARN; None for a queue that does not exist. Queues that could not be
            read are missing, and have no result.
        place: Account and region of the environment.
        key_arn: The KMS key that the workers may use; "" for none.
    """
    arns = [each.arn for each in wanted]
    dead_letters = next((each.arn for each in wanted if each.purpose == "dead_letter"), "")
    for each in wanted:
        if each.arn not in found:
            continue
        fault = _unusable(each, found[each.arn], place)
        if not fault and arns.count(each.arn) > 1:
            text = f"{each.name} has two purposes, so that messages would go round without end"
            fault = failed(each.check, text, each.remedy)
        node = found[each.arn]
        if fault or node is None:
            yield fault or failed(each.check, f"{each.name} does not exist", each.remedy)
        else:
            yield (
                _encryption(each, node, place, key_arn)
                or _redrive(each, node, dead_letters)
                or ok(each.check, f"{each.name}, {_encrypted(node)}")
            )


def _unusable(queue: WantedQueue, node: QueueNode | None, place: Place) -> CheckResult | None:
    """A queue that cannot be used at all; None for the others."""
    parts = queue.arn.split(":")
    region, account = (*parts, "", "", "", "", "")[3:5]
    if queue.name.endswith(_FIFO):
        text = f"{queue.name} is a FIFO queue: one slow request would block those behind it"
        return failed(queue.check, text, "use a standard queue")
    if region != place.region:
        text = f"{queue.name} is in {region}, and the environment in {place.region}"
        return failed(queue.check, text, f"{queue.remedy}, or the region")
    if node is not None:
        return None
    if queue.ours:
        text = f"{queue.name} does not exist, but is in the Terraform state"
        return failed(queue.check, text, "gradectl apply creates it again")
    if account != place.account_id:
        text = f"{queue.name} of account {account} does not exist, or hides from this account"
        step = f"{queue.remedy}, or allow {place.account_id} sqs:GetQueueUrl in its policy"
        return failed(queue.check, text, step)
    return failed(queue.check, f"{queue.name} does not exist in this account", queue.remedy)


def _encryption(
    queue: WantedQueue, node: QueueNode, place: Place, key_arn: str
) -> CheckResult | None:
    """A queue whose key the workers may not use; None where they may, and without a key."""
    key = node.kms_key
    if not key:
        return None
    if key.endswith(_AWS_KEY):
        if queue.arn.split(":")[4] == place.account_id:
            return None
        text = f"{queue.name} is encrypted with {_AWS_KEY}, which other accounts cannot use"
        return failed(queue.check, text, "encrypt it with a key of its own, or by SQS")
    if not key_arn:
        text = f"{queue.name} is encrypted with {key}, and the workers get no right on it"
        return failed(queue.check, text, "set sqs_existing.kms_key_arn to the ARN of its key")
    named = key.rpartition("/")[2]
    if "alias/" not in key and named != key_arn.rpartition("/")[2]:
        text = f"{queue.name} is encrypted with {key}, and the workers have rights on {key_arn}"
        variable = "kms_key_arn" if queue.ours else "sqs_existing.kms_key_arn"
        return failed(queue.check, text, f"correct {variable}")
    return None


def _redrive(queue: WantedQueue, node: QueueNode, dead_letters: str) -> CheckResult | None:
    """A redrive policy that loses requests, moves them too early, or is missing."""
    if queue.purpose == "dead_letter" and node.dead_letter_arn:
        text = f"{queue.name} has a redrive policy to {node.dead_letter_arn.rpartition(':')[2]}"
        step = f"aws sqs set-queue-attributes --queue-url {node.url} --attributes RedrivePolicy="
        return failed(queue.check, f"{text}, so that dead letters leave it again", step)
    if queue.purpose not in _RECEIVED:
        return None
    step = (
        "set its RedrivePolicy to the dead-letter queue with a maxReceiveCount of 50"
        if not queue.ours
        else "gradectl apply"
    )
    if not node.dead_letter_arn:
        text = f"{queue.name} has no redrive policy: what no worker can settle stays in it for days"
        return warning(queue.check, text, step)
    if node.dead_letter_arn != dead_letters:
        other = node.dead_letter_arn.rpartition(":")[2]
        text = f"SQS moves messages of {queue.name} to {other}, where gradectl does not look"
        return warning(queue.check, text, step)
    if node.max_receives <= _ATTEMPTS:
        text = f"SQS moves a request of {queue.name} after {node.max_receives} receives"
        return warning(queue.check, f"{text}, before the {_ATTEMPTS} attempts of a worker", step)
    return None


def _encrypted(node: QueueNode) -> str:
    """How a queue is encrypted."""
    if node.kms_key:
        return f"encrypted with {node.kms_key}"
    return "encrypted by SQS" if node.sse else "not encrypted"
