"""No command of docs/runbook.md escapes the tests."""

from __future__ import annotations

import pytest
import runbook

TEXT = runbook.PAGE.read_text()


def test_each_command_that_is_not_run_with_the_page_is_run_elsewhere() -> None:
    """The file of each command has all its words; a command that no test can run has a reason."""
    for verb, where in runbook.NAMED.items():
        if " " not in where:
            text = (runbook.ROOT / where).read_text()
            assert all(f'"{word}"' in text for word in verb.split()), f"{where} does not run {verb}"
    for line, where in runbook.NAMED_LINES.items():
        assert line in TEXT
        option = next(word for word in line.split() if word.startswith("--"))
        assert f'"{option}"' in (runbook.ROOT / where).read_text()


def test_each_command_in_the_text_is_run_or_named() -> None:
    """A verb that stands only in the text needs a line in `NAMED`."""
    run = {runbook.verb(line) for each in runbook.sections(TEXT) for line in each.runnable}

    assert runbook.verbs(TEXT) - run - set(runbook.NAMED) == set()


@pytest.mark.parametrize(
    ("printed", "lost"),
    [
        ("queue  waiting\n─────\na      3\nb      0\nnext: gradectl x local", []),
        ("queue  waiting\na      4\nnext: gradectl x local", ["a 3"]),
        ("a      3\nqueue  waiting\nnext: gradectl x local", ["a 3"]),
    ],
    ids=["the same", "another number", "another order"],
)
def test_an_excerpt_is_lines_of_the_output_in_their_order(printed: str, lost: list[str]) -> None:
    """Widths of columns and lines between do not matter."""
    excerpt = ("queue waiting", "a     3", "...", "next: gradectl x ENV")

    assert runbook.missing(excerpt, printed, "local") == lost


def test_ids_and_times_of_an_excerpt_may_differ() -> None:
    """And a line may be cut."""
    excerpt = ("req_1  1m 4s  ID:host-1:2  2024-08-20 12:00:00 UTC  because ...",)

    printed = "req_2024_a  12m  ID:vm-45-17:6:11:-1:1:6  2026-11-30 03:55:16 UTC  because of x"

    assert runbook.missing(excerpt, printed, "local") == []


def test_an_excerpt_belongs_to_a_command_of_its_section() -> None:
    """Otherwise the page is wrong."""
    page = "## One\n```sh\ngradectl status ENV\n```\n## Two\n```text\n$ gradectl status ENV\n```\n"

    with pytest.raises(ValueError, match="Two: no command above this excerpt: gradectl status ENV"):
        runbook.sections(page)
