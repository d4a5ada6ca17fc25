"""Programs that are compiled once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.cache.files import FileCache
from grader.cache.programs import CompileRun, ProgramCache

RUN = CompileRun(
    source=b"int main() {}",
    argv=("g++", "-O2", "solution.cpp"),
    toolchain="g++ 12",
    sandbox="1",
)
BYTES = st.binary(max_size=8)
WORDS = st.text("ab-", max_size=3)
RUNS = st.builds(
    CompileRun,
    source=BYTES,
    argv=st.lists(WORDS, max_size=3).map(tuple),
    toolchain=WORDS,
    sandbox=WORDS,
)


@pytest.fixture
def cache(tmp_path: Path) -> ProgramCache:
    """An empty cache."""
    return ProgramCache(FileCache(tmp_path / "cache", 1 << 20))


def test_a_program_is_found_by_what_it_was_made_from(cache: ProgramCache) -> None:
    """The same source with the same compiler gives the same program."""
    assert cache.program(RUN) is None
    cache.keep_program(RUN, b"\x7fELF").close()

    held = cache.program(RUN)

    assert held is not None
    with held:
        assert held.path.read_bytes() == b"\x7fELF"
    assert cache.message(RUN) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(RUN, source=b"int main() { }"),
        replace(RUN, argv=("g++", "-O3", "solution.cpp")),
        replace(RUN, argv=("g++", "-O2 solution.cpp")),
        replace(RUN, toolchain="g++ 13"),
        replace(RUN, sandbox="2"),
    ],
)
def test_whatever_differs_makes_another_program(cache: ProgramCache, other: CompileRun) -> None:
    """A new compiler, another flag or a changed header never meets an old program."""
    cache.keep_program(RUN, b"\x7fELF").close()

    assert cache.program(other) is None


@given(one=RUNS, other=RUNS)
def test_no_two_runs_share_a_name(one: CompileRun, other: CompileRun) -> None:
    """Moving a byte from one part to the next is a difference."""
    assert (one.digest("program") == other.digest("program")) is (one == other)
    assert one.digest("program") != one.digest("words")


def test_what_the_compiler_said_is_remembered(cache: ProgramCache) -> None:
    """The same mistake is not compiled again; bytes that are no text do not matter."""
    cache.keep_message(RUN, "solution.cpp:1: error: \udcff")

    assert cache.message(RUN) == "solution.cpp:1: error: ?"
    assert cache.program(RUN) is None
