"""Tries one fault on requests in flight, and accounts for every request afterwards."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from chaos.faults import FAULTS, nothing
from chaos.site import BUCKET, PROBLEM, Site
from grader.client import Limits, Source
from grader.client.client import send_request
from grader.client.results import stored_result
from grader.client.submission import make_request
from grader.contract.messages import GradingRequest, GradingResult
from grader.contract.names import DEAD_LETTER_QUEUE, REQUESTS_QUEUE
from grader.errors import GraderError

_AGAIN_SECONDS = 0.2
#: One request of so many names a language that does not exist: its dead letter is meant.
_MEANT_EVERY = 50
_LATE_SHARE = 0.1
_DONE_SHARE = 0.1
_ACCEPTED, _REJECTED = "AC", "UNKNOWN_LANGUAGE"


@dataclass(frozen=True)
class Dose:
    """
    How much of a fault, and on how many requests.

    Args:
        requests: Number of requests.
        late_share: Part of them that is submitted while the fault lasts.
        rounds: Repetitions of faults that last no time, such as a kill.
        seconds: How long the others last after the workers have met them.
        program_seconds: How long each submitted program sleeps.
    """

    requests: int
    late_share: float = _LATE_SHARE
    rounds: int = 3
    seconds: float = 10.0
    program_seconds: float = 0.0

    @property
    def program(self) -> str:
        """The submitted program."""
        return f"from time import sleep\nsleep({self.program_seconds})\nprint(2 * int(input()))\n"


@dataclass
class Account:
    """
    Where the requests of a trial ended.

    Args:
        fault: Name of the fault.
        requests: Number of requests.
        results: Requests with a result message.
        repeated: Result messages beyond the first of each request.
        rows: Rows of the requests.
        duplicate_rows: Rows beyond the first of each request.
        graded_again: Requests with more than one attempt.
        dead_letters: Dead letters of the requests.
        lasted_seconds: How long the fault lasted.
        first_seconds: From the end of the fault to the next result.
        recovery_seconds: From the end of the fault to the last result.
        deviations: Everything that must not be.
    """

    fault: str
    requests: int
    results: int = 0
    repeated: int = 0
    rows: int = 0
    duplicate_rows: int = 0
    graded_again: int = 0
    dead_letters: int = 0
    lasted_seconds: float = 0.0
    first_seconds: float = 0.0
    recovery_seconds: float = 0.0
    deviations: list[str] = field(default_factory=list)


class Load:
    """
    Requests, each with an id of its own that a repetition keeps; the programs are uploaded at once.

    Args:
        site: The system.
        dose: Number and program of the requests.
    """

    def __init__(self, site: Site, dose: Dose) -> None:
        self._site = site
        trial = secrets.token_hex(4)
        ids = [f"chaos_{trial}_{number:03}" for number in range(dose.requests)]
        self.expected = {
            each: _REJECTED if number % _MEANT_EVERY == 1 else _ACCEPTED
            for number, each in enumerate(ids)
        }
        late = max(1, round(dose.requests * dose.late_share))
        self.early, self.late = ids[:-late], ids[-late:]
        self._requests = {each: self._upload(each, dose.program) for each in ids}

    def submit(self, ids: Sequence[str]) -> None:
        """Send requests one after the other; each until the broker has confirmed it."""
        for each in ids:
            while not self._sent(self._requests[each]):
                threading.Event().wait(_AGAIN_SECONDS)

    def _upload(self, request_id: str, program: str) -> GradingRequest:
        source = Source("solution.py", program.encode())
        request = make_request(
            bucket=BUCKET,
            problem_id=PROBLEM,
            language="cobol" if self.expected[request_id] == _REJECTED else "python",
            source=source,
            limits=Limits(),
            user_id="chaos",
            request_id=request_id,
        )
        key = request.source_url(BUCKET).key
        self._site.store.put(key, source.content, content_type="text/plain")
        return request

    def _sent(self, request: GradingRequest) -> bool:
        try:
            send_request(self._site.sender, REQUESTS_QUEUE, request)
        except GraderError:
            return False
        return True


def run(site: Site, fault: str, dose: Dose) -> Account:
    """
    Submit requests, inject a fault, wait for the last result, and account for all.

    Args:
        site: The system; it is used again after the trial.
        fault: A name in `FAULTS`; any other name is the baseline.
        dose: How much.
    """
    load = Load(site, dose)
    load.submit(load.early)
    site.results.await_some(load.expected, max(1, round(dose.requests * _DONE_SHARE)))
    late = threading.Thread(target=load.submit, args=(load.late,), name="late")
    began = monotonic()
    with FAULTS.get(fault, nothing)(site, dose.rounds) as met:
        late.start()
        met()
        if fault in FAULTS:
            threading.Event().wait(dose.seconds)
    healed = monotonic()
    late.join()
    site.results.await_some(load.expected, dose.requests)
    account = Account(fault, dose.requests, lasted_seconds=healed - began)
    after = sorted(site.results.first_at[each] - healed for each in load.expected)
    account.recovery_seconds = max(after[-1], 0.0)
    account.first_seconds = next((each for each in after if each > 0), 0.0)
    _count(site, load, account)
    return account


def _count(site: Site, load: Load, account: Account) -> None:
    meant = {each for each, expected in load.expected.items() if expected == _REJECTED}
    site.results.await_dead(meant)
    bodies = {each: site.results.bodies[each] for each in load.expected}
    account.results = sum(bool(each) for each in bodies.values())
    account.repeated = sum(len(each) - 1 for each in bodies.values() if each)
    _count_rows(site, load, account)
    dead = set(site.results.dead) & set(load.expected)
    account.dead_letters = len(dead)
    account.deviations += [
        *_wrong_results(site, load, bodies),
        *(f"{each}: on {DEAD_LETTER_QUEUE}: {site.results.dead[each]}" for each in dead - meant),
        *(f"{each}: not on {DEAD_LETTER_QUEUE}" for each in meant - dead),
    ]


def _count_rows(site: Site, load: Load, account: Account) -> None:
    ids = ", ".join(f"'{each}'" for each in load.expected)
    rows = site.database.query(
        f"SELECT request_id, status, attempts FROM jobs WHERE request_id IN ({ids})"
    )
    account.rows = len(rows)
    account.duplicate_rows = len(rows) - len({row[0] for row in rows})
    account.graded_again = sum(int(str(row[2])) > 1 for row in rows)
    if len(rows) != account.requests or account.duplicate_rows:
        account.deviations.append(f"{len(rows)} rows, {account.duplicate_rows} of them duplicates")
    account.deviations += [f"{row[0]}: {row[1]}" for row in rows if row[1] == "running"]


def _wrong_results(site: Site, load: Load, bodies: dict[str, list[bytes]]) -> list[str]:
    """Compare each result message, and the stored result, with what the program deserves."""
    wrong = []
    for request_id, expected in load.expected.items():
        found = {_outcome(GradingResult.from_json(body)) for body in bodies[request_id]}
        stored = stored_result(site.store, request_id)
        found.add(_outcome(stored) if stored else f"nothing in {BUCKET}")
        if found != {expected}:
            wrong.append(f"{request_id}: {sorted(found)} instead of {expected}")
    return wrong


def _outcome(result: GradingResult) -> str:
    if result.error is not None:
        return str(result.error.code)
    return str(result.result.verdict) if result.result else "nothing"
