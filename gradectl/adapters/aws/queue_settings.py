"""SQS: the settings of queues."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.models import QueueNode

_ABSENT = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class QueueSettings:
    """
    SQS; every call is a read.

    Args:
        client: A boto3 client of `sqs`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def find(self, arn: str) -> QueueNode | None:
        """
        Read the settings of a queue, also of another account.

        Args:
            arn: Its ARN.

        Returns:
            None when it does not exist; SQS says the same of a queue of another account that does
            not allow the call.
        """
        *_, account, name = arn.split(":")
        with translated(f"queue {name}"):
            try:
                url = self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
                answer = self._client.get_queue_attributes(
                    QueueUrl=url["QueueUrl"], AttributeNames=["All"]
                )
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        values = answer.get("Attributes", {})
        redrive = json.loads(values.get("RedrivePolicy") or "{}")
        return QueueNode(
            url=str(url["QueueUrl"]),
            kms_key=str(values.get("KmsMasterKeyId") or ""),
            sse=values.get("SqsManagedSseEnabled") == "true",
            dead_letter_arn=str(redrive.get("deadLetterTargetArn") or ""),
            max_receives=int(redrive.get("maxReceiveCount") or 0),
        )
