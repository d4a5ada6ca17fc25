"""What comes wrong, large or odd: each ends as what it is, and nothing of it is kept in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.contract.messages import Grade, GradingRequest
from grader.errors import RequestError, SandboxError, TemporaryError
from grader.languages import find
from grader.ports.stores import ObjectInfo
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

#: Writes how many bytes it read.
COUNT = r"""
#include <stdio.h>
#include <unistd.h>
int main(void)
{
	static char buffer[1 << 16];
	long sum = 0, got;
	while ((got = read(0, buffer, sizeof buffer)) > 0)
		sum += got;
	printf("%ld\n", sum);
}
"""
ODD_NAMES = ("a b", "-rf", "--help", "ä ö 数", "two\nlines", "bell\a", "quote'\"`$(x)", "x" * 200)


def resident_bytes() -> int:
    """Memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class MadeUpStore(MemoryObjectStore):
    """A bucket whose test cases exist only while they are fetched."""

    def __init__(self, count: int, size: int) -> None:
        """Have so many cases, with inputs of so many bytes."""
        super().__init__()
        self._count = count
        self._size = size
        self.resident_bytes = [resident_bytes()]

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List the cases, and what was put."""
        yield from super().list(prefix)
        if not prefix.startswith("problems/"):
            return
        for number in range(self._count):
            yield ObjectInfo(f"{prefix}testcases/{number:05}.ans", self._answer_size, "made-up")
            yield ObjectInfo(f"{prefix}testcases/{number:05}.in", self._size, "made-up")

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Make the file, and see how much memory this process has."""
        self.resident_bytes.append(resident_bytes())
        if etag != "made-up":
            super().download(key, target, max_bytes=max_bytes, etag=etag)
        elif key.endswith(".ans"):
            target.write_text(f"{self._size}\n")
        else:
            assert self._size <= max_bytes
            with target.open("xb") as file:
                file.truncate(self._size)

    @property
    def _answer_size(self) -> int:
        return len(f"{self._size}\n")


def count_bytes(bench: Any, store: MadeUpStore) -> tuple[Grade, int]:
    """Grade a program that counts its input; tells by how much this process grew meanwhile."""
    store.put("submissions/req_1/solution", COUNT.encode(), content_type="text/plain")
    result = bench.grader(store)(bench.request(language="c", problem_id="p", time_limit=10_000))
    return result.result, max(*store.resident_bytes, resident_bytes()) - store.resident_bytes[0]


def test_a_case_of_two_hundred_megabytes_is_a_file_all_the_way(bench: Any) -> None:
    """From the bucket to the program's stdin, none of it is held in memory."""
    grade, grown = count_bytes(bench, MadeUpStore(count=1, size=200 << 20))

    assert grade.verdict == "AC", grade
    assert grown < 50 << 20


@pytest.mark.parametrize(
    ("count", "size_bytes"),
    [(2_000, 160 << 10), pytest.param(10_000, 32 << 10, marks=pytest.mark.exhaustive)],
)
def test_thousands_of_cases_are_streamed(bench: Any, count: int, size_bytes: int) -> None:
    """Only their names and results are kept, not the 320 MB of their content."""
    grade, grown = count_bytes(bench, MadeUpStore(count=count, size=size_bytes))

    assert (grade.verdict, grade.cases_total, len(grade.test_results)) == ("AC", count, count)
    assert grown < 100 << 20


def test_odd_names_are_names(bench: Any) -> None:
    """None becomes an option, a path, or a line of the log."""
    for name in ODD_NAMES:
        bench.case(name, "1", "1")
    grade = bench.verdict("print(input())", problem_id="p")

    assert (grade.verdict, len(grade.test_results)) == ("AC", len(ODD_NAMES))
    lines = bench.execution_log().splitlines()
    assert len(lines) == 1 + len(ODD_NAMES)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("language", ["c", "cpp", "python"])
