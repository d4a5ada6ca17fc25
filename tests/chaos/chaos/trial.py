"""Injects one fault while requests are in flight, and counts what is left of them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from time import monotonic

from chaos.account import ACCEPTED, REJECTED, Account, Evidence, count
from chaos.dose import Dose
from chaos.faults import FAULTS, LASTING, OVER_HTTP, nothing
from chaos.results import WAIT_SECONDS
from chaos.site import BUCKET, PROBLEM, Site
from grader.client.client import send_request
from grader.contract.bucket import ObjectUrl, result_key, source_key
from grader.contract.messages import GradingRequest
from grader.contract.names import REQUESTS_QUEUE
from grader.errors import GraderError

_AGAIN_SECONDS = 0.2
#: One request of so many names a language that does not exist: its dead letter is meant.
_MEANT_EVERY = 50
_DONE_SHARE = 0.1
_CALLERS = 4


class Load:
    """
    Requests, each with an id of its own that a repetition keeps; the program is that of all.

    Args:
        site: The system.
        dose: Number and program of the requests.
    """

    def __init__(self, site: Site, dose: Dose) -> None:
        self._site = site
        self._stopping = threading.Event()
        trial = secrets.token_hex(4)
        ids = [f"chaos_{trial}_{number:03}" for number in range(dose.requests)]
        self.expected = {
            each: REJECTED if number % _MEANT_EVERY == 1 else ACCEPTED
            for number, each in enumerate(ids)
        }
        late = max(1, round(dose.requests * dose.late_share))
        self.early, self.late = ids[:-late], ids[-late:]
        key = source_key(f"chaos_{trial}", "py")
        site.store.put(key, dose.program.encode(), content_type="text/plain")
        self.prefix = result_key(f"chaos_{trial}_").partition("/result.json")[0]
        self._requests = {each: self._request(each, key) for each in ids}

    def submit(self, ids: Sequence[str]) -> None:
        """Send requests one after the other; each until it is confirmed, or `stop`."""
        for each in ids:
            deadline = monotonic() + WAIT_SECONDS
            while not self._sent(self._requests[each]):
                if self._stopping.wait(_AGAIN_SECONDS):
                    return
                assert monotonic() < deadline, f"the queue does not take request {each}"

    def stop(self) -> None:
        """Repeat no request any more."""
        self._stopping.set()

    def repeat(self) -> None:
        """Nothing: what the queue has confirmed is not sent again."""

    def answers(self) -> dict[str, str]:
        """Nothing: the HTTP API is not asked."""
        return {}

    def _request(self, request_id: str, key: str) -> GradingRequest:
        """Make a request for the one program: uploads of the web tier are not what is tried."""
        return GradingRequest(
            request_id=request_id,
            user_id="chaos",
            problem_id=PROBLEM,
            language="cobol" if self.expected[request_id] == REJECTED else "python",
            source_file=str(ObjectUrl(BUCKET, key)),
            time_limit=5000,
            memory_limit=256,
            timestamp=datetime.now(UTC),
        )

    def _sent(self, request: GradingRequest) -> bool:
        try:
            send_request(self._site.sender, REQUESTS_QUEUE, request)
        except GraderError:
            return False
        return True


class HttpLoad:
    """
    Submissions by the HTTP API, most of them during the fault; each has an Idempotency-Key.

    Args:
        site: The system.
        dose: Number and program of the submissions.
    """

    def __init__(self, site: Site, dose: Dose) -> None:
        site.web.start()
        self._web = site.web
        self._stopping = threading.Event()
        trial = secrets.token_hex(4)
        self._calls: dict[str, tuple[str, dict[str, str]]] = {}
        self.expected: dict[str, str] = {}
        for number in range(dose.requests):
            outcome = REJECTED if number % _MEANT_EVERY == 1 else ACCEPTED
            # The API knows C++, and these workers do not have it.
            language = "cpp" if outcome == REJECTED else "python"
            body = {"problemId": PROBLEM, "language": language, "source": dose.program}
            key = f"{trial}-{number:03}"
            request_id = site.web.id_of(key, body)
            self._calls[request_id] = (key, body)
            self.expected[request_id] = outcome
        ids = list(self._calls)
        early = max(1, round(dose.requests * _DONE_SHARE))
        self.early, self.late = ids[:early], ids[early:]
        self.prefix = result_key("req_").partition("/result.json")[0]

    def submit(self, ids: Sequence[str]) -> None:
        """Submit as several callers at once; each until it is answered, or `stop`."""
        with ThreadPoolExecutor(_CALLERS) as callers:
            list(callers.map(self._submit, ids))

    def stop(self) -> None:
        """Submit nothing more."""
        self._stopping.set()

    def repeat(self) -> None:
        """Submit everything once more with the same keys, as callers that saw no answer do."""
        self.submit(list(self._calls))

    def answers(self) -> dict[str, str]:
        """Ask for each submission."""
        with ThreadPoolExecutor(_CALLERS) as callers:
            return dict(zip(self._calls, callers.map(self._web.outcome, self._calls), strict=True))

    def _submit(self, request_id: str) -> None:
        if not self._stopping.is_set():
            answered = self._web.submit(*self._calls[request_id])
            assert answered == request_id, f"{answered} instead of {request_id}"


def run(site: Site, fault: str, dose: Dose) -> Account:
    """
    Submit requests, inject a fault, wait for the last result, and account for all.

    Args:
        site: The system; it is used again after the trial.
        fault: A name in `FAULTS`; any other name is the baseline.
        dose: How much.
    """
    load = HttpLoad(site, dose) if fault in OVER_HTTP else Load(site, dose)
    load.submit(load.early)
    site.results.await_some(load.expected, max(1, round(dose.requests * _DONE_SHARE)))
    late = threading.Thread(target=load.submit, args=(load.late,), name="late", daemon=True)
    began = monotonic()
    try:
        with FAULTS.get(fault, nothing)(site, dose) as met:
            late.start()
            met()
            if fault in LASTING:
                threading.Event().wait(dose.seconds)
        healed = monotonic()
        late.join(WAIT_SECONDS)
        load.repeat()
    finally:
        load.stop()
    site.results.await_some(load.expected, dose.requests)
    after = sorted(site.results.first_at[each] - healed for each in load.expected)
    return Account(
        fault=fault,
        lasted_seconds=healed - began,
        first_seconds=next((each for each in after if each > 0), 0.0),
        recovery_seconds=max(after[-1], 0.0),
        **asdict(count(load.expected, _evidence(site, load))),
    )


def _evidence(site: Site, load: Load | HttpLoad) -> Evidence:
    site.results.await_dead(
        [each for each, outcome in load.expected.items() if outcome != ACCEPTED]
    )
    ids = ", ".join(f"'{each}'" for each in load.expected)
    return Evidence(
        messages={each: site.results.bodies[each] for each in load.expected},
        rows=site.database.query(
            "SELECT request_id, attempts, COALESCE(verdict, error_code, status) FROM jobs"
            f" WHERE request_id IN ({ids})"
        ),
        stored=frozenset(each.key for each in site.store.list(load.prefix)),
        dead={each: why for each, why in site.results.dead.items() if each in load.expected},
        answers=load.answers(),
    )
