"""Errors of SQS that moto 5.2 lacks, with the codes and the words of AWS."""

from __future__ import annotations

from moto.sqs.exceptions import InvalidParameterValue, SQSException

#: Visibility of a message from its receive on.
MAX_VISIBILITY_SECONDS = 43_200
#: Characters of a body and of the text of an attribute.
ALLOWED_CHARACTERS = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"


class InvalidMessageContentsError(SQSException):
    """A character that a body must not have."""

    def __init__(self) -> None:
        super().__init__(
            "InvalidMessageContents",
            f"Invalid characters found. Valid unicode characters are {ALLOWED_CHARACTERS}",
        )


class GoneError(InvalidParameterValue):
    """The message of a receipt handle was deleted, or has been received again."""

    def __init__(self, handle: str) -> None:
        super().__init__(
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not"
            " exist or is not available for visibility timeout change."
        )


class NotInFlightError(SQSException):
    """The visibility of a receipt handle has ended."""

    def __init__(self, handle: str) -> None:
        super().__init__(
            "MessageNotInflight",
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message is not in"
            " flight.",
        )


class TooLongError(InvalidParameterValue):
    """A visibility that ends later than 12 h after the receive."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"Value {seconds:.0f} for parameter VisibilityTimeout is invalid. Reason: Total"
            " VisibilityTimeout for the message is beyond the limit"
            f" [{MAX_VISIBILITY_SECONDS} seconds]"
        )


class ResourceNotFoundError(SQSException):
    """A queue or a task that does not exist."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", message)
