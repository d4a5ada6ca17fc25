"""
Who calls, and what they may do.

`require` is the dependency of each endpoint. The `Gate` of the application checks the credentials
and the limits of the key: before the body is read where `grader.api.protection` is in front.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request
from starlette.requests import HTTPConnection

from grader.api.auth.rates import RateState
from grader.api.errors import ApiError, Kind
from grader.contract.api_keys import Scope

__all__ = ["READ", "Caller", "Gate", "Scope", "require"]

#: Either scope allows to read; which submissions, decides `Caller.may_see`.
READ = (Scope.READ_OWN, Scope.READ_ALL)


@dataclass(frozen=True)
class Caller:
    """
    Who calls.

    Args:
        key_id: Id of the API key, or the issuer and subject of a token.
        user_id: The user whose submissions these are; None for a service, which names the user.
        scopes: What it may do.
        name: Name of the key, for people.
        rate_per_minute: Calls that it may make a minute.
        concurrency: Calls that it may have open.
        id_secret: Makes the ids of its requests that follow from an Idempotency-Key unguessable:
            the stored hash of an API key. Empty for a token: all that it has is the user's name.
    """

    key_id: str
    user_id: str | None
    scopes: frozenset[Scope]
    name: str
    rate_per_minute: int
    concurrency: int
    id_secret: str = field(default="", repr=False)

    def has(self, *scopes: Scope) -> bool:
        """Whether it has one of these scopes."""
        return not self.scopes.isdisjoint(scopes)

    @property
    def may_use_priority(self) -> bool:
        """Whether it may use the urgent queue: a service, or an operator; a user may not."""
        return self.user_id is None or Scope.ADMIN in self.scopes

    def may_see(self, user_id: str) -> bool:
        """Whether it may read the submissions of a user."""
        if Scope.READ_ALL in self.scopes:
            return True
        return Scope.READ_OWN in self.scopes and user_id == self.user_id


class Gate(Protocol):
    """Lets calls in."""

    def admit(self, call: HTTPConnection) -> AbstractAsyncContextManager[Caller]:
        """
        Check the credentials of a call and its limits; the block is the duration of the call.

        Raises:
            ApiError: 401 without valid credentials, 429 above a limit, 503 if they cannot be
                checked.
        """
        ...

    def charge(self, caller: Caller, cost: int) -> RateState:
        """
        Count more calls of an admitted caller, such as the submissions of a batch.

        Raises:
            ApiError: 429 above the rate of the caller; nothing was counted.
        """
        ...


def require(*scopes: Scope) -> Callable[[Request], AsyncIterator[Caller]]:
    """
    Make the dependency of an endpoint: the caller, who has one of these scopes.

    Without scopes any valid key will do. The call counts against the concurrency of the key until
    the answer is sent.
    """

    async def caller(request: Request) -> AsyncIterator[Caller]:
        async with _admitted(request) as found:
            if scopes and not found.has(*scopes):
                needed = " or ".join(scopes)
                raise ApiError(
                    Kind.FORBIDDEN,
                    f"the key has not the scope {needed}",
                    next_step="use another key, or ask an operator for one with this scope",
                )
            yield found

    return caller


@asynccontextmanager
async def _admitted(request: Request) -> AsyncIterator[Caller]:
    """Return the caller that was let in already, or ask the gate."""
    known = request.scope.get("caller")
    if isinstance(known, Caller):
        yield known
        return
    gate: Gate = request.app.state.gate
    async with gate.admit(request) as found:
        yield found
