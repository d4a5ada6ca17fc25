"""The sample submissions: send each, wait for its verdict, compare with what it must be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import yaml
from command import ROOT, ask

_EXAMPLES = ROOT / "examples"
_AT_ONCE = 3  # each is a process of its own on a machine with two cores
_FAILED = 1  # exit code of a request that could not be graded


@dataclass(frozen=True)
class Sample:
    """One line of submissions.yaml."""

    name: str
    problem: str
    language: str
    file: str
    time_limit_ms: int
    memory_limit_mb: int
    expect: dict[str, Any]

    @property
    def expected(self) -> str:
        """What it must come to, in a word and a number."""
        if self.expect["status"] == "failed":
            return f"failed {self.expect['error']}"
        return f"{self.expect['verdict']} {self.expect['score']}"


@dataclass(frozen=True)
class Outcome:
    """What a sample came to, by the result, and by what the system stored."""

    sample: Sample
    request_id: str
    result: dict[str, Any]
    row: dict[str, Any] | None
    queues: list[str]
    seconds: float

    @property
    def got(self) -> str:
        """What the result says, in the form of `Sample.expected`."""
        if self.result["status"] == "failed":
            return f"failed {self.result['error']['code']}"
        return f"{self.result['result']['verdict']} {self.result['result']['score']}"

    @property
    def deviations(self) -> Iterator[str]:
        """Everything that is not as it must be."""
        if self.got != self.sample.expected:
            yield f"{self.sample.name}: expected {self.sample.expected}, got {self.got}"
        if self.row is None or self.row["status"] != self.result["status"]:
            yield f"{self.sample.name}: the database row says {self.row and self.row['status']}"
        wanted = ["grading-results"]
        if self.result["status"] == "failed":
            wanted.append("grading-dlq")
        if sorted(self.queues) != sorted(wanted):
            yield f"{self.sample.name}: its messages are on {self.queues}, not on {wanted}"

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        grade = self.result.get("result") or {}
        time_ms = f"{grade['executionTime']} ms" if grade else "-"
        memory_mb = f"{grade['memoryUsage']} MB" if grade else "-"
        mark = "ok" if not list(self.deviations) else "DEVIATES"
        head = (self.sample.name, self.sample.language, self.request_id)
        return (*head, self.sample.expected, self.got, time_ms, memory_mb, self._total, mark)

    @property
    def _total(self) -> str:
        return f"{self.seconds:.1f} s"


def samples() -> list[Sample]:
    """Read submissions.yaml."""
    document = yaml.safe_load((_EXAMPLES / "submissions.yaml").read_text())
    return [Sample(**{**document["defaults"], **each}) for each in document["submissions"]]


def send_all(chosen: list[Sample]) -> list[Outcome]:
    """Send all, a few at once, and give what became of them in the order given."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_send, chosen))


def _send(sample: Sample) -> Outcome:
    started = time.monotonic()
    sent = ask(
        *("--timeout", "120", "submit", "--environment", "local", "--any-language", "--wait"),
        *("--problem", sample.problem, "--language", sample.language),
        *("--time-limit", str(sample.time_limit_ms), "--memory-limit", str(sample.memory_limit_mb)),
        str(_EXAMPLES / sample.file),
        allowed=(0, _FAILED),
    )
    seconds = time.monotonic() - started
    known = ask("result", "--environment", "local", sent["request_id"])
    queues = [message["queue"] for message in known["messages"]]
    return Outcome(sample, sent["request_id"], known["result"], known["row"], queues, seconds)
