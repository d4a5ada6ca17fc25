"""Takes one submission, or one run of a function."""

from __future__ import annotations

from collections.abc import Callable

from pydantic_core import PydanticSerializationError

from grader.api.auth import Caller
from grader.api.intake.dispatch import Dispatcher
from grader.api.intake.prepared import PreparedRequest, RequestFactory
from grader.api.intake.uploads import Uploads
from grader.api.models import Accepted, NewRun, NewSubmission
from grader.api.requests import check_input, check_webhook, identify, invalid
from grader.client.submission import RequestOptions


class Intake:
    """
    Takes requests.

    Args:
        check_webhook: Returns why a URL may not receive webhooks; empty if it may.
        factory: Makes requests of the bodies.
        dispatcher: Stores and sends.
        uploads: Submissions without their program.
    """

    def __init__(
        self,
        check_webhook: Callable[[str], str],
        factory: RequestFactory,
        dispatcher: Dispatcher,
        uploads: Uploads,
    ) -> None:
        self._check_webhook = check_webhook
        self._factory = factory
        self._dispatcher = dispatcher
        self._uploads = uploads

    async def submit(self, caller: Caller, body: NewSubmission, key: str | None) -> Accepted:
        """
        Take a submission.

        Args:
            caller: Who sends it.
            body: The submission.
            key: The header Idempotency-Key; None without one.

        Raises:
            ApiError: It is invalid, the queue is full, or a service is away.
        """
        check_webhook(self._check_webhook, body.webhook_url)
        identity = identify(caller, key, body)
        options = RequestOptions(body.stop_at_first_failure, body.webhook_url)
        if not body.has_program:
            upload = await self._factory.upload(caller, body, identity, options)
            return await self._uploads.begin(upload)
        return await self._take(await self._factory.submission(caller, body, identity, options))

    async def run(self, caller: Caller, body: NewRun, key: str | None) -> Accepted:
        """
        Take a run of a function, or a submission.

        Raises:
            ApiError: As `submit`.
        """
        if body.submission is not None and body.function_id is None:
            return await self._run_submission(caller, body, body.submission, key)
        if body.submission is not None or body.function_id is None:
            raise invalid("functionId", "send either functionId or submission")
        check_webhook(self._check_webhook, body.webhook_url)
        check_input(body.input_data)
        try:
            identity = identify(caller, key, body)
            prepared = self._factory.function(caller, body, body.function_id, identity)
            prepared.request.to_json()
        except PydanticSerializationError as error:
            raise invalid("inputData", "it is nested too deeply") from error
        return await self._take(prepared)

    async def _run_submission(
        self, caller: Caller, body: NewRun, submission: NewSubmission, key: str | None
    ) -> Accepted:
        if not submission.has_program:
            raise invalid("submission.source", "a run needs its program in the request")
        user_id = submission.user_id or body.user_id
        whole = submission.model_copy(
            update={"webhook_url": submission.webhook_url or body.webhook_url, "user_id": user_id}
        )
        return await self.submit(caller, whole, key)

    async def _take(self, prepared: PreparedRequest) -> Accepted:
        await self._dispatcher.check_room(prepared.identity, prepared.queue)
        await self._dispatcher.take(prepared)
        return Accepted.queued(prepared.identity.request_id)
