"""Batches: many submissions in one call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from grader.api.auth import Caller
from grader.api.intake.dispatch import Dispatcher
from grader.api.intake.prepared import PreparedRequest, RequestFactory
from grader.api.models import Accepted, NewBatch
from grader.api.requests import Identity, check_webhook, identify, invalid, member_id
from grader.client.submission import RequestOptions


class Batches:
    """
    Takes batches.

    Args:
        check_webhook: Returns why a URL may not receive webhooks; empty if it may.
        factory: Makes requests of the submissions.
        dispatcher: Stores and sends.
    """

    def __init__(
        self, check_webhook: Callable[[str], str], factory: RequestFactory, dispatcher: Dispatcher
    ) -> None:
        self._check_webhook = check_webhook
        self._factory = factory
        self._dispatcher = dispatcher

    async def submit(
        self, caller: Caller, body: NewBatch, key: str | None
    ) -> tuple[str, list[Accepted]]:
        """
        Take a batch; returns its id, and its submissions in order.

        Args:
            caller: Who sends it.
            body: The batch.
            key: The header Idempotency-Key; None without one.

        Raises:
            ApiError: As `Intake.submit`; one invalid submission refuses the batch.
        """
        check_webhook(self._check_webhook, body.webhook_url)
        identity = identify(caller, key, body, "batch")
        members = await self._members(caller, body, identity)
        for queue, count in Counter(each.queue for each in members).items():
            await self._dispatcher.check_room(identity, queue, count)
        await self._dispatcher.record(identity, self._metadata(caller, identity, members))
        await asyncio.gather(*map(self._dispatcher.take, members))
        return identity.request_id, [Accepted.queued(each.identity.request_id) for each in members]

    async def _members(
        self, caller: Caller, body: NewBatch, identity: Identity
    ) -> list[PreparedRequest]:
        members = []
        for number, each in enumerate(body.submissions):
            prefix = f"submissions.{number}."
            if not each.has_program:
                raise invalid(f"{prefix}source", "a batch needs its programs in the request")
            if each.webhook_url is not None:
                raise invalid(f"{prefix}webhookUrl", "a batch has one webhookUrl, at the top")
            options = RequestOptions(
                each.stop_at_first_failure,
                body.webhook_url,
                identity.request_id,
                len(body.submissions),
            )
            mine = replace(identity, request_id=member_id(identity.request_id, number))
            members.append(await self._factory.submission(caller, each, mine, options, prefix))
        return members

    def _metadata(
        self, caller: Caller, identity: Identity, members: Sequence[PreparedRequest]
    ) -> dict[str, object]:
        listed = [
            {name: each.metadata[name] for name in ("requestId", "userId", "problemId", "language")}
            for each in members
        ]
        return {
            "requestId": identity.request_id,
            "timestamp": datetime.now(UTC).isoformat(),
            "members": listed,
            **self._factory.about(caller, caller.user_id or "", identity, ""),
        }
