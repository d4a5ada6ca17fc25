"""Checks that the HTTP API grades a program for a user with a key."""

from __future__ import annotations

import http.client
import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

from gradectl.errors import CheckFailedError, UnreachableError
from gradectl.smoke.check import Check
from gradectl.smoke.environment import PROGRAM, SmokeApi, SmokeJob
from gradectl.smoke.report import API, NOT_OBSERVABLE, PASSED
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.verdicts import Verdict

#: The longest that the API waits for a result.
_LONGEST_WAIT_SECONDS = 25.0
#: What an answer takes besides the wait for the result.
_ANSWER_SECONDS = 10.0


class ApiCheck(Check):
    """
    Runs one program by `POST /v1/run`.

    That takes load balancer, key, queue, bucket and database. An API that cannot be reached from
    here, such as one for the clients of a VPC only, is not observable.
    """

    name = API

    def _observe(self, deadline: float) -> tuple[str, str]:
        api = self._environment.api
        if api is None:
            return NOT_OBSERVABLE, "the environment has no HTTP API"
        if not api.url:
            return NOT_OBSERVABLE, "its URL is not known: web_domain_name is not set"
        job = self._make_job(REQUESTS_QUEUE, "api")
        wait = max(1.0, min(_LONGEST_WAIT_SECONDS, deadline - self._clock()))
        start = self._clock()
        with api.key() as key:
            try:
                answer = _run(api, key, job, wait)
            except UnreachableError as error:
                return NOT_OBSERVABLE, f"{api.url} cannot be reached from here: {error.what}"
        job.request_id = str(answer["requestId"])  # the API chooses it; the clean-up needs it
        job.sent = True
        if "result" not in answer:
            raise CheckFailedError(
                f"{api.url} accepted {job.request_id} and had no result after {wait:.0f} s:"
                f" {answer.get('status')} {answer.get('note') or ''}".rstrip()
            )
        job.finished = True
        verdict = answer["result"].get("verdict")
        if verdict != Verdict.ACCEPTED:
            raise CheckFailedError(f"{api.url} answered {verdict} instead of {Verdict.ACCEPTED}")
        return PASSED, f"{api.url} answered in {(self._clock() - start) * 1000:.0f} ms"


def _run(api: SmokeApi, key: str, job: SmokeJob, wait: float) -> dict[str, Any]:
    """Ask for a result; raises `CheckFailedError` for a refusal."""
    body = {
        "submission": {
            "problemId": job.problem_id,
            "language": "python",
            "source": PROGRAM.content.decode(),
        },
        "waitSeconds": wait,
    }
    request = urllib.request.Request(  # noqa: S310 - the URL of the environment
        f"{api.url}/v1/run",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=wait + _ANSWER_SECONDS) as answer:  # noqa: S310 - as above
            found: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        text = f"{api.url} refused it with {error.code}: {_detail(error)}"
        raise CheckFailedError(text) from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(str(error), where=api.url) from error
    except ValueError as error:
        raise CheckFailedError(f"{api.url} is not an API: it answered no JSON") from error
    return found


def _detail(error: HTTPError) -> str:
    """The detail of a problem document, or the reason of the status."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason
