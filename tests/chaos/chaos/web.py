"""The HTTP API of a trial, and a client that repeats each call until it is answered."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from chaos.workers import API, WAIT_SECONDS, Workers
from grader.api.auth import Caller
from grader.api.models import NewSubmission
from grader.api.requests import identify
from grader.contract.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKeyRecord,
    Scope,
    format_key,
    hash_secret,
)

_USER = "chaos"
_SCOPES = frozenset({Scope.SUBMIT, Scope.READ_OWN})
_AGAIN_SECONDS = 0.1
_CALL_SECONDS = 60.0
_OK, _ACCEPTED, _BUSY = 200, 202, 429
_UNLIMITED = 1_000_000


def _caller(key_id: str, secret: str = "") -> Caller:
    """Return who calls, as the API sees it."""
    return Caller(key_id, _USER, _SCOPES, "chaos", _UNLIMITED, _UNLIMITED, id_secret=secret)


class WebTier:
    """
    Two processes of the API, started when they are first needed.

    Args:
        environment: Their environment variables.
        log_file: Receives their log lines.
        set_parameter: Writes a parameter.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        log_file: Path,
        set_parameter: Callable[[str, str], None],
    ) -> None:
        self.processes = Workers(environment, log_file, API)
        self.failed_calls = 0
        self._set_parameter = set_parameter
        self._key = ""
        self._caller = _caller("")
        self._changed = threading.Condition()

    def start(self) -> None:
        """Make a key and start both, unless they run."""
        if self._key:
            return
        key_id, secret, self._key = format_key(
            secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES)
        )
        record = ApiKeyRecord(
            hash=hash_secret(secret),
            name="chaos",
            user_id=_USER,
            scopes=_SCOPES,
            rate_per_minute=_UNLIMITED,
            concurrency=_UNLIMITED,
            created_at=datetime.now(UTC),
        )
        self._set_parameter(f"api-keys/{key_id}", record.to_json().decode())
        self._caller = _caller(key_id, record.hash)
        self.processes.start()

    def stop(self) -> None:
        """End both for good."""
        if self._key:
            self.processes.stop()

    def id_of(self, idempotency_key: str, body: Mapping[str, Any]) -> str:
        """Return the id that the API gives a submission with this key."""
        submission = NewSubmission.model_validate(body)
        return identify(self._caller, idempotency_key, submission).request_id

    def submit(self, idempotency_key: str, body: Mapping[str, Any]) -> str:
        """Submit, again and again until the API has taken it; returns its id."""
        headers = {"Idempotency-Key": idempotency_key}
        answer = self._answer("POST", "/v1/submissions", _ACCEPTED, json.dumps(body), headers)
        return str(answer["requestId"])

    def outcome(self, request_id: str) -> str:
        """Ask for the verdict of a submission, or the code of its error."""
        found = self._answer("GET", f"/v1/submissions/{request_id}", _OK)
        result, error = found.get("result") or {}, found.get("error") or {}
        return str(result.get("verdict") or error.get("code") or found["status"])

    def expect_failed(self, count: int = 1) -> Callable[[], None]:
        """Return a function that waits until `count` more calls were broken off or refused."""
        target = self.failed_calls + count

        def wait() -> None:
            with self._changed:
                assert self._changed.wait_for(lambda: self.failed_calls >= target, WAIT_SECONDS)

        return wait

    def _answer(
        self,
        method: str,
        path: str,
        status: int,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        deadline = monotonic() + WAIT_SECONDS
        pause = threading.Event()
        while True:
            try:
                found, document = self._call(method, path, body, headers or {})
            except (OSError, http.client.HTTPException) as error:
                self._count_failed()
                found, document = 0, {"error": repr(error)}
            if found == status:
                return document
            repeated = found in (0, _BUSY) or found >= http.client.INTERNAL_SERVER_ERROR
            assert repeated, (found, document)
            assert monotonic() < deadline, (found, document)
            pause.wait(_AGAIN_SECONDS)

    def _call(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        port = random.choice(self.processes.ports)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_CALL_SECONDS)
        sent = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, {**sent, **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def _count_failed(self) -> None:
        with self._changed:
            self.failed_calls += 1
            self._changed.notify_all()
