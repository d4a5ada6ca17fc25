"""`gradectl rejudge` with a real worker: a problem with a wrong answer file is corrected."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pymysql
import pytest

from grader.adapters.s3 import S3ObjectStore
from grader.client.client import GradingClient
from grader.contract.names import REQUESTS_QUEUE, RESULTS_QUEUE

pytestmark = pytest.mark.engine
EXAMPLES = Path(__file__).parents[3] / "examples"
RIGHT = (EXAMPLES / "submissions" / "sum" / "accepted.py").read_text()
WRONG = "print(0)\n"
#: Only against hanging.
SECONDS = 300.0


@dataclass
class Judged:
    """An environment with a problem, and a worker that can be stopped."""

    applied: Any
    launcher: Path
    folder: Path
    day: list[str] = field(default_factory=list)
    _worker: subprocess.Popen[bytes] | None = None

    def gradectl(self, *arguments: str) -> Any:
        return self.applied.gradectl(*arguments)

    def document(self, *arguments: str) -> Any:
        """The document of a command that succeeds."""
        done = self.gradectl(*arguments, "-o", "json")
        assert done.code == 0, done.stderr
        return done.document

    def push(self, answer: str) -> None:
        """Push the problem with this answer to its only case."""
        (self.folder / "testcases" / "1.ans").write_text(answer)
        self.document("problem", "push", str(self.folder))

    @cached_property
    def broker(self) -> Any:
        """One connection for all looks at the queues."""
        return self.applied.open_broker()

    @cached_property
    def store(self) -> S3ObjectStore:
        return S3ObjectStore(self.applied.client("s3"), self.applied.bucket)

    def submit(self, program: str, user: str) -> str:
        """Submit a program to the problem; returns the request id."""
        client = GradingClient(self.applied.bucket, self.store, self.broker)
        return client.submit("total", "python", program, user_id=user)

    def start_worker(self) -> None:
        """Start the worker, unless it runs."""
        if self._worker is not None:
            return
        with (self.applied.root / "worker.log").open("a") as log:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "grader", "worker"],
                env={**self.applied.worker_environment(self.launcher), "LANGUAGES": "python"},
                stderr=log,
            )

    def stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.terminate()
            self._worker.wait(SECONDS)
            self._worker = None

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """Verdict, score, user and the time of the claim, by request id."""
        where = self.applied.database
        connection = pymysql.connect(
            host="127.0.0.1", port=where.port, user=where.user, password=where.password,
            database=where.name,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT request_id, verdict, score, user_id, created_at FROM jobs")
            return {row[0]: row[1:] for row in cursor.fetchall()}

    def objects(self) -> dict[str, bytes]:
        """The results in the bucket."""
        return {
            each.key: self.store.get(each.key, max_bytes=1 << 20)
            for each in self.store.list("results/")
        }

    def waiting(self, queue: str) -> int:
        found = self.broker.inspector.statistics([queue]).get(queue)
        return found.size if found else 0

    def answered(self) -> list[str]:
        """The requests of the messages on grading-results."""
        found = self.broker.inspector.browse(RESULTS_QUEUE)
        return sorted(each.headers["correlation-id"] for each in found)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a change in another process; ends with the test's own limit."""
    limit, pause = threading.Event(), threading.Event()
    timer = threading.Timer(SECONDS, limit.set)
    timer.start()
    try:
        while not condition():
            assert not limit.is_set(), "it did not happen"
            pause.wait(0.2)
    finally:
        timer.cancel()


@pytest.fixture(scope="module")
def judged(
    make_applied: Callable[[], Any], launcher: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Judged]:
    """Four submissions that are WA because the answer file is wrong; the last one rightly so."""
    folder = tmp_path_factory.mktemp("problem") / "total"
    (folder / "testcases").mkdir(parents=True)
    (folder / "description.md").write_text("# Total\n")
    cases = EXAMPLES / "problems" / "sum" / "testcases"
    shutil.copy(cases / "01-sample.in", folder / "testcases" / "1.in")
    found = Judged(make_applied(), launcher, folder)
    found.start_worker()
    try:
        found.push("12345678\n")
        found.day = [found.submit(RIGHT, f"user_{number}") for number in range(3)]
        found.day.append(found.submit(WRONG, "user_3"))
        until(lambda: found.answered() == sorted(found.day))
        found.push((cases / "01-sample.ans").read_text())
        yield found
    finally:
        found.stop_worker()
        found.applied.stack.close()


def test_a_rejudging_goes_on_after_an_interruption_and_lets_new_submissions_pass(
    judged: Judged,
) -> None:
    """
    The first request is sent alone. The rest waits behind submissions that were sent later, and
    discarding leaves rows, files and messages as they were.
    """
    judged.stop_worker()
    rows, objects = judged.rows(), judged.objects()
    command = ("rejudge", "start", "-p", "total", "--verdict", "WA", "--apply")
    plan = judged.document(*command[:-1])
    assert (plan["selected"], plan["applied"]) == (4, False)
    assert judged.waiting(REQUESTS_QUEUE) == 0

    first = judged.applied.start(*command)
    lines = iter(first.stderr)
    assert any("no worker takes requests now" in line for line in lines)
    assert judged.waiting(REQUESTS_QUEUE) == 1
    first.send_signal(signal.SIGINT)
    rest = "".join(lines)
    assert first.wait(SECONDS) == 130
    assert "the same command goes on" in rest
    judged.start_worker()
    until(lambda: any(row[0] and row[2].startswith("rejudge.") for row in judged.rows().values()))
    judged.stop_worker()

    second = judged.applied.start(*command, "--in-flight", "5")
    until(lambda: judged.waiting(REQUESTS_QUEUE) == 3)
    today = [judged.submit(RIGHT, "user_9") for _ in range(3)]
    judged.start_worker()
    out, err = second.communicate(timeout=SECONDS)

    assert second.returncode == 0, err
    assert "4 of 4 graded again" in out
    claimed = {key: row[3] for key, row in judged.rows().items()}
    again = sorted(at for key, at in claimed.items() if ".rejudge." in key)
    assert len(again) == 4
    assert max(claimed[key] for key in today) < again[1]
    until(lambda: judged.answered() == sorted([*judged.day, *today]))

    (found,) = judged.document("rejudge", "list")["rejudgings"]
    assert (found["state"], found["selected"]) == ("graded", 4)
    shown = judged.document("rejudge", "show", found["name"])
    assert {each["request_id"] for each in shown["changes"]} == set(judged.day[:3])
    done = judged.gradectl("rejudge", "discard", found["name"], "--yes")
    assert done.code == 0, done.stderr
    assert {key: row for key, row in judged.rows().items() if key not in today} == rows
    left = {key: body for key, body in judged.objects().items() if key.split("/")[1] not in today}
    assert left == objects


def test_failures_of_the_problem_are_no_success(judged: Judged) -> None:
    """The same command goes on after the repair."""
    judged.start_worker()
    command = ("rejudge", "start", "--user", "user_3", "--name", "broken", "--apply")
    cases = [each.key for each in judged.store.list("problems/total/testcases/")]
    judged.store.delete(cases)

    first = judged.gradectl(*command)
    table = judged.gradectl("rejudge", "show", "broken").stdout

    assert first.code == 3, first.stderr
    assert "1 failed because of the problem or the platform" in first.stderr
    assert "0 of 1 graded again, 0 would change, 1 failed" in table
    judged.push((EXAMPLES / "problems" / "sum" / "testcases" / "01-sample.ans").read_text())
    assert judged.document(*command)["graded"] == 1
    assert judged.gradectl("rejudge", "discard", "broken", "--yes").code == 0


def test_accepted_results_replace_the_old_ones_which_are_kept(judged: Judged) -> None:
    """`show` has the table; then row, file and message of each request are those of the new one."""
    judged.start_worker()
    ids = judged.applied.root / "ids"
    ids.write_text("\n".join(judged.day))
    started = judged.document(
        *("rejudge", "start", "--ids-from", str(ids), "--name", "final", "--apply")
    )
    assert started["graded"] == 4

    table = judged.gradectl("rejudge", "show", "final").stdout
    assert "4 of 4 graded again, 3 would change" in table
    assert [line.split() for line in table.splitlines() if line.startswith("WA")] == [
        ["WA", "3", "1"]
    ]
    assert f"{judged.day[0]}  user_0  WA 0 -> AC 100" in table
    dry = judged.document("rejudge", "accept", "final", "--dry-run")
    refused = judged.gradectl("rejudge", "accept", "final", "--no-input", "--yes")
    assert (dry["applied"], refused.code) == (False, 5)
    before = len(judged.answered())

    accepted = judged.document("rejudge", "accept", "final", "--confirm", "final", "--announce")

    assert (accepted["accepted"], accepted["kept"]) == (4, [])
    assert not [key for key in judged.rows() if ".rejudge." in key]
    for request_id in judged.day[:3]:
        result = judged.document("result", request_id)
        assert result["result"]["result"]["verdict"] == "AC"
        assert result["row"]["result"]["rejudging"] == "final"
        old = judged.objects()[f"results/{request_id}/before-final.json"]
        assert b'"WA"' in old
    assert judged.rows()[judged.day[0]][:3] == ("AC", 100, "user_0")
    assert judged.rows()[judged.day[3]][:3] == ("WA", 0, "user_3")
    assert len(judged.answered()) == before + 3
    refused = judged.gradectl("rejudge", "discard", "final", "--yes")
    assert (refused.code, "before-final.json" in refused.stderr) == (5, True)
    assert judged.document("rejudge", "show", "final")["state"] == "accepted"
