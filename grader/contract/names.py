"""Queues, headers and parameter names that are fixed between producers, workers and operators."""

from __future__ import annotations

REQUESTS_QUEUE = "grading-requests"
PRIORITY_QUEUE = "grading-priority"
RESULTS_QUEUE = "grading-results"
DEAD_LETTER_QUEUE = "grading-dlq"
QUEUES = (REQUESTS_QUEUE, PRIORITY_QUEUE, RESULTS_QUEUE, DEAD_LETTER_QUEUE)

#: Identity of a request message that survives a copy: the first message id it had.
ORIGINAL_ID_HEADER = "x-gradectl-original-id"
#: Queue that a retried or dead-lettered message came from.
ORIGINAL_QUEUE_HEADER = "x-gradectl-original-queue"
#: Stable word for why a message was dead-lettered (`ErrorCode`).
REASON_CODE_HEADER = "x-gradectl-reason-code"
#: The same in a sentence.
REASON_HEADER = "x-gradectl-reason"
#: Attempts made when the message was copied.
ATTEMPT_HEADER = "x-gradectl-attempt"


def parameter_name(environment: str, part: str, key: str) -> str:
    """Name of an SSM parameter, `/<environment>/<part>/<key>`."""
    return f"/{environment}/{part}/{key}"
