"""A folder of programs is read as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.commands.submit import LANGUAGE_OF
from gradectl.errors import UsageError
from gradectl.submissions.folder import read_folder
from grader.client.submission import MAX_SOURCE_BYTES, Limits
from grader.languages import find


def write(folder: Path, *names: str) -> Path:
    """A folder with these files."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("print(3)")
    return folder


def test_each_sub_folder_has_the_name_of_its_problem(tmp_path: Path) -> None:
    """The language follows from the extension; hidden files are no programs."""
    write(tmp_path, "sum/b.cpp", "sum/a.py", "path/c.rs", ".git/config", "sum/.a.py.swp")

    found = read_folder(tmp_path, LANGUAGE_OF, None, None)

    assert [(each.name, each.problem_id, each.language) for each in found] == [
        ("path/c.rs", "path", "rust"),
        ("sum/a.py", "sum", "python"),
        ("sum/b.cpp", "sum", find("cpp").name),
    ]


def test_a_folder_may_have_the_files_of_one_problem(tmp_path: Path) -> None:
    """With another language than that of the extension."""
    (found,) = read_folder(write(tmp_path, "a.cpp"), LANGUAGE_OF, "sum", "cpp17")

    assert (found.name, found.problem_id, found.language) == ("a.cpp", "sum", "cpp17")


def test_all_files_that_cannot_be_submitted_are_named(tmp_path: Path) -> None:
    """Before anything is sent."""
    write(tmp_path, "sum/a.py", "sum/notes.txt", "sum/deep/a.py", "top.py", "sum/Makefile")
    (tmp_path / "sum" / "empty.py").touch()
    (tmp_path / "sum" / "big.py").write_bytes(b"#" * (MAX_SOURCE_BYTES + 1))
    (tmp_path / "sum" / "gone.py").symlink_to("nothing")
    (tmp_path / "sum" / "loop").symlink_to("..")

    with pytest.raises(UsageError) as caught:
        read_folder(tmp_path, LANGUAGE_OF, None, None)

    assert [line.split(": ")[0] for line in caught.value.what.splitlines()] == [
        "sum/Makefile",
        "sum/big.py",
        "sum/deep/a.py",
        "sum/empty.py",
        "sum/gone.py",
        "sum/loop",
        "sum/notes.txt",
        "top.py",
    ]


def test_a_folder_without_programs_is_an_error(tmp_path: Path) -> None:
    """The next step is the layout."""
    with pytest.raises(UsageError, match="no source file found"):
        read_folder(tmp_path, LANGUAGE_OF, None, None)


def test_a_program_keeps_its_request_id_until_something_changes(tmp_path: Path) -> None:
    """Its name, content, problem, user, limits, or a salt."""
    (one,) = read_folder(write(tmp_path / "1", "sum/a.py"), LANGUAGE_OF, None, None)
    (same,) = read_folder(write(tmp_path / "2", "sum/a.py"), LANGUAGE_OF, None, None)
    (renamed,) = read_folder(write(tmp_path / "3", "sum/b.py"), LANGUAGE_OF, None, None)
    (tmp_path / "1" / "sum" / "a.py").write_text("print(4)")
    (edited,) = read_folder(tmp_path / "1", LANGUAGE_OF, None, None)
    limits = Limits()

    assert one.request_id("u", limits) == same.request_id("u", limits)
    ids = [each.request_id("u", limits) for each in (one, renamed, edited)]
    ids += [
        one.request_id("v", limits),
        one.request_id("u", Limits(1)),
        one.request_id("u", limits, "x"),
    ]
    assert len(set(ids)) == 6
