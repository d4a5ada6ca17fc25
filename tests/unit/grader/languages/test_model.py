"""What a declaration of a language means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.languages import Language, find

JAVA = find("java")


def with_run(*argv: str) -> Language:
    return replace(JAVA, run_argv=argv, runtime_resident_mb=48)


def test_a_command_is_told_the_limit_and_what_of_it_is_left_for_the_heap() -> None:
    """A virtual machine takes its share first."""
    language = with_run("java", "-Xmx{heap_mb}m", "-Dlimit={memory_mb}")

    assert language.run_command(256) == ("java", "-Xmx208m", "-Dlimit=256")


@pytest.mark.parametrize("memory_mb", [1, 48, 63])
def test_the_heap_is_never_too_small_to_start(memory_mb: int) -> None:
    """Then the sandbox ends the program, which is a verdict; a bad flag would be a crash."""
    assert with_run("{heap_mb}").run_command(memory_mb) == ("16",)


def test_the_programs_of_a_language_are_those_of_the_system() -> None:
    """Programs that it compiles itself in the box are not listed."""
    assert JAVA.programs == ("javac", "sh", "java")
    assert find("c").programs == ("gcc",)


def test_a_verdict_on_memory_says_when_no_program_could_have_passed() -> None:
    """The problem's limit is at fault then, and somebody should know."""
    assert JAVA.explain_memory(32) == "; an empty Java program needs 48 MB"
    assert JAVA.explain_memory(48) == ""


def test_any_of_its_words_tells_that_memory_was_refused() -> None:
    """Runtimes have several."""
    language = replace(JAVA, out_of_memory=(b"OutOfMemory", b"insufficient memory"))

    assert language.was_refused_memory(b"# There is insufficient memory for it")
    assert not language.was_refused_memory(b"NullPointerException")
    assert not replace(JAVA, out_of_memory=()).was_refused_memory(b"OutOfMemory")
