"""What is installed of a language, and which version of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.errors import SandboxError
from grader.languages import Language, find
from grader.sandbox.toolchain import examine, fingerprint, locate, missing_programs, require

PYTHON = find("python")
ABSENT = replace(PYTHON, version_argv=("no-such-compiler", "--version"))


def asking(*argv: str) -> Language:
    return replace(PYTHON, version_argv=argv)


def test_a_program_is_found_where_the_launcher_lets_it_be() -> None:
    """A shell's PATH is of no interest: the sandbox has none."""
    assert str(locate("python3")) in {"/usr/bin/python3", "/usr/local/bin/python3"}
    assert locate("no-such-compiler") is None


def test_a_program_that_is_not_there_is_asked_for_with_the_place_to_put_it() -> None:
    """Who builds an image reads where it has to go."""
    with pytest.raises(SandboxError, match=r"no-such-compiler: not installed \(install it in /"):
        require("no-such-compiler")


def test_a_language_lacks_each_program_that_is_not_there() -> None:
    """The compiler, what runs the program, and what tells the version."""
    broken = replace(ABSENT, compile_argv=("no-such-linker",))

    assert missing_programs(PYTHON) == ()
    assert missing_programs(broken) == ("no-such-compiler", "no-such-linker")


def test_the_version_is_the_first_line_of_what_the_toolchain_says() -> None:
    """A compiler says a page about itself."""
    assert examine(asking("printf", "gcc 12\\nFree Software\\n")).version == "gcc 12"
    assert examine(asking("sh", "-c", "echo javac 8 >&2")).version == "javac 8"


def test_a_toolchain_that_says_nothing_is_no_error() -> None:
    """Whether it works is for its self-test to find out."""
    assert examine(asking("false")).version == "no version: exit code 1"


def test_the_fingerprint_stays_while_nothing_changes() -> None:
    """Else nothing compiled would ever be used again."""
    assert fingerprint(PYTHON) == fingerprint(replace(PYTHON, title="Snake"))


@pytest.mark.parametrize(
    "other",
    [
        asking("python3", "-V", "-V"),
        replace(PYTHON, run_argv=("python3", "-O", "../run/solution.py")),
        replace(PYTHON, compile_argv=("true",)),
    ],
)
def test_the_fingerprint_differs_with_version_programs_and_flags(other: Language) -> None:
    """What was compiled by another compiler, or in another way, is another program."""
    assert fingerprint(other) != fingerprint(PYTHON)


def test_there_is_no_fingerprint_of_what_is_not_there() -> None:
    """Removed while the worker runs: the platform's fault, and worth another worker's attempt."""
    with pytest.raises(SandboxError, match="not installed"):
        fingerprint(ABSENT)
