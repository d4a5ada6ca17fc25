"""Reads the state of queues of SQS: counters, redrive policies, and what CloudWatch knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.adapters.aws.state_models import SqsQueueState

_MISSING = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
#: SQS puts its metrics every minute, and some minutes late.
_METRIC_MINUTES = 10
_OLDEST = "ApproximateAgeOfOldestMessage"
_RECEIVES = ("NumberOfMessagesReceived", "NumberOfEmptyReceives")


class SqsStates:
    """
    States of queues of SQS; every call is a read.

    Args:
        client: Makes a boto3 client from the name of a service.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def read(
        self, urls: Mapping[str, str], now: datetime | None = None
    ) -> dict[str, SqsQueueState | None]:
        """
        Read the states of queues, with one call for each and one for their metrics.

        Args:
            urls: URL of each queue, by a name of the caller.
            now: End of the time whose metrics are read; this moment when absent.

        Returns:
            The states by the same names; None for a queue that does not exist.
        """
        found = {name: self._attributes(url) for name, url in urls.items()}
        names = {name: _name(urls[name]) for name, each in found.items() if each is not None}
        values = self._metrics(names, now or datetime.now(UTC)) if names else {}
        return {
            name: None if each is None else _state(names[name], each, values.get(name, {}))
            for name, each in found.items()
        }

    def _attributes(self, url: str) -> dict[str, str] | None:
        sqs = self._client("sqs")
        with translated(f"queue {_name(url)}"):
            try:
                answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise
        return dict(answer["Attributes"])

    def _metrics(
        self, names: Mapping[str, str], now: datetime
    ) -> dict[str, dict[str, list[float]]]:
        """Read the values of the last minutes by queue and metric, the latest first."""
        wanted = [(name, metric) for name in names for metric in (_OLDEST, *_RECEIVES)]
        queries = [
            _query(f"m{number}", names[name], metric)
            for number, (name, metric) in enumerate(wanted)
        ]
        with translated("CloudWatch"):
            answer = self._client("cloudwatch").get_metric_data(
                MetricDataQueries=queries,
                StartTime=now - timedelta(minutes=_METRIC_MINUTES),
                EndTime=now,
                ScanBy="TimestampDescending",
            )
        found: dict[str, dict[str, list[float]]] = {}
        for each in answer["MetricDataResults"]:
            name, metric = wanted[int(each["Id"][1:])]
            if each["Values"]:
                found.setdefault(name, {})[metric] = each["Values"]
        return found


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _query(query_id: str, queue: str, metric: str) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": metric,
                "Dimensions": [{"Name": "QueueName", "Value": queue}],
            },
            "Period": 60,
            "Stat": "Maximum" if metric == _OLDEST else "Sum",
        },
    }


def _state(
    name: str, attributes: Mapping[str, str], metrics: Mapping[str, list[float]]
) -> SqsQueueState:
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    visible, in_flight, delayed = (
        int(attributes.get(f"ApproximateNumberOfMessages{suffix}", 0))
        for suffix in ("", "NotVisible", "Delayed")
    )
    receives = [sum(metrics[each]) for each in _RECEIVES if each in metrics]
    return SqsQueueState(
        name=name,
        visible=visible,
        in_flight=in_flight,
        delayed=delayed,
        dead_letter_queue=str(policy.get("deadLetterTargetArn", "")).rpartition(":")[2],
        most_receives=int(policy.get("maxReceiveCount", 0)),
        oldest_seconds=metrics[_OLDEST][0] if _OLDEST in metrics else None,
        receives=int(sum(receives)) if receives else None,
    )
