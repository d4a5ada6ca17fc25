"""Reading problems from the bucket."""

from __future__ import annotations

import pytest

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.judge.problem_loader import load_problem, load_validator
from grader.problems.package import MAX_YAML_BYTES
from grader.testing import MemoryObjectStore

CASES = "problems/p/testcases"


@pytest.fixture
def store() -> MemoryObjectStore:
    """A bucket with a problem p of two cases and a validator."""
    store = MemoryObjectStore()
    for name, content in {
        "testcases/sample/1.in": b"1",
        "testcases/sample/1.ans": b"1",
        "testcases/secret/1.in": b"2",
        "testcases/secret/1.ans": b"2",
        "problem.yaml": b"limits: {memory: 64}",
        "output_validators/v/v.cpp": b"int main() { return 42; }",
        "output_validators/v/v.h": b"",
        "description.md": b"# P",
    }.items():
        store.put(f"problems/p/{name}", content, content_type="text/plain")
    store.put("problems/p2/testcases/9.in", b"", content_type="text/plain")
    return store


def test_a_problem_is_its_settings_cases_and_validator(store: MemoryObjectStore) -> None:
    """Those of another problem whose name begins alike are not its own."""
    problem = load_problem(store, "p", CASES)

    assert [case.name for case in problem.cases] == ["sample/1", "secret/1"]
    assert problem.settings.memory_limit_mb == 64
    (listed,) = store.list(problem.cases[0].input_key)
    assert problem.cases[0].input.etag == listed.etag


def test_cases_may_lie_elsewhere(store: MemoryObjectStore) -> None:
    """The request's `testCases` wins; settings and checker stay the problem's."""
    for name in ("x/1.in", "x/1.out"):
        store.put(f"temp/{name}", b"", content_type="text/plain")

    problem = load_problem(store, "p", "temp/x/")

    assert [case.name for case in problem.cases] == ["1"]
    assert problem.validator is not None


def test_no_content_of_a_case_is_read(store: MemoryObjectStore) -> None:
    """A problem of ten thousand cases is its listing and a few small files."""
    read: list[str] = []

    class WatchedStore(MemoryObjectStore):
        def get(self, key: str, *, max_bytes: int) -> bytes:
            read.append(key)
            return super().get(key, max_bytes=max_bytes)

    watched = WatchedStore()
    watched.objects = store.objects
    load_problem(watched, "p", CASES)

    assert read == ["problems/p/problem.yaml"]


def test_a_settings_file_that_is_too_large_is_the_problem_s_fault(
    store: MemoryObjectStore,
) -> None:
    """It is not read into memory."""
    store.put("problems/p/problem.yaml", b"#" * (MAX_YAML_BYTES + 1), content_type="text/plain")

    with pytest.raises(RequestError, match=r"problem\.yaml cannot be read") as caught:
        load_problem(store, "p", CASES)

    assert caught.value.code == ErrorCode.PROBLEM_INVALID


def test_a_validator_is_told_apart_by_its_sources(store: MemoryObjectStore) -> None:
    """A cache must not give out the program of another version, or of other file names."""

    def fingerprint() -> str:
        problem = load_problem(store, "p", CASES)
        assert problem.validator is not None
        return load_validator(store, problem.validator).fingerprint()

    first = fingerprint()
    assert fingerprint() == first
    store.put("problems/p/output_validators/v/v.h", b"// x", content_type="text/plain")
    second = fingerprint()
    store.put("problems/p/output_validators/v/w.h", b"", content_type="text/plain")

    assert len({first, second, fingerprint()}) == 3
