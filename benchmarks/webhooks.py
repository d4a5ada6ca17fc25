"""
Webhooks: how many a sender delivers, and what one costs the result that it belongs to.

The receiver is a process of its own over TLS, and the outbox a real database. The baseline posts
the same bodies to the same receiver over as many connections, without a signature, an address to
judge or an outbox.
"""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from figures import Figure, Measured, timed
from local_stack import ROOT
from progress import say
from urllib3 import HTTPSConnectionPool

from gradectl.local.engines.find import find_engines
from gradectl.local.loopback import free_ports
from gradectl.local.testing import running_database
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.webhook import HttpsWebhookClient, check_secrets, sign
from grader.contract.callbacks import Callback
from grader.contract.messages import CaseResult, Grade, GradingRequest, GradingResult
from grader.contract.verdicts import Status, Verdict
from grader.logs import Redactor, make_logger
from grader.migrations import migrate
from grader.ports.jobs import Claim
from grader.ports.results import DeliveryStatus
from grader.testing import MemoryParameterStore
from grader.webhooks.delivery import Deliverer
from grader.webhooks.guard import HostRules
from grader.webhooks.payload import body_of
from grader.webhooks.sender import WebhookSender
from grader.webhooks.shares import Limits
from grader.webhooks.signing import Signing

DELIVERIES = 1500
PAIRS = 300
CASES = 20
_CONNECTIONS = 8
_SECRET = "whsec_" + "YmVuY2htYXJrYmVuY2htYXJrYmVuY2ht"
_NAME = "/bench/webhook/secret"


@dataclass(frozen=True)
class _Receiver:
    port: int
    ca_file: Path

    @property
    def url(self) -> str:
        """Its URL."""
        return f"https://localhost:{self.port}/hook"


def measure() -> Measured:
    """Measure both, each against its baseline."""
    say("webhooks")
    with TemporaryDirectory() as directory, _receiving(Path(directory)) as receiver:
        home = Path(directory, "database")
        home.mkdir()
        with running_database(find_engines(), home) as database:
            login = DatabaseLogin(database.endpoint, "bench", database.user, database.password)
            with open_engine(lambda: replace(login, name="")).connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE bench")
            engine = open_engine(lambda: login)
            migrate(engine)
            jobs = MysqlJobStore(engine)
            yield "webhook_finish_ms_p50", _finish(jobs, receiver)
            yield "webhook_deliveries_per_second", _deliveries(jobs, receiver)
            engine.dispose()


def _finish(jobs: MysqlJobStore, receiver: _Receiver) -> Figure:
    """Baseline: claim and result of a request without a webhook; both take turns."""
    callback = Callback(receiver.url, host="localhost")
    with_one, without = [], []
    for number in range(PAIRS):
        with_one.append(timed(_one, jobs, f"with_{number}", callback))
        without.append(timed(_one, jobs, f"without_{number}", None))
    value, baseline = (statistics.median(each) * 1000 for each in (with_one, without))
    return Figure(value, "milliseconds", baseline, PAIRS)


def _deliveries(jobs: MysqlJobStore, receiver: _Receiver) -> Figure:
    """Baseline: bare POSTs of the same body."""
    callback = Callback(receiver.url, host="localhost")
    for number in range(DELIVERIES - PAIRS):
        _one(jobs, f"more_{number}", callback)
    outbox = jobs.outbox()
    (first,) = outbox.find(most=1)
    body = body_of(first, outbox.jobs([first.subject])[first.subject], outbox)
    if not isinstance(body, bytes):
        raise TypeError(body)
    bare = DELIVERIES / timed(_post_bare, receiver, body)
    sent = DELIVERIES / timed(_send_all, jobs, receiver)
    return Figure(sent, "per second", bare, DELIVERIES)


def _one(jobs: MysqlJobStore, request_id: str, callback: Callback | None) -> None:
    now = datetime.now(UTC)
    request = GradingRequest(
        request_id=request_id, user_id="bench", problem_id="sum", language="python",
        source_file=f"s3://bucket/submissions/{request_id}/a.py", time_limit=1000, memory_limit=64,
        timestamp=now, webhook_url=callback.url if callback else None,
    )  # fmt: skip
    jobs.claim(Claim(request, f"ID:{request_id}", "grading-requests", "bench"))
    cases = tuple(
        CaseResult(case=number, status=Verdict.ACCEPTED, time=12, memory=9)
        for number in range(CASES)
    )
    grade = Grade(
        verdict=Verdict.ACCEPTED, score=100, execution_time=240, memory_usage=9, test_results=cases
    )
    result = GradingResult(
        request_id=request_id, status=Status.COMPLETED, result=grade, timestamp=now
    )
    jobs.finish(result, attempt=1, callback=callback)


def _post_bare(receiver: _Receiver, body: bytes) -> None:
    pool = HTTPSConnectionPool(
        "localhost", receiver.port, maxsize=_CONNECTIONS, ca_certs=str(receiver.ca_file)
    )
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        answers = threads.map(
            lambda _: pool.request("POST", "/hook", body=body).status, range(DELIVERIES)
        )
        if set(answers) != {204}:
            raise RuntimeError("a bare post failed")


def _send_all(jobs: MysqlJobStore, receiver: _Receiver) -> None:
    outbox = jobs.outbox()
    redactor = Redactor()
    sender = WebhookSender(
        outbox,
        Deliverer(HttpsWebhookClient(receiver.ca_file), HostRules.parse("", "localhost"), sign),
        Signing(
            MemoryParameterStore({_NAME: _SECRET}),
            (_NAME, ""),
            hide=redactor.hide,
            check=check_secrets,
        ),
        make_logger("json", "INFO", redactor=redactor, stream=io.StringIO()),
        limits=Limits(per_host=_CONNECTIONS),
    )
    tick = threading.Event()
    with sender.in_background():
        while outbox.find(status=DeliveryStatus.PENDING, most=1):
            tick.wait(0.02)
    failed = outbox.find(status=DeliveryStatus.DEAD, most=1)
    if failed:
        raise RuntimeError(failed[0].last_error)


@contextmanager
def _receiving(directory: Path) -> Iterator[_Receiver]:
    authority = trustme.CA()
    ca_file, certificate = directory / "ca.pem", directory / "receiver.pem"
    authority.cert_pem.write_to_path(ca_file)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    (port,) = free_ports(1)
    command = [sys.executable, ROOT / "benchmarks" / "webhook_receiver.py", certificate, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or "ready" not in process.stdout.readline():
            raise RuntimeError("the receiver did not start")
        try:
            yield _Receiver(port, ca_file)
        finally:
            process.kill()
