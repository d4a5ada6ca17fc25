"""
Answers a repeated API call as the first time.

A client whose connection broke sends its call again, with the same invocation id and a higher
attempt number. The API may have done it already: a create would find its own object, and a delete
would find nothing.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
#: A WSGI application.
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Answers kept; a repetition follows its call within seconds.
KEPT_ANSWERS = 500
_ATTEMPT = re.compile(r"attempt=(\d+)")


def attempt_number(header: str) -> int:
    """Return the attempt that an `Amz-Sdk-Request` header tells; 1 without one."""
    found = _ATTEMPT.search(header)
    return int(found[1]) if found else 1


def answer_repeated_calls(application: Application) -> Application:
    """
    Give the kept answer to a repetition of a call that succeeded.

    A call that failed is done again when it is repeated. Not thread-safe.

    Args:
        application: The WSGI application to wrap; its answers must be small.
    """
    answers: OrderedDict[str, tuple[str, list[tuple[str, str]], bytes]] = OrderedDict()

    def wrapped(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        if invocation in answers:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            status, headers, body = answers[invocation]
            start_response(status, headers)
            return [body]
        heads: list[tuple[str, list[tuple[str, str]]]] = []

        def keep_head(status: str, headers: list[tuple[str, str]], *error: object) -> object:
            heads.append((status, list(headers)))
            return start_response(status, headers, *error)

        body = b"".join(application(environ, keep_head))
        if invocation and heads[-1][0].startswith("2"):
            answers[invocation] = (*heads[-1], body)
            if len(answers) > KEPT_ANSWERS:
                answers.popitem(last=False)
        return [body]

    return wrapped
