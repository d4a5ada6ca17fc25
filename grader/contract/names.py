"""Names of queues, headers and parameters, fixed for producers, workers and operators."""

from __future__ import annotations

from enum import StrEnum

REQUESTS_QUEUE = "grading-requests"
PRIORITY_QUEUE = "grading-priority"
RESULTS_QUEUE = "grading-results"
DEAD_LETTER_QUEUE = "grading-dlq"
QUEUES = (REQUESTS_QUEUE, PRIORITY_QUEUE, RESULTS_QUEUE, DEAD_LETTER_QUEUE)

#: First message id of a request; copies keep it.
ORIGINAL_ID_HEADER = "x-gradectl-original-id"
#: Queue that a retried or dead-lettered message came from.
ORIGINAL_QUEUE_HEADER = "x-gradectl-original-queue"
#: Error code of a dead-lettered message (`ErrorCode`).
REASON_CODE_HEADER = "x-gradectl-reason-code"
#: The reason as a sentence; of a retried message, why its last attempt failed.
REASON_HEADER = "x-gradectl-reason"
#: Expiry of a retried message, Unix milliseconds; the broker would drop the copy without a result.
EXPIRES_HEADER = "x-gradectl-expires"
#: When a worker first copied the request, for another attempt or as a dead letter (RFC 3339).
FIRST_SEEN_HEADER = "x-gradectl-first-seen"
#: Attempts made when the message was copied.
ATTEMPT_HEADER = "x-gradectl-attempt"
#: How often a dead letter was put back into a request queue.
REDRIVES_HEADER = "x-gradectl-redrives"
#: Name of the rejudging that a request belongs to; see `grader.contract.rejudging`.
REJUDGING_HEADER = "x-gradectl-rejudging"


class TransportName(StrEnum):
    """What carries the messages of an environment."""

    ACTIVEMQ = "activemq"
    SQS = "sqs"


def parameter_name(environment: str, part: str, key: str) -> str:
    """Name of an SSM parameter, `/<environment>/<part>/<key>`."""
    return f"/{environment}/{part}/{key}"
