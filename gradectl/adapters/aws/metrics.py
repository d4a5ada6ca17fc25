"""CloudWatch metrics of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gradectl.adapters.aws.errors import translated


@dataclass(frozen=True)
class Datum:
    """A value of a metric without dimensions; `unit` is one of CloudWatch, such as `Count`."""

    name: str
    value: float
    unit: str
    at: datetime


class Metrics:
    """
    CloudWatch.

    Args:
        client: A boto3 client of `cloudwatch`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def put(self, namespace: str, data: Sequence[Datum]) -> None:
        """Put values into a namespace, with one call."""
        values = [
            {"MetricName": each.name, "Value": each.value, "Unit": each.unit, "Timestamp": each.at}
            for each in data
        ]
        with translated(f"CloudWatch namespace {namespace}"):
            self._client.put_metric_data(Namespace=namespace, MetricData=values)
