"""Selects messages of a queue by id, age, reason, and an expression over headers and body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from gradectl.errors import UsageError
from gradectl.queues.message_view import MessageView, decoded
from grader.ports.messages import QueuedMessage

_FALSE: tuple[object, ...] = (None, False, "", [], {})


@dataclass(frozen=True)
class Selection:
    """
    Which messages of a queue a command takes; everything given must hold.

    Args:
        ids: Message ids; empty for any.
        where: A JMESPath expression over `described`; empty for any.
        older_than_seconds: Smallest age; None for any.
        reasons: Reason codes of dead letters; empty for any.
        most: At most so many, the oldest first.
    """

    ids: frozenset[str] = field(default_factory=frozenset)
    where: str = ""
    older_than_seconds: float | None = None
    reasons: frozenset[str] = field(default_factory=frozenset)
    most: int | None = None

    @property
    def everything(self) -> bool:
        """True if it takes all messages."""
        return self == Selection()

    def pick(self, messages: Sequence[QueuedMessage], now_ms: int) -> list[QueuedMessage]:
        """
        Pick from the messages of a queue, the oldest first.

        Args:
            messages: In the order of their times.
            now_ms: The time of the broker's clock.

        Raises:
            UsageError: The expression is not valid JMESPath, or fails for a message.
        """
        holds = condition(self.where)
        picked = (
            each
            for each in messages
            if self._takes(each, MessageView.of(each, now_ms)) and holds(each, now_ms)
        )
        return list(islice(picked, self.most))

    def _takes(self, message: QueuedMessage, view: MessageView) -> bool:
        """Whether id, age and reason fit."""
        return (
            (not self.ids or message.message_id in self.ids)
            and view.age_seconds >= (self.older_than_seconds or 0.0)
            and (not self.reasons or view.reason_code in self.reasons)
        )


def condition(where: str) -> Callable[[QueuedMessage, int], bool]:
    """
    Return a function that evaluates a JMESPath expression on a message, at a time of the broker.

    Args:
        where: The expression over `described`; empty for one that always holds.

    Raises:
        UsageError: It is not valid JMESPath; the function raises it if it fails for a message.
    """
    if not where:
        return lambda _message, _now_ms: True
    expression = _compiled(where)
    return lambda message, now_ms: _holds(expression, where, message, now_ms)


def described(message: QueuedMessage, now_ms: int) -> dict[str, Any]:
    """Return the document that an expression is evaluated on."""
    view = asdict(MessageView.of(message, now_ms))
    return {**view, "headers": dict(message.headers), "body": decoded(message.body).content}


def _compiled(where: str) -> Any:  # noqa: ANN401 - jmespath has no types
    try:
        return jmespath.compile(where)
    except JMESPathError as error:
        raise _invalid(where, error) from error


def _holds(expression: Any, where: str, message: QueuedMessage, now_ms: int) -> bool:  # noqa: ANN401 - jmespath has no types
    try:
        return expression.search(described(message, now_ms)) not in _FALSE
    except JMESPathError as error:
        raise _invalid(where, error) from error


def _invalid(where: str, error: JMESPathError) -> UsageError:
    """Return the error for an expression, in one line."""
    text = " ".join(str(error).split())
    return UsageError(
        f"not a valid expression: {text}",
        where=f"--where {where!r}",
        next_step="write it in JMESPath, such as: reason_code == 'INTERNAL_ERROR' &&"
        " body.language == 'python'",
    )
