"""Submits the sample submissions and compares their results with the expected ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import yaml
from command import ROOT, TRANSPORT, ask, environment

_EXAMPLES = ROOT / "examples"
_AT_ONCE = 3  # each is a process; a small machine has two cores
_FAILED = 1  # exit code of a request that could not be graded


@dataclass(frozen=True)
class Sample:
    """One entry of submissions.yaml."""

    name: str
    problem: str
    language: str
    file: str
    time_limit_ms: int
    memory_limit_mb: int
    expect: dict[str, Any]

    @property
    def expected(self) -> str:
        """The expected verdict and score, or the expected error."""
        if self.expect["status"] == "failed":
            return f"failed {self.expect['error']}"
        return f"{self.expect['verdict']} {self.expect['score']}"


@dataclass(frozen=True)
class SampleResult:
    """The result of a sample."""

    sample: Sample
    request_id: str
    result: dict[str, Any]
    seconds: float

    @property
    def got(self) -> str:
        """The verdict and score, or the error, in the form of `Sample.expected`."""
        if self.result["status"] == "failed":
            return f"failed {self.result['error']['code']}"
        return f"{self.result['result']['verdict']} {self.result['result']['score']}"

    @property
    def deviations(self) -> Iterator[str]:
        """One text for each deviation."""
        if self.got != self.sample.expected:
            yield f"{self.sample.name}: expected {self.sample.expected}, got {self.got}"

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


def read_samples() -> list[Sample]:
    """Read submissions.yaml."""
    document = yaml.safe_load((_EXAMPLES / "submissions.yaml").read_text())
    return [Sample(**{**document["defaults"], **each}) for each in document["submissions"]]


def submit_all(samples: list[Sample]) -> list[SampleResult]:
    """Submit all samples, a few concurrently, and return their results in the same order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_submit, samples))


def lookup_deviations(results: Sequence[SampleResult]) -> Iterator[str]:
    """
    Look up all requests; yield how their database rows and messages deviate.

    Queues of SQS cannot be searched for a request.
    """
    found = ask("result", "--environment", environment(), *(each.request_id for each in results))
    for each, known in zip(results, found["results"], strict=True):
        status = known["row"] and known["row"]["status"]
        if status != each.result["status"]:
            yield f"{each.sample.name}: the status of its database row is {status}"
        queues = sorted(message["queue"] for message in known["messages"])
        expected = [*(["grading-dlq"] if status == "failed" else []), "grading-results"]
        if TRANSPORT != "sqs" and queues != expected:
            yield f"{each.sample.name}: its messages are in {queues}, expected {expected}"


def _submit(sample: Sample) -> SampleResult:
    started = time.monotonic()
    sent = ask(
        *("--timeout", "120", "submit", "--environment", environment(), "--any-language", "--wait"),
        *("--problem", sample.problem, "--language", sample.language),
        *("--time-limit", str(sample.time_limit_ms), "--memory-limit", str(sample.memory_limit_mb)),
        str(_EXAMPLES / sample.file),
        allowed=(0, _FAILED),
    )
    seconds = time.monotonic() - started
    return SampleResult(sample, sent["request_id"], sent["result"], seconds)
