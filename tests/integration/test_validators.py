"""Output validators in the real sandbox: what they may say, and what they may not do to anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from grader.contract.verdicts import ErrorCode, Fault, Verdict
from grader.errors import RequestError
from grader.judge.checker import CasePaths, Judgement, open_checker
from grader.judge.output_validator import build_validator, install_validator
from grader.judge.problem_loader import load_problem, load_validator
from grader.problems.model import Problem
from grader.sandbox import Box
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

HEADER = """
#include <fstream>
#include <iostream>
inline void feedback(const std::string &where, const char *name, const std::string &text)
{ std::ofstream(where + name) << text; }
"""
#: The output must be the input's number doubled, or hold a word that is tried out.
CPP = """
#include "validate.h"
int main(int argc, char **argv)
{
    long in, answer, got;
    std::ifstream(argv[1]) >> in;
    std::ifstream(argv[2]) >> answer;
    if (!(std::cin >> got)) return 43;
    feedback(argv[3], "judgemessage.txt", "expected " + std::to_string(answer));
    return got == answer && answer == 2 * in ? 42 : 43;
}
"""
C = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    long answer = 0, got = 1;
    FILE *file = fopen(argv[2], "r");
    if (!file || fscanf(file, "%ld", &answer) != 1) abort();
    return scanf("%ld", &got) == 1 && got == answer ? 42 : 43;
}
"""
PYTHON = "import sys, os\nfeedback = sys.argv[3]\n"


@dataclass
class Bench:
    """Judges outputs of one case by a validator."""

    box: Box
    directory: Path
    said: list[str] = field(default_factory=list)
    yaml: str = "type: scoring\nvalidation: custom score\nlimits: {validation_time: 1}\n"
    group_yaml: str = ""

    def problem(self, files: dict[str, str]) -> Problem:
        """Bring a problem with this validator where it can judge."""
        store = MemoryObjectStore()
        every = {
            "problem.yaml": self.yaml,
            "testcases/testdata.yaml": self.group_yaml,
            "testcases/secret/1.in": "21\n",
            "testcases/secret/1.ans": "42\n",
            **{f"output_validators/{name}": text for name, text in files.items()},
        }
        for name, text in every.items():
            store.put(f"problems/p/{name}", text.encode(), content_type="text/plain")
        problem = load_problem(store, "p", "problems/p/testcases/")
        assert problem.validator is not None
        sources = load_validator(store, problem.validator)
        program = build_validator(self.box, sources, self.directory, self.said.append)
        install_validator(self.box, sources, program)
        return problem

    def judge(self, problem: Problem, output: str) -> Judgement:
        """Judge an output of its only case."""
        paths = CasePaths(*(self.directory / name for name in ("input", "answer", "output")))
        for path, text in zip(
            (paths.input, paths.answer, paths.output), ("21\n", "42\n", output), strict=True
        ):
            path.write_text(text)
            path.chmod(0o644)
        checker = open_checker(problem, self.box, self.directory, self.said.append)
        return checker.judge(problem.cases[0], paths)

    def python(self, body: str, output: str = "42") -> Judgement:
        """Judge by a validator in Python, given as what it does."""
        return self.judge(self.problem({"v.py": PYTHON + body}), output)


@pytest.fixture(scope="session")
def box(launcher: Path) -> Iterator[Box]:
    """One claimed box for all of these tests."""
    with Box.claim(launcher) as claimed:
        yield claimed


@pytest.fixture
def bench(box: Box, tmp_path: Path) -> Iterator[Bench]:
    """A bench in a clean box; checks that nothing is left in it."""
    tmp_path.chmod(0o700)
    box.clean()
    yield Bench(box, tmp_path)
    box.clean()
    assert box.survivors() == []


def failure(judged: Callable[[], object]) -> str:
    """Why the problem is at fault."""
    with pytest.raises(RequestError) as caught:
        judged()
    assert caught.value.code == ErrorCode.CHECKER_FAILED
    assert ErrorCode(caught.value.code).fault is Fault.PROBLEM
    return caught.value.what


@pytest.mark.parametrize(
    "files",
    [
        {"v/validate.cpp": CPP, "v/validate.h": HEADER},
        {"v.c": C},
        {"v.py": "import sys\ngot = sys.stdin.read().split()\n"
                 "sys.exit(42 if got == open(sys.argv[2]).read().split() else 43)"},
        {"v/main.py": "import sys, helper\nsys.exit(helper.check(sys.argv[2]))",
         "v/helper.py": "import sys\ndef check(path):\n"
                        "    right = open(path).read().split() == sys.stdin.read().split()\n"
                        "    return 42 if right else 43"},
    ],
    ids=["C++ with a header", "C", "Python", "Python with a module"],
)  # fmt: skip
def test_a_validator_says_42_or_43(bench: Bench, files: dict[str, str]) -> None:
    """It reads input, answer and output, whatever its language and however many its files."""
    problem = bench.problem(files)

    assert bench.judge(problem, "42").verdict is Verdict.ACCEPTED
    wrong = bench.judge(problem, "41")
    assert (wrong.verdict, wrong.fault) == (Verdict.WRONG_ANSWER, Fault.SUBMISSION)
    assert bench.judge(problem, "").verdict is Verdict.WRONG_ANSWER


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit(44)", "exit code 44"),
        ("sys.exit(0)", "exit code 0, which is not a verdict"),
        ("1 / 0", "exit code 1"),
        ("os.abort()", "SIGABRT"),
        ("while True: pass", "1000 ms"),
        ("import signal; signal.pause()", "slept or waited"),
        ("for _ in range(1024): print('x' * (1 << 20))", "8 MB allowed"),
        ("for _ in range(1024): print('x' * (1 << 20), file=open('big', 'a'))", "exit code 1"),
        ("b = bytearray(8 << 30); sys.exit(42)", "exit code 1"),
        (
            "open(feedback + 'score.txt', 'w').write('much'); sys.exit(42)",
            "does not contain a number",
        ),
        ("open(feedback + 'score.txt', 'w').write('nan'); sys.exit(42)", "not from 0 to 1"),
        ("open(feedback + 'score.txt', 'w').write('1.5'); sys.exit(42)", "not from 0 to 1"),
        ("open(feedback + 'score.txt', 'w').write('1' * 999); sys.exit(42)", "larger than 256"),
        ("syntax error", "exit code 1"),
    ],
)
def test_whatever_else_it_does_is_the_problem_s_fault(bench: Bench, body: str, why: str) -> None:
    """A crash, a hang, a flood or a strange exit code never costs a submission anything."""
    assert why in failure(lambda: bench.python(body))


