"""From a source to what can be run, with real compilers in the real sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grader.cache.files import FileCache
from grader.cache.programs import ProgramCache
from grader.errors import SandboxError
from grader.judge.compiler import CompileFailure, Compiler
from grader.judge.limits import compile_limits
from grader.judge.problem_loader import ValidatorSources
from grader.judge.program import Program
from grader.languages import Language, find
from grader.problems.model import StoredFile, ValidatorFiles
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

pytestmark = pytest.mark.engine

C, PYTHON = find("c"), find("python")
RIGHT = b'#include <stdio.h>\nint main(void) { puts("42"); }\n'
WRONG = b"int main( { return 0; }\n"
RUN_LIMITS = RunLimits(
    cpu_ms=5000,
    wall_ms=30_000,
    memory_mb=64,
    output_bytes=1 << 16,
    processes=16,
    bound_address_space=True,
)
#: Ten thousand million tokens, and a program of 8 MB.
SLOW = (
    b"".join(
        b"#define A%d %s\n" % (level, b"A%d " % (level - 1) * 10 if level else b"1,")
        for level in range(9)
    )
    + b"int x[] = { A8 };\n"
)
LARGE = b"char x[8 << 20] = {1}; int main(void) { return x[1]; }\n"
#: A compiler that says what gcc says of a source it finds wrong, and is broken for every source.
LIAR = replace(
    C, compile_argv=("sh", "-c", "echo '../compile/solution.c:1:1: error: no' >&2; exit 1")
)


@pytest.fixture(scope="module")
def box(launcher: Path) -> Iterator[Box]:
    """One claimed box."""
    with Box.claim(launcher) as claimed:
        yield claimed


class CountingBox:
    """A box that counts its runs, and can have a full disk or a short wall time."""

    def __init__(self, box: Box) -> None:
        """Stand before a real one."""
        self._box = box
        self.runs: list[RunSpec] = []
        self.store = box.store
        self.store_file = box.store_file
        self.collect = box.collect
        self.clean = box.clean

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run, and remember what."""
        self.runs.append(spec)
        return self._box.run(spec)


@dataclass
class Bench:
    """A compiler with its cache, in a clean box."""

    box: CountingBox
    directory: Path
    now: float = 1000.0
    proved: dict[str, float] = field(default_factory=dict)

    @property
    def compiler(self) -> Compiler:
        """One as a new submission gets it."""
        programs = ProgramCache(FileCache(self.directory / "cache", 1 << 28))
        return Compiler(self.box, programs, self.proved, lambda: self.now)  # type: ignore[arg-type]

    def load(
        self, source: bytes, language: Language = C, limits: RunLimits | None = None
    ) -> CompileFailure | None:
        """Clean the box and load a source into it."""
        self.box.clean()
        wanted = limits or compile_limits(language)
        return self.compiler.load(language, source, wanted, self.directory)

    def output(self, language: Language = C) -> bytes:
        """What the loaded program writes."""
        program = Program(self.box, language, RUN_LIMITS, self.directory)  # type: ignore[arg-type]
        assert program.run(Path("/dev/null")).succeeded
        return program.stdout.read_bytes()

    def compilations(self) -> int:
        """How often a compiler was run."""
        return sum(spec.role is Role.COMPILE for spec in self.box.runs)


@pytest.fixture
def bench(box: Box, tmp_path: Path) -> Iterator[Bench]:
    """A compiler that has compiled nothing yet."""
    yield Bench(CountingBox(box), tmp_path)
    box.clean()


def test_a_source_is_compiled_once(bench: Bench) -> None:
    """The second submission of the same source runs what the first one made."""
    assert bench.load(RIGHT) is None
    assert bench.load(RIGHT) is None

    assert bench.output() == b"42\n"
    assert bench.compilations() == 1


def test_a_changed_source_or_compiler_is_compiled_again(bench: Bench) -> None:
    """What is kept belongs to one source and one command."""
    bench.load(RIGHT)
    bench.load(RIGHT + b"\n")
    bench.load(RIGHT, replace(C, compile_argv=(*C.compile_argv, "-O1")))

    assert bench.compilations() == 3


def test_a_source_that_does_not_compile_says_where(bench: Bench) -> None:
    """In the compiler's words, which name the person's file and not ours."""
    failure = bench.load(WRONG)

    assert failure is not None
    assert failure.message.startswith("solution.c:1:")
    assert failure.reason == "does not compile"


def test_the_same_mistake_is_compiled_once(bench: Bench) -> None:
    """What the compiler said is remembered, after it was seen to work."""
    first = bench.load(WRONG)
    count = bench.compilations()

    assert bench.load(WRONG) == first
    assert bench.compilations() == count


@pytest.mark.parametrize(
    ("source", "limits", "reason"),
    [
        (SLOW, {"cpu_ms": 200}, r"the compiler used \d+ ms of CPU time, 200 ms allowed"),
        (RIGHT, {"memory_mb": 16}, r"the compiler used [\d.]+ MB of memory, 16 MB allowed"),
        (LARGE, {"output_bytes": 1 << 20}, "the compiler wrote more than the 1 MB allowed"),
    ],
)
def test_a_limit_of_the_compiler_is_told_and_not_remembered(
    bench: Bench, source: bytes, limits: dict[str, int], reason: str
) -> None:
    """Time, memory or output: the same source is tried again, for it may pass another time."""
    asked = replace(compile_limits(C), **limits)  # type: ignore[arg-type] # all are numbers
    failure = bench.load(source, limits=asked)
    count = bench.compilations()
    bench.load(source, limits=asked)

    assert failure is not None
    assert failure.message
    assert re.fullmatch(reason, failure.reason), failure
    assert bench.compilations() > count


