"""Installed programs of a language, and their version."""

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


def test_a_program_is_found_in_the_directories_of_the_sandbox() -> None:
    """PATH is not used: the sandbox does not have it."""
    assert str(locate("python3")) in {"/usr/bin/python3", "/usr/local/bin/python3"}
    assert locate("no-such-compiler") is None


def test_a_missing_program_is_an_error_with_the_directory_for_it() -> None:
    """It is the next step for the author of an image."""
    with pytest.raises(SandboxError, match=r"no-such-compiler: not installed \(install it in /"):
        require("no-such-compiler")


def test_missing_programs_of_a_language_are_listed() -> None:
    """Of the compile, run and version commands."""
    broken = replace(ABSENT, compile_argv=("no-such-linker",))

    assert missing_programs(PYTHON) == ()
    assert missing_programs(broken) == ("no-such-compiler", "no-such-linker")


def test_the_version_is_the_first_line_of_the_version_output() -> None:
    """On stdout or stderr."""
    assert examine(asking("printf", "gcc 12\\nFree Software\\n")).version == "gcc 12"
    assert examine(asking("sh", "-c", "echo javac 8 >&2")).version == "javac 8"


def test_a_toolchain_without_version_output_is_not_an_error() -> None:
    """Its self-test decides whether it works."""
    assert examine(asking("false")).version == "no version: exit code 1"


def test_the_fingerprint_is_stable() -> None:
    """Otherwise no compiled program would be found in the cache."""
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
    """Another compiler or command produces another program."""
    assert fingerprint(other) != fingerprint(PYTHON)


def test_a_missing_program_has_no_fingerprint() -> None:
    """Removing it while the worker runs is a temporary error of the platform."""
    with pytest.raises(SandboxError, match="not installed"):
        fingerprint(ABSENT)
