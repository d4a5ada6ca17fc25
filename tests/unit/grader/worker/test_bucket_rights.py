"""The objects that a worker reads and writes are those that the policy of its role allows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.contract.bucket import (
    LARGE_REQUESTS_PREFIX,
    LARGE_RESULTS_PREFIX,
    execution_log_key,
    function_file_key,
    function_manifest_key,
    problem_prefix,
    result_key,
    source_key,
)

ROOT = Path(__file__).parents[4]
POLICY = re.search(
    r"worker_policy = \{(.*?)local\._use_key",
    (ROOT / "modules" / "storage" / "policies.tf").read_text(),
    re.DOTALL,
)
GRADING = (f"{problem_prefix('sum')}1.in", source_key("req", "py"), f"{LARGE_REQUESTS_PREFIX}body")
FUNCTIONS = (function_manifest_key("hello"), function_file_key("hello", "0" * 64))
WRITTEN = (result_key("req"), execution_log_key("req"), f"{LARGE_RESULTS_PREFIX}body")


def folders(sid: str) -> list[str]:
    """The folders that a statement of the policy names."""
    assert POLICY
    found = re.search(rf'"{sid}".*?Resource = \[(.*?)\] *:? *"\$', POLICY[1], re.DOTALL)
    assert found
    return re.findall(r'"(\w+)"', found[1])


@pytest.mark.parametrize("key", [*GRADING, *FUNCTIONS])
def test_what_a_worker_reads_is_allowed(key: str) -> None:
    """Problems, programs and large requests; with functions their manifests and files."""
    assert key.partition("/")[0] in folders("ReadObjects")


@pytest.mark.parametrize("key", WRITTEN)
def test_what_a_worker_writes_is_allowed(key: str) -> None:
    """Results and their logs."""
    assert key.partition("/")[0] in folders("WriteObjects")


@pytest.mark.parametrize("key", [*GRADING, *FUNCTIONS])
def test_a_worker_cannot_change_what_it_reads(key: str) -> None:
    """A program that escapes leaves no other program or function behind."""
    assert key.partition("/")[0] not in folders("WriteObjects")