def test_a_broken_compiler_is_not_the_submissions_fault(bench: Bench) -> None:
    """A compiler that fails on the self-test too is a fault of the platform."""
    bench.load(WRONG)
    bench.now += 61

    with pytest.raises(SandboxError, match="cannot compile the self-test of"):
        bench.load(WRONG, LIAR)


def test_a_compiler_that_says_nothing_of_the_source_is_tried_at_once(bench: Bench) -> None:
    """As one whose own parts are gone does; that it worked a moment ago does not count."""
    bench.load(RIGHT)
    silent = replace(C, compile_argv=("sh", "-c", "echo cannot execute cc1 >&2; exit 1"))

    with pytest.raises(SandboxError, match="cannot execute cc1"):
        bench.load(WRONG, silent)


def test_a_compiler_that_is_short_of_something_is_tried_at_once(bench: Bench) -> None:
    """A full disk is not the submission's fault, whatever file the compiler was reading."""
    bench.load(RIGHT)
    words = "../compile/solution.c:1: fatal error: No space left on device"
    full = replace(C, compile_argv=("sh", "-c", f"echo '{words}' >&2; exit 1"))

    with pytest.raises(SandboxError, match="No space left"):
        bench.load(WRONG, full)


def test_a_compiler_that_was_refused_memory_is_out_of_its_limit(bench: Bench) -> None:
    """It says so itself, before anybody sees it above its limit."""
    words = "cc1: out of memory allocating 65536 bytes"
    hungry = replace(C, compile_argv=("sh", "-c", f"echo '{words}' >&2; exit 1"))
    failure = bench.load(RIGHT, hungry)

    assert failure is not None
    assert failure.message == words
    limit = compile_limits(C).memory_mb
    assert failure.reason == f"the compiler wanted more memory than the {limit} MB allowed"


def test_a_compiler_that_is_gone_is_the_platforms_fault(bench: Bench) -> None:
    """Another worker may have it."""
    gone = replace(C, compile_argv=("no-such-compiler", *C.compile_argv[1:]))

    with pytest.raises(SandboxError, match="not installed"):
        bench.load(RIGHT, gone)


def test_a_compiler_known_to_work_is_not_tried_for_each_mistake(bench: Bench) -> None:
    """Once a minute is enough, and a program that it made for somebody counts too."""
    bench.load(RIGHT)
    bench.load(WRONG)
    bench.load(WRONG + b"\n")
    assert bench.compilations() == 3
    bench.now += 61
    bench.load(WRONG + b"\n\n")
    bench.load(WRONG + b"\n\n\n")

    assert bench.compilations() == 3 + 2 + 1


def test_a_compiler_that_leaves_nothing_has_failed(bench: Bench) -> None:
    """Also where it says that all is well; what it left is not believed to be a program."""
    left = (r"touch solution.c", r"mkdir program", r"ln -s /etc/passwd program")
    for command in left:
        odd = replace(C, compile_argv=("sh", "-c", f"{command} # solution.c"))
        with pytest.raises(SandboxError, match="no usable program"):
            bench.load(RIGHT, odd)


def test_python_is_checked_before_it_is_run(bench: Bench) -> None:
    """What is no Python does not compile; what is runs as it was submitted."""
    failure = bench.load(b"print('42'\n", PYTHON)

    assert failure is not None
    assert failure.message.startswith('File "solution.py", line 1')
    assert bench.load(b"print(__file__)\n", PYTHON) is None
    assert bench.output(PYTHON).strip().endswith(b"solution.py")


def test_a_checker_is_compiled_once(bench: Bench) -> None:
    """As the programs of submissions are; a changed source of it is another one."""
    key = "problems/p/output_validators/check.c"

    def built(content: bytes) -> bytes | None:
        stored = StoredFile(key, len(content), "")
        files = ValidatorFiles("check", "c", "validator", (stored,))
        sources = ValidatorSources(files, {"check.c": content})
        return bench.compiler.validator(sources, bench.directory, print)

    first = built(RIGHT)

    assert first is not None
    assert first.startswith(b"\x7fELF")
    assert built(RIGHT) == first
    assert bench.compilations() == 1
    assert built(RIGHT + b"\n") is not None
    assert bench.compilations() == 2


def test_a_checker_that_is_not_compiled_needs_no_compiler(bench: Bench) -> None:
    """It is put in place as it is."""
    stored = StoredFile("problems/p/output_validators/check.py", 1, "")
    files = ValidatorFiles("check", "python", "check.py", (stored,))
    sources = ValidatorSources(files, {"check.py": b"#"})

    assert bench.compiler.validator(sources, bench.directory, print) is None
    assert bench.compilations() == 0


@pytest.mark.parametrize("language", ["c", "cpp", "python"])
@pytest.mark.parametrize(
    "source", [b"", b"\0" * 100, bytes(range(256)) * 40, b"\x7fELF" + bytes(2000)]
)
def test_what_is_no_text_fails_as_a_submission(bench: Bench, language: str, source: bytes) -> None:
    """Empty, zeros, all bytes or a program: no compiler is thought to be broken by it."""
    failure = bench.load(source, find(language))

    assert (failure is None) is (language == "python" and not source)
