"""The bucket comes to hold what the folder holds, by content, and nothing half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, UsageError
from gradectl.problems import plan_push, push, read_problem
from grader.testing import MemoryObjectStore

CASES = "problems/sum/testcases"


class CountingStore(MemoryObjectStore):
    """A bucket that notes what is written."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.written: list[str] = []

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        self.written.append(key)
        super().put(key, body, content_type=content_type)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good problem named sum."""
    cases = tmp_path / "sum" / "testcases"
    cases.mkdir(parents=True)
    (tmp_path / "sum" / "description.md").write_text("# Sum\n")
    for name in ("1", "2"):
        (cases / f"{name}.in").write_text("1 2\n")
        (cases / f"{name}.ans").write_text("3\n")
    return tmp_path / "sum"


def bring(store: CountingStore, folder: Path) -> list[str]:
    """Push, and tell what was written."""
    store.written.clear()
    problem = read_problem(folder)
    push(store, problem, plan_push(store, problem), lambda _done: None)
    return sorted(store.written)


def test_a_push_uploads_everything_once(folder: Path) -> None:
    """The second push of the same files writes nothing."""
    store = CountingStore()

    first, second = bring(store, folder), bring(store, folder)

    assert first == sorted(store.objects)
    assert set(first) == {
        "problems/sum/description.md",
        *(f"{CASES}/{number}.{ending}" for number in "12" for ending in ("in", "ans")),
    }
    assert second == []


def test_only_what_changed_is_uploaded(folder: Path) -> None:
    """The content decides, not the time of the file."""
    store = CountingStore()
    bring(store, folder)
    (folder / "testcases" / "1.ans").write_text("4\n")
    (folder / "testcases" / "2.ans").touch()

    assert bring(store, folder) == [f"{CASES}/1.ans"]
    assert store.objects[f"{CASES}/1.ans"] == b"4\n"


def test_test_cases_that_are_gone_are_removed(folder: Path) -> None:
    """Otherwise submissions would go on being judged by a case that its author took back."""
    store = CountingStore()
    store.objects["problems/summary/testcases/1.in"] = b"of another problem"
    bring(store, folder)
    for ending in ("in", "ans"):
        (folder / "testcases" / f"2.{ending}").unlink()

    plan = plan_push(store, read_problem(folder))
    bring(store, folder)

    assert sorted(plan.remove) == [f"{CASES}/2.ans", f"{CASES}/2.in"]
    assert f"{CASES}/2.in" not in store.objects
    assert "problems/summary/testcases/1.in" in store.objects


def test_progress_is_told_after_each_file(folder: Path) -> None:
    """A push of ten thousand cases must not look as if it hung."""
    told: list[int] = []
    store = MemoryObjectStore()
    problem = read_problem(folder)
    push(store, problem, plan_push(store, problem), told.append)

    assert told == [1, 2, 3, 4, 5]


def test_hidden_files_and_other_folders_are_left_out(folder: Path) -> None:
    """What editors and authors leave beside the cases is not part of the problem."""
    (folder / "testcases" / ".DS_Store").write_bytes(b"x")
    (folder / "solutions").mkdir()
    (folder / "solutions" / "a.py").write_text("print(3)")

    assert len(read_problem(folder).files) == 5


def test_all_findings_come_at_once(folder: Path) -> None:
    """Nobody wants to push five times to hear of five mistakes."""
    (folder / "testcases" / "1.ans").unlink()
    (folder / "testcases" / "notes.txt").write_text("x")

    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert "testcases/1.in: has no answer" in caught.value.what
    assert "testcases/notes.txt: neither" in caught.value.what
    assert caught.value.where == str(folder)


def test_a_link_is_refused(folder: Path) -> None:
    """It may lead to any file of the author's machine."""
    (folder / "testcases" / "1.in").unlink()
    (folder / "testcases" / "1.in").symlink_to("/etc/hostname")

    with pytest.raises(ConfigurationError, match=r"testcases/1\.in: a link"):
        read_problem(folder)


def test_the_id_is_the_folders_name_unless_given(folder: Path) -> None:
    """The same folder can be pushed as another problem."""
    assert read_problem(folder).problem_id == "sum"
    renamed = read_problem(folder, "sum-2")
    assert "problems/sum-2/description.md" in renamed.files
    with pytest.raises(UsageError, match="cannot be a problem id"):
        read_problem(folder, "-x")


def test_the_examples_of_this_repository_are_good() -> None:
    """What the demo pushes passes its own checks."""
    examples = Path(__file__).parents[3] / "examples" / "problems"
    found = {folder.name: read_problem(folder).cases for folder in examples.iterdir()}

    assert found == {"sum": 5, "shortest-path": 6}
