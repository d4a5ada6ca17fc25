"""Reading the folder of a function."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError
from gradectl.functions.folder import FILE, read_function
from grader.client.submission import MAX_SOURCE_BYTES

EXAMPLES = Path(__file__).parents[4] / "examples" / "functions"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid function named hello."""
    directory = tmp_path / "hello"
    directory.mkdir()
    (directory / FILE).write_text("runtime: python\nentry: main.py\n")
    (directory / "main.py").write_text("print(1)")
    return directory


def test_a_folder_is_a_function_with_its_name_and_all_its_files(folder: Path) -> None:
    """Without function.yaml, hidden files, and what interpreters leave."""
    (folder / "data.txt").write_text("data")
    (folder / ".git").mkdir()
    (folder / "__pycache__").mkdir()

    found = read_function(folder, None)

    assert found.contents == {"main.py": b"print(1)", "data.txt": b"data"}
    assert (found.manifest.function_id, found.manifest.memory_mb) == ("hello", 256)
    assert read_function(folder, "other").manifest.function_id == "other"


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_the_examples_are_valid(path: Path) -> None:
    """They are pushed as they are."""
    assert read_function(path, None).manifest.function_id == path.name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("entry: main.py", "runtime"),
        ("runtime: python\nentry: main.py\nmemmory: 3", "memmory"),
        ("runtime: pyton\nentry: main.py", "unknown language 'pyton'"),
        ("runtime: python\nentry: absent.py", "'absent.py' is not among the files"),
        ("runtime: python\nentry: ../main.py", "entry: String should match"),
        ("runtime: python\nentry: main.py\nmemory: 0", "memory: Input should be greater than 0"),
        ("- a list", "mapping"),
        (": :", "YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key(folder: Path, text: str, says: str) -> None:
    """Nothing is sent."""
    (folder / FILE).write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        read_function(folder, None)

    assert says in caught.value.what
    assert caught.value.where == str(folder / FILE)
    assert caught.value.next_step


def test_a_folder_without_the_file_says_what_to_write(tmp_path: Path) -> None:
    """The next step is its content."""
    with pytest.raises(ConfigurationError, match=r"function\.yaml") as caught:
        read_function(tmp_path, None)

    assert "runtime: python" in caught.value.next_step


def test_files_that_no_worker_takes_are_refused(folder: Path) -> None:
    """Folders, names with other characters, large files, FIFOs, and the name of the program."""
    odd = folder / "odd"
    for make, says in (
        (odd.mkdir, "no other folders"),
        (lambda: (folder / "with space").write_text(""), "files.with space"),
        (lambda: odd.write_bytes(b"x" * (MAX_SOURCE_BYTES + 1)), "1048577 bytes"),
        (lambda: os.mkfifo(odd), "not a regular file"),
        (lambda: odd.symlink_to("nowhere"), "cannot be read"),
        (lambda: (folder / "solution.py").write_text(""), "only the entry may be named"),
    ):
        make()
        with pytest.raises(ConfigurationError, match=says):
            read_function(folder, None)
        for path in folder.iterdir():
            if path.name not in (FILE, "main.py"):
                path.rmdir() if path.is_dir() else path.unlink()
    assert read_function(folder, None)


def test_an_id_that_cannot_be_a_key_is_refused(folder: Path) -> None:
    """With the option that sets another."""
    with pytest.raises(ConfigurationError, match="functionId") as caught:
        read_function(folder, "a/b")

    assert "--id NAME" in caught.value.next_step
