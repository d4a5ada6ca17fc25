"""
Every language in the real sandbox: what runs, and what is said of what does not.

The programs are in tests/fixtures/languages, a folder for each language and a file for each
behaviour.  A toolchain that is missing fails its tests: `make languages` installs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from grader.cache.files import FileCache
from grader.cache.programs import ProgramCache
from grader.judge.compiler import CompileFailure, Compiler
from grader.judge.limits import compile_limits
from grader.judge.program import Program
from grader.judge.verdict import RunFault, find_fault
from grader.languages import LANGUAGES, Language, find
from grader.sandbox import Box
from grader.sandbox.runs import RunLimits
from grader.sandbox.toolchain import missing_programs

pytestmark = pytest.mark.engine

PROGRAMS = Path(__file__).parents[1] / "fixtures" / "languages"
ALL = pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.name)
#: C++17 differs from C++20 by one option of the same compiler.
EVERY = pytest.mark.parametrize(
    "language",
    [
        pytest.param(one, marks=pytest.mark.exhaustive if one.name == "cpp17" else ())
        for one in LANGUAGES
    ],
    ids=[one.name for one in LANGUAGES],
)
#: Of the numbers that an honest program reads.
SUM = b"%d" % (123_456 * 1_500_000)
#: Those in which a compiler looks at a source before it is run.
COMPILED = [one for one in LANGUAGES if one.compile_argv]
#: C has no word for memory that is refused: the program gets a null pointer, and does what it does.
SPEAKING = [one for one in LANGUAGES if one.out_of_memory]


@pytest.fixture(scope="module")
def box(launcher: Path) -> Iterator[Box]:
    """One claimed box for all of these tests: each program has to leave it clean."""
    with Box.claim(launcher) as claimed:
        yield claimed


@dataclass(frozen=True)
class Ended:
    """What became of a program."""

    verdict: str
    reason: str
    stdout: bytes
    peak_kb: int = 0


class Judge(Protocol):
    """Judges a program in a language."""

    def __call__(
        self,
        language: Language,
        source: str,
        memory_mb: int = 256,
        cpu_ms: int = 10_000,
        output_mb: int = 16,
    ) -> Ended: ...


@pytest.fixture
def clean_box(box: Box) -> Iterator[Box]:
    """The box; each test leaves it clean."""
    yield box
    box.clean()
    assert box.survivors() == []


@pytest.fixture
def judge(clean_box: Box, tmp_path: Path) -> Judge:
    """Compiles and runs through the pipeline of submissions."""

    def run(
        language: Language,
        source: str,
        memory_mb: int = 256,
        cpu_ms: int = 10_000,
        output_mb: int = 16,
    ) -> Ended:
        if failure := compile_into(clean_box, language, source, tmp_path):
            return Ended("CE", failure.message, b"")
        (tmp_path / "input").write_bytes(b"20 22\n")
        limits = limits_of(language, memory_mb, cpu_ms, output_mb)
        return ended(Program(clean_box, language, limits, tmp_path), tmp_path / "input")

    return run


def compile_into(
    box: Box, language: Language, source: str, directory: Path
) -> CompileFailure | None:
    """Compile a program, and store it in the box."""
    compiler = Compiler(box, ProgramCache(FileCache(directory / "programs", 1 << 30)))
    return compiler.load(language, source.encode(), compile_limits(language), directory)


def ended(program: Program, stdin: Path) -> Ended:
    """Run a program once."""
    outcome = program.run(stdin)
    refused = program.was_refused_memory()
    finding = find_fault(outcome, program.limits, refused_memory=refused)
    words = program.stderr_tail().decode(errors="replace")
    found = finding or RunFault("ok", words)  # type: ignore[arg-type] # no verdict says this
    return Ended(
        found.verdict, f"{found.reason} {words}", program.stdout.read_bytes(), outcome.peak_kb
    )


def limits_of(language: Language, memory_mb: int, cpu_ms: int, output_mb: int) -> RunLimits:
    return RunLimits(
        cpu_ms=cpu_ms,
        wall_ms=60_000,
        memory_mb=memory_mb,
        output_bytes=output_mb << 20,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
    )


def program(language: Language, behaviour: str) -> str:
    family = "cpp" if language.name.startswith("cpp") else language.name
    return (PROGRAMS / family / f"{behaviour}.{language.extension}").read_text()


@ALL
def test_its_toolchain_is_installed(language: Language) -> None:
    """What is not installed is not tested, and that must not go unnoticed."""
    assert missing_programs(language) == (), "next: make languages"


@ALL
def test_a_hello_world_needs_less_than_64_mb(judge: Judge, language: Language) -> None:
    """The smallest limit that problem sets use."""
    ended = judge(language, program(language, "hello"), memory_mb=64)

    assert (ended.verdict, ended.stdout) == ("ok", b"hello\n"), ended.reason


@pytest.mark.parametrize(
    "language",
    [
        pytest.param(one, marks=() if one.name in {"c", "python"} else pytest.mark.exhaustive)
        for one in LANGUAGES
    ],
    ids=[one.name for one in LANGUAGES],
)
def test_the_null_device_and_the_output_can_be_opened(judge: Judge, language: Language) -> None:
    """For writing, by the names that every program may use."""
    ended = judge(language, program(language, "sinks"))

    assert (ended.verdict, ended.stdout) == ("ok", b"hello\n"), ended.reason


@EVERY
def test_its_least_memory_is_enough_for_its_own_test(judge: Judge, language: Language) -> None:
    """What the documentation promises, with the program that reads and adds."""
    ended = judge(language, language.self_test, memory_mb=language.least_memory_mb)

    assert (ended.verdict, ended.stdout) == ("ok", b"42\n"), ended.reason


@pytest.mark.parametrize("language", COMPILED, ids=lambda one: one.name)
def test_a_compile_error_has_the_compilers_message(judge: Judge, language: Language) -> None:
    """File, line and reason, without our directories."""
    ended = judge(language, program(language, "wrong"))

    assert ended.verdict == "CE"
    assert language.source_name in ended.reason
    assert "compile/" not in ended.reason


@pytest.mark.parametrize("name", ["java", "go", "rust"])
def test_a_source_that_eats_its_compiler_does_not_compile(judge: Judge, name: str) -> None:
    """Memory or size of what it makes: each compiler has its bounds, and no other request waits."""
    ended = judge(find(name), program(find(name), "bomb"))

    assert ended.verdict == "CE", ended.reason


@EVERY
def test_an_empty_source_is_never_accepted(judge: Judge, language: Language) -> None:
    """It does not compile, or says nothing."""
    ended = judge(language, "")

    assert ended.verdict in {"CE", "RE"} or ended.stdout == b""


@EVERY
def test_a_crash_is_a_runtime_error(judge: Judge, language: Language) -> None:
    """An abort, an exception or a panic: exit code or signal say which."""
    ended = judge(language, program(language, "crash"))

    assert ended.verdict == "RE"
    assert ended.reason.startswith(("exit code ", "ended by SIGABRT"))


@EVERY
def test_a_program_that_never_ends_is_over_time(judge: Judge, language: Language) -> None:
    """By its CPU time, in which the start of its runtime counts."""
    ended = judge(language, program(language, "spin"), cpu_ms=500)

    assert ended.verdict == "TLE"


@EVERY
def test_a_program_that_takes_ever_more_memory_is_over_memory(
    judge: Judge, language: Language
) -> None:
    """Whether its runtime gives up first, or the sandbox ends it."""
    ended = judge(language, program(language, "hoard"), memory_mb=64)

    assert ended.verdict == "MLE", ended.reason


@pytest.mark.parametrize("language", SPEAKING, ids=lambda one: one.name)
def test_one_allocation_far_beyond_the_limit_is_over_memory(
    judge: Judge, language: Language
) -> None:
    """Refused at once: nothing was used, and it is still no mere crash."""
    ended = judge(language, program(language, "grasp"), memory_mb=64)

    assert ended.verdict == "MLE", ended.reason


@pytest.mark.parametrize("name", ["java", "javascript", "go"])
def test_garbage_does_not_count_as_long_as_it_can_be_collected(judge: Judge, name: str) -> None:
    """More than a gigabyte in turn, under 64 MB: the collectors know the limit."""
    ended = judge(find(name), program(find(name), "garbage"), memory_mb=64)

    assert (ended.verdict, ended.stdout) == ("ok", b"20000\n"), ended.reason


@EVERY
def test_deep_recursion_may_use_the_memory(judge: Judge, language: Language) -> None:
    """A hundred thousand calls are no fault."""
    ended = judge(language, program(language, "deep"))

    assert (ended.verdict, ended.stdout) == ("ok", b"100000\n"), ended.reason


@pytest.mark.parametrize("name", ["python", "java", "cpp20", "rust"])
def test_a_thread_may_have_a_stack_above_the_memory_limit(judge: Judge, name: str) -> None:
    """Usual for deep recursion: 512 MB, of which little is used."""
    ended = judge(find(name), program(find(name), "stack"), memory_mb=128)

    assert (ended.verdict, ended.stdout) == ("ok", b"100000\n"), ended.reason


@EVERY
def test_endless_recursion_ends_by_itself_or_by_memory(judge: Judge, language: Language) -> None:
    """As the runtime has it: its own error, a signal, or the limit."""
    assert judge(language, program(language, "endless")).verdict in {"RE", "MLE"}


@EVERY
def test_threads_are_allowed(judge: Judge, language: Language) -> None:
    """Their CPU time and memory count together."""
    ended = judge(language, program(language, "threads"))

    assert ended.verdict == "ok", ended.reason
    assert int(ended.stdout) == 10


@EVERY
def test_output_of_several_megabytes_comes_whole(judge: Judge, language: Language) -> None:
    """To the last line, also where a runtime writes it in the background."""
    ended = judge(language, program(language, "lines"))

    lines = ended.stdout.splitlines()
    assert ended.verdict == "ok", ended.reason
    assert (len(lines), lines[-1].split()[0]) == (100_000, b"99999")


@EVERY
def test_an_honest_program_keeps_its_verdict(
    clean_box: Box, tmp_path: Path, language: Language
) -> None:
    """What real submissions use, with 10 MB of input and 5 MB of output; it says what it lacks."""
    failure = compile_into(clean_box, language, program(language, "honest"), tmp_path)
    assert failure is None, failure
    (tmp_path / "numbers").write_bytes(b"123456 " * 1_500_000)
    (tmp_path / "nothing").touch()
    limits = limits_of(language, memory_mb=256, cpu_ms=10_000, output_mb=16)
    for warm in (False, True) if language.server_argv else (False,):
        honest = Program(clean_box, language, limits, tmp_path, warm=warm)

        long = ended(honest, tmp_path / "numbers")
        lines = long.stdout.splitlines()
        assert (long.verdict, len(lines), lines[-1:]) == ("ok", 50_001, [SUM]), long.reason
        assert {len(line) for line in lines[:-1]} == {99}

        exits = ended(honest, tmp_path / "nothing")
        assert (exits.verdict, exits.reason.strip()) == ("RE", "exit code 3")


@EVERY
def test_a_flood_of_output_is_over_the_output_limit(judge: Judge, language: Language) -> None:
    """Also in a language that goes on until its CPU time is used up, because it ignores errors."""
    ended = judge(language, program(language, "flood"), cpu_ms=1_500, output_mb=1)

    assert ended.verdict == "OLE"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("public class Solution", marks=pytest.mark.exhaustive),
        pytest.param("class Solution", marks=pytest.mark.exhaustive),
        "package some.where; public class Solution",
        "class Helper { int main; } class Zebra",
        "public class Größe",
        pytest.param("public enum Kind { A; } class Zebra", marks=pytest.mark.exhaustive),
    ],
)
def test_a_java_class_may_have_any_name(judge: Judge, head: str) -> None:
    """The compiler says where a public class belongs, and its main method is looked for."""
    source = head + ' { public static void main(String[] args) { System.out.println("hello"); } }'

    ended = judge(find("java"), source)

    assert (ended.verdict, ended.stdout) == ("ok", b"hello\n"), ended.reason


def test_a_java_source_without_a_main_method_does_not_compile(judge: Judge) -> None:
    """Better said at once than for each case."""
    ended = judge(find("java"), "class Main { }")

    assert (ended.verdict, ended.reason) == ("CE", "no class has a method main(String[] args)")


@pytest.mark.parametrize("name", ["cpp17", "cpp20"])
def test_each_standard_of_cpp_is_its_own(judge: Judge, name: str) -> None:
    """`__cplusplus` tells."""
    source = "#include <iostream>\nint main() { std::cout << __cplusplus / 100; }"

    assert judge(find(name), source).stdout == {"cpp17": b"2017", "cpp20": b"2020"}[name]
