"""Whether the workers of an environment are paused; a parameter in SSM says since when."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from gradectl.adapters.aws.account import Aws
from gradectl.errors import GradectlError
from grader.contract.names import parameter_name


@dataclass(frozen=True)
class PauseRecord:
    """
    Since when the workers are paused.

    Attributes:
        since: RFC 3339.
        by: ARN of the caller.
        desired: Desired number of workers before.
    """

    since: str
    by: str
    desired: int

    def __str__(self) -> str:
        """Say since when, and by whom."""
        moment = datetime.fromisoformat(self.since)
        return f"paused since {moment:%Y-%m-%d %H:%M} UTC by {self.by.rpartition(':')[2]}"

    def to_json(self) -> str:
        """Encode for the parameter."""
        return json.dumps(asdict(self))


def pause_parameter(environment: str) -> str:
    """Name of the parameter that exists while an environment is paused."""
    return parameter_name(environment, "queue", "paused")


def pause_text(aws: Aws, environment: str) -> str:
    """Say since when the workers are paused; empty if they are not, or if it cannot be read."""
    try:
        record = read_pause(aws, environment)
    except GradectlError:  # a reader of queues may lack the right to this parameter
        return ""
    return str(record) if record else ""


def read_pause(aws: Aws, environment: str) -> PauseRecord | None:
    """
    Read since when the workers are paused; None if they are not.

    Raises:
        GradectlError: The parameter is not what `PauseRecord.to_json` writes.
    """
    name = pause_parameter(environment)
    text = aws.parameters_if_any([name]).get(name)
    if text is None:
        return None
    try:
        record = PauseRecord(**json.loads(text))
        datetime.fromisoformat(record.since)
        return PauseRecord(record.since, str(record.by), int(str(record.desired)))
    except (TypeError, ValueError):
        what = "the record of a pause is malformed"
        hint = (
            f"aws ssm delete-parameter --name {name}; then: gradectl queue pause -e {environment}"
        )
        raise GradectlError(what, where=name, next_step=hint) from None
