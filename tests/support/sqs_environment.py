"""An environment on SQS as an apply leaves it, for tests of commands and of producers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from applied_environment import ACCOUNT, REGION, Applied

from gradectl.local.testing import RunningDatabase

#: The parameter of each queue that an apply writes.
_KEYS = {
    "grading-requests": "requests-url",
    "grading-priority": "priority-url",
    "grading-results": "results-url",
    "grading-dlq": "dead-letter-url",
}


@dataclass
class AppliedOnSqs(Applied):
    """An environment without a broker."""

    urls: dict[str, str] = field(default_factory=dict)

    def environ(self, **changes: str) -> dict[str, str]:
        """Variables of a user's shell."""
        return super().environ(**{"SSL_CERT_FILE": "", **changes})

    def worker_environment(self, launcher: Path) -> dict[str, str]:
        """The variables that the task definition and the platform give a worker."""
        usual = super().worker_environment(launcher)
        kept = {
            key: value
            for key, value in usual.items()
            if not key.startswith("MQ_") and key != "SSL_CERT_FILE"
        }
        return {
            **kept,
            "USE_SQS_QUEUE": "true",
            "SQS_QUEUE_URL": self.urls["grading-requests"],
            "SQS_WAIT_SECONDS": "2",  # a worker ends after the poll that is under way
        }

    def count(self, queue: str) -> int:
        """How many messages a queue holds."""
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=self.urls[queue], AttributeNames=["All"]
        )["Attributes"]
        kinds = ("", "NotVisible", "Delayed")
        return sum(int(answer[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)


def make_sqs_environment(
    database: RunningDatabase, endpoint_url: str, make_folder: Callable[[str], Path]
) -> AppliedOnSqs:
    """
    Create an environment with the bucket, queues, parameters and environment.yaml of an apply.

    Args:
        database: Its database.
        endpoint_url: Its account.
        make_folder: Makes a temporary folder, from its name.
    """
    name = f"t{uuid.uuid4().hex[:12]}"
    root = make_folder(name)
    no_broker: Any = None
    applied = AppliedOnSqs(root, name, endpoint_url, no_broker, database, Path())
    folder = root / "environments" / name
    folder.mkdir(parents=True)
    content = {
        "schema_version": 1,
        "name": name,
        "account_id": ACCOUNT,
        "region": REGION,
        "emulated": True,
        "variables": {"use_sqs_queue": True},
    }
    (folder / "environment.yaml").write_text(yaml.safe_dump(content))
    applied.client("s3").create_bucket(
        Bucket=applied.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    _create_queues(applied)
    plain = {"active": "true", **{_KEYS[queue]: url for queue, url in applied.urls.items()}}
    for key, value in plain.items():
        applied.client("ssm").put_parameter(Name=f"/{name}/sqs/{key}", Value=value, Type="String")
    values = {
        "db/endpoint": database.endpoint,
        "db/name": database.name,
        "db/username": database.user,
        "db/password": database.password,
    }
    for part, value in values.items():
        applied.set_parameter(part, value)
    return applied


def _create_queues(applied: AppliedOnSqs) -> None:
    sqs = applied.client("sqs")
    for queue in _KEYS:
        answer = sqs.create_queue(
            QueueName=f"{applied.name}-{queue}", Attributes={"VisibilityTimeout": "120"}
        )
        applied.urls[queue] = answer["QueueUrl"]
    letters = sqs.get_queue_attributes(
        QueueUrl=applied.urls["grading-dlq"], AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": letters, "maxReceiveCount": 50})
    for queue in ("grading-requests", "grading-priority"):
        sqs.set_queue_attributes(QueueUrl=applied.urls[queue], Attributes={"RedrivePolicy": policy})
