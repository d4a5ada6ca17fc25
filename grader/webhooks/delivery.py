"""One attempt to deliver a webhook: judge, resolve, judge again, sign, send."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from grader.errors import ConnectionLostError, TemporaryError, TrustError
from grader.ports.results import Answer, SignedPost, WebhookClient
from grader.webhooks.guard import HostRules, parse_target
from grader.webhooks.signing import Keys

ATTEMPT_SECONDS = 15.0
_MOST_ADDRESSES = 3
_SUCCESS = range(200, 300)
_REDIRECT = range(300, 400)
_GONE = 410
_USER_AGENT = "gradectl-webhooks/1"
_LONGEST_REASON = 400

Sign = Callable[[Sequence[str], str, datetime, bytes], Mapping[str, str]]


@dataclass(frozen=True)
class Attempt:
    """
    The result of an attempt.

    Args:
        reason: Why it failed; empty if it succeeded.
        is_final: No other attempt is made.
        retry_after: What the receiver asks for.
        seconds: How long it took.
        address: The address that was connected to, if any.
        status: Status code of the answer, if any.
    """

    reason: str = ""
    is_final: bool = False
    retry_after: timedelta | None = None
    seconds: float = 0.0
    address: str = ""
    status: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether the receiver has accepted the webhook."""
        return not self.reason


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Deliverer:
    """
    Makes attempts; thread-safe.

    Args:
        client: Sends over HTTPS.
        rules: The hosts that may receive webhooks.
        sign: Makes the headers of the signature: secrets, id, time, body.
        clock: Current time, UTC: part of the signature.
        seconds: For resolving, connecting, sending and reading together.
    """

    client: WebhookClient
    rules: HostRules
    sign: Sign
    clock: Callable[[], datetime] = _now
    seconds: float = ATTEMPT_SECONDS

    def attempt(self, delivery_id: str, url: str, body: bytes, keys: Keys) -> Attempt:
        """
        Make one attempt.

        Args:
            delivery_id: The header `webhook-id`.
            url: Where it goes.
            body: What is sent.
            keys: Secrets and headers.
        """
        started = time.monotonic()
        found = self._attempt(delivery_id, url, body, keys, started + self.seconds)
        return replace(found, seconds=time.monotonic() - started)

    def _attempt(
        self, delivery_id: str, url: str, body: bytes, keys: Keys, deadline: float
    ) -> Attempt:
        target = parse_target(url)
        if isinstance(target, str):
            return Attempt(target, is_final=True)
        if refusal := self.rules.refusal_of_host(target.host):
            return Attempt(refusal, is_final=True)
        try:
            addresses = self.client.resolve(target.host, target.port)
        except TemporaryError as error:
            return Attempt(str(error))
        if refusal := self.rules.refusal_of_addresses(target.host, addresses):
            return Attempt(refusal)
        headers = {
            **keys.headers_of(target.host),
            "Host": target.authority,
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            **self.sign(keys.secrets, delivery_id, self.clock(), body),
        }
        requests = [
            SignedPost(target.host, address, target.port, target.path, headers, body)
            for address in addresses[:_MOST_ADDRESSES]
        ]
        return self._post(requests, deadline)

    def _post(self, requests: Sequence[SignedPost], deadline: float) -> Attempt:
        """Post to the first address that can be connected to."""
        found = Attempt("no address")
        for request in requests:
            try:
                answer = self.client.post(request, deadline)
            except ConnectionLostError as error:
                found = Attempt(str(error), address=request.address)
            except (TemporaryError, TrustError) as error:
                return Attempt(str(error), address=request.address)
            else:
                return _judged(answer, request.address, self.clock())
        return found


def _judged(answer: Answer, address: str, now: datetime) -> Attempt:
    status = answer.status
    if status in _SUCCESS:
        return Attempt(address=address, status=status)
    reason = f"HTTP {status}"
    if status in _REDIRECT:
        reason += ", and redirects are not followed: use the final URL"
    elif status == _GONE:
        reason += ", the receiver wants no more"
    printable = "".join(char if char.isprintable() else " " for char in answer.excerpt)
    excerpt = " ".join(printable.split())
    reason += f": {excerpt}" if excerpt else ""
    return Attempt(
        reason[:_LONGEST_REASON],
        is_final=status == _GONE,
        retry_after=_retry_after(answer.retry_after, now),
        address=address,
        status=status,
    )


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """Read seconds or a date; None for anything else, or a time that is over."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    try:
        moment = parsedate_to_datetime(text)
        return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta())
    except (ValueError, TypeError, OverflowError):
        return None
