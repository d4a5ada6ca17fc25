"""The agent of ECS, next to a task: protects the task from being stopped by scale-in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from grader.errors import AccessError, TemporaryError

_TIMEOUT_SECONDS = 5.0
_LARGEST_ANSWER_BYTES = 65_536
_NOT_ALLOWED = "AccessDeniedException"
#: The agent has a link-local address, which no proxy reaches.
_OPENER = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class EcsAgent:
    """
    The agent of ECS, on Fargate and on instances.

    Args:
        uri: Value of `ECS_AGENT_URI`, which ECS sets in each container.
    """

    uri: str

    def protect(self, minutes: int) -> None:
        """Protect this task for some minutes; raises as `release`."""
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    def release(self) -> None:
        """
        End the protection of this task.

        Raises:
            AccessError: The role of the task may not do that.
            TemporaryError: The agent cannot be reached, or ECS refuses, as while it deploys.
        """
        self._put({"ProtectionEnabled": False})

    def _put(self, state: dict[str, object]) -> None:
        try:
            body, problem = self._exchange(state)
        except (OSError, HTTPException, ValueError) as error:
            hint = "the task stays unprotected; see the log of the ECS agent"
            raise TemporaryError(str(error), where=self.uri, next_step=hint) from error
        self._check(body, problem)

    def _exchange(self, state: dict[str, object]) -> tuple[bytes, str]:
        """Return the answer and its bad status, if it has one; reading either may fail."""
        url = f"{self.uri.rstrip('/')}/task-protection/v1/state"
        headers = {"Content-Type": "application/json"}
        request = Request(url, json.dumps(state).encode(), headers, method="PUT")  # noqa: S310 - ECS sets the address
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return answer.read(_LARGEST_ANSWER_BYTES), ""
        except HTTPError as error:
            with error:
                return error.read(_LARGEST_ANSWER_BYTES), f"HTTP status {error.code}"

    def _check(self, body: bytes, problem: str) -> None:
        """Raise the reason in an answer; ECS refuses with status 200 too."""
        reason = _reason(body) or problem
        if not reason:
            return
        if _NOT_ALLOWED in reason:
            hint = (
                "allow it with enable_ecs_task_protection (module: service.allow_task_protection)"
            )
            raise AccessError(reason, where=self.uri, next_step=hint)
        hint = "it is tried again; jobs that SIGTERM interrupts are given back"
        raise TemporaryError(reason, where=self.uri, next_step=hint)


def _reason(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    for key in ("failure", "error"):
        found = answer.get(key) if isinstance(answer, dict) else None
        if isinstance(found, dict):
            words = (
                found.get("Code") or found.get("Reason"),
                found.get("Message") or found.get("Detail"),
            )
            return ": ".join(str(word) for word in words if word) or key
    return ""