@pytest.mark.parametrize("source", [b"\x00" * 500, bytes(range(256)) * 10, b"\x7fELF" + bytes(900)])
def test_a_source_that_is_no_text_does_not_compile(
    bench: Any, language: str, source: bytes
) -> None:
    """The person is told so in words that can be shown."""
    grade = bench.verdict(source, language)

    assert (grade.verdict, grade.fault) == ("CE", "submission")
    assert all(char.isprintable() or char in "\n\t" for char in grade.message)


def test_a_source_of_fifty_megabytes_is_refused(bench: Any) -> None:
    """By its size alone."""
    with pytest.raises(RequestError, match="larger than 10000 bytes") as caught:
        bench.grade(b"#" * (50 << 20))

    assert caught.value.code == "SOURCE_TOO_LARGE"


def test_a_problem_may_want_shorter_sources(bench: Any) -> None:
    """Its own limit is told."""
    bench.case("1", "", "")
    bench.put("problems/p/problem.yaml", "limits:\n  code: 1\n")

    with pytest.raises(RequestError, match="larger than 1024 bytes"):
        bench.grade("#" * 1025, problem_id="p")


@pytest.mark.parametrize("endings", [[".in"], [], [".ans"]])
def test_a_problem_without_whole_cases_is_the_problems_fault(
    bench: Any, endings: list[str]
) -> None:
    """An answer is missing, or there is nothing at all."""
    for ending in endings:
        bench.put(f"problems/p/testcases/1{ending}", "1")

    with pytest.raises(RequestError) as caught:
        bench.grade("print(1)", problem_id="p")
    assert caught.value.code == "TEST_CASES_NOT_FOUND"
    assert caught.value.code.fault == "problem"


@pytest.mark.parametrize("field", ["timeLimit", "memoryLimit"])
@pytest.mark.parametrize("value", [0, -1, "much"])
def test_a_limit_that_is_none_is_refused_when_it_is_read(
    bench: Any, field: str, value: object
) -> None:
    """The producer is told which field."""
    body = bench.request().model_copy(
        update={"time_limit" if field == "timeLimit" else "memory_limit": value}
    )

    with pytest.raises(RequestError, match=field):
        GradingRequest.from_json(body.model_dump_json(by_alias=True, warnings=False).encode())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("c", {"compile_argv": ("no-such-compiler", "../compile/solution.c")}),
        ("python", {"compile_argv": (), "run_argv": ("no-such-python", "solution.py")}),
    ],
)
def test_a_toolchain_that_was_removed_is_the_platforms_fault(
    bench: Any, name: str, changes: dict[str, Any]
) -> None:
    """The request is tried again, on a worker that has it; the box is clean."""
    bench.put("submissions/req_1/solution", "print(1)")

    with pytest.raises(SandboxError, match="not installed"):
        bench.with_language(replace(find(name), **changes))
    assert bench.box.survivors() == []


def test_a_compiler_whose_parts_were_removed_is_the_platforms_fault(bench: Any) -> None:
    """It still starts, and fails for every source: no submission is at fault."""
    bench.put("submissions/req_1/solution", "int main(void) { return 0; }")
    command = ("sh", "-c", "echo 'gcc: fatal error: cannot execute cc1' >&2; exit 1")

    with pytest.raises(SandboxError, match="cannot execute cc1"):
        bench.with_language(replace(find("c"), compile_argv=command))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_is_worth_another_attempt(bench: Any, number: int) -> None:
    """Whether it is full or broken: no verdict is made of what could not be written."""

    class FullStore(MemoryObjectStore):
        def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
            super().download(key, target, max_bytes=max_bytes, etag=etag)
            raise OSError(number, os.strerror(number))

    full = FullStore()
    full.objects = bench.store.objects
    bench.put("submissions/req_1/solution", "print(1)")

    with pytest.raises(TemporaryError, match=os.strerror(number)):
        bench.grader(full)(bench.request())
    assert list(bench.store.list("results/")) == []
