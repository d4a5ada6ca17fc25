"""The queues of SQS of an environment, in an account of a test."""

from __future__ import annotations

import json
from typing import Any

REQUESTS, DEAD, RESULTS = "grading-requests", "grading-dlq", "grading-results"
QUEUES = {
    REQUESTS: "requests-url",
    "grading-priority": "priority-url",
    RESULTS: "results-url",
    DEAD: "dead-letter-url",
}
MOST_RECEIPTS = 50
ARN = "arn:aws:sqs:ap-northeast-2:123456789012"


class SqsQueues:
    """
    The queues of an environment, with their parameters.

    Args:
        dev: The account, of which `client` makes a client.
        environment: Name of the environment.
    """

    def __init__(self, dev: Any, environment: str = "dev") -> None:
        self.dev = dev
        self.environment = environment
        self.client = dev.client("sqs")
        self.urls: dict[str, str] = {}
        for name, key in QUEUES.items():
            self.create(name)
            dev.client("ssm").put_parameter(
                Name=f"/{environment}/sqs/{key}", Value=self.urls[name], Type="String"
            )
        dev.client("ssm").put_parameter(
            Name=f"/{environment}/sqs/active", Value="true", Type="String"
        )
        policy = {
            "deadLetterTargetArn": self.arn(DEAD),
            "maxReceiveCount": MOST_RECEIPTS,
        }
        self.client.set_queue_attributes(
            QueueUrl=self.urls[REQUESTS], Attributes={"RedrivePolicy": json.dumps(policy)}
        )

    def arn(self, name: str) -> str:
        """The ARN of a queue."""
        return f"{ARN}:{self.environment}-{name}"

    def create(self, name: str) -> None:
        """Create a queue."""
        self.urls[name] = self.client.create_queue(QueueName=f"{self.environment}-{name}")[
            "QueueUrl"
        ]

    def send(self, name: str, body: str, **headers: str) -> None:
        """Send a message."""
        attributes = {
            key.replace("_", "-"): {"DataType": "String", "StringValue": value}
            for key, value in headers.items()
        }
        self.client.send_message(
            QueueUrl=self.urls[name], MessageBody=body, MessageAttributes=attributes
        )

    def waiting(self, name: str) -> int:
        """Count the messages that consumers may receive."""
        key = "ApproximateNumberOfMessages"
        answer = self.client.get_queue_attributes(QueueUrl=self.urls[name], AttributeNames=[key])
        return int(answer["Attributes"][key])

    def take(self, name: str) -> list[Any]:
        """Receive at most ten messages of a queue."""
        answer = self.client.receive_message(
            QueueUrl=self.urls[name],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        found: list[Any] = answer.get("Messages", [])
        return found

    def receipts(self, message: Any) -> int:
        """How often a message was received."""
        return int(message["Attributes"]["ApproximateReceiveCount"])

    def dead_letter(self, number: int, code: str = "INTERNAL_ERROR") -> None:
        """Send a dead letter."""
        self.send(
            DEAD,
            json.dumps({"requestId": f"req_{number}"}),
            x_gradectl_reason_code=code,
            x_gradectl_original_queue=REQUESTS,
        )