def test_one_that_does_not_compile_is_the_problem_s_fault(bench: Bench) -> None:
    """The compiler's words are for the judges, not for who submits."""
    why = failure(lambda: bench.problem({"v.cpp": "int main() { return secret; }"}))

    assert "failed to compile" in why
    assert "secret" not in why
    assert any("secret" in line for line in bench.said)


def test_a_share_of_the_points_or_points_themselves(bench: Bench) -> None:
    """Without a range, score.txt is a share from 0 to 1; with one, it is points."""
    score = "open(feedback + 'score.txt', 'w').write('{}'); sys.exit(42)"
    assert bench.python(score.format("0.25")).score == 0.25

    bench.box.clean()
    bench.group_yaml = "accept_score: 40\nrange: 0 40"
    assert bench.python(score.format("12.5")).score == 12.5

    bench.box.clean()
    share = score.replace("score.txt", "score_multiplier.txt")
    assert bench.python(share.format("0.25")).score == 10


def test_a_wrong_output_has_no_points(bench: Bench) -> None:
    """What a validator writes before it changes its mind does not count."""
    judgement = bench.python("open(feedback + 'score.txt', 'w').write('1'); sys.exit(43)")

    assert (judgement.verdict, judgement.score) == (Verdict.WRONG_ANSWER, None)


def test_points_where_the_problem_gives_none_do_not_count(bench: Bench) -> None:
    """Whether a validator gives points is the problem's to say."""
    bench.yaml = "validation: custom\n"

    judgement = bench.python("open(feedback + 'score.txt', 'w').write('7'); sys.exit(42)")

    assert judgement.score is None


def test_its_words_are_shown_in_bounds(bench: Bench) -> None:
    """What teams see is printable and short; judgemessage and stderr are for the log only."""
    judgement = bench.python(
        "open(feedback + 'teammessage.txt', 'w').write('too \\x1b[31mlow\\n' + 'x' * 900)\n"
        "open(feedback + 'judgemessage.txt', 'w').write('the answer is 42')\n"
        "print('trace', file=sys.stderr)\nsys.exit(43)"
    )

    assert judgement.reason.startswith("too \N{REPLACEMENT CHARACTER}[31mlow x")
    assert len(judgement.reason) == 500
    assert any("the answer is 42" in line for line in bench.said)
    assert any("trace" in line for line in bench.said)


def test_what_it_left_is_gone_before_the_next_case(bench: Bench) -> None:
    """A score or a note of one case says nothing about another; what it made is removed."""
    problem = bench.problem(
        {
            "v.py": PYTHON + "if os.listdir('.'): sys.exit(44)\n"
            "os.makedirs('a/b'); open('a/b/c', 'w').write('x'); os.chmod('a', 0)\n"
            "open(feedback + 'score.txt', 'w').write('0.5')\nsys.exit(42)"
        }
    )

    for _ in range(3):
        assert bench.judge(problem, "42").score == 0.5


def test_traps_in_the_feedback_directory_catch_nobody(bench: Bench) -> None:
    """A link, a FIFO or a directory by the name of a feedback file is as good as none."""
    for trap in (
        "os.symlink('/etc/passwd', 'teammessage.txt')",
        "os.mkfifo('teammessage.txt')",
        "os.mkdir('teammessage.txt')",
        "open('x', 'w').write('linked'); os.link('x', 'teammessage.txt')",
    ):
        bench.box.clean()
        assert bench.python(f"{trap}\nsys.exit(42)") == Judgement(Verdict.ACCEPTED)


def test_flags_come_after_the_feedback_directory(bench: Bench) -> None:
    """They are words; no shell looks at them."""
    bench.yaml = "validation: custom\nvalidator_flags: a$HOME *\n"
    bench.group_yaml = "output_validator_flags: '; -x'"

    judged = bench.python("sys.exit(42 if sys.argv[4:] == ['a$HOME', '*', ';', '-x'] else 43)")

    assert judged.verdict is Verdict.ACCEPTED


def test_it_cannot_change_the_case_or_itself(bench: Bench) -> None:
    """Input, answer, output and its own program are for reading only."""
    judged = bench.python(
        "for path in (sys.argv[1], sys.argv[2], '/dev/fd/0', sys.argv[0], '../checker/new'):\n"
        "    try:\n        open(path, 'w')\n    except OSError:\n        continue\n"
        "    sys.exit(44)\nsys.exit(42)"
    )

    assert judged.verdict is Verdict.ACCEPTED
