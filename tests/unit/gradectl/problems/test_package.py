"""The bucket comes to hold what the folder holds, by content, and nothing half done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, UsageError
from gradectl.problems.package import read_problem
from gradectl.problems.upload import plan_push, push
from grader.judge.problem_loader import load_problem
from grader.problems.scoring import full_points
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


def test_a_link_may_lead_to_a_file_of_the_problem_only(folder: Path, tmp_path: Path) -> None:
    """Elsewhere may be any file of the author's machine; packages share files by links."""
    cases = folder / "testcases"
    (cases / "2.in").unlink()
    (cases / "2.in").symlink_to("1.in")
    assert read_problem(folder).cases == 2

    (cases / "1.ans").unlink()
    (cases / "1.ans").symlink_to("/etc/hostname")
    (cases / "3.in").symlink_to("nowhere")
    (cases / "more").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert "testcases/1.ans: a link that leads out of the problem's folder" in caught.value.what
    assert "testcases/3.in: a link to nothing" in caught.value.what
    assert "testcases/more: a link that leads out" in caught.value.what


def test_what_is_no_file_is_named(folder: Path) -> None:
    """A FIFO among the cases would be waited for without end."""
    os.mkfifo(folder / "testcases" / "3.in")
    (folder / "testcases" / "group").mkdir()
    (folder / "testcases" / "more").symlink_to("group")

    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert "testcases/3.in: not a file" in caught.value.what
    assert "testcases/more: a link to a folder, which is not followed" in caught.value.what


def test_a_name_with_a_line_end_gets_one_line(folder: Path) -> None:
    """What is said about it must not look like two findings."""
    for ending in ("in", "ans"):
        (folder / "testcases" / f"a\nb.{ending}").write_text("1")

    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert caught.value.what.splitlines() == [
        r"'testcases/a\nb.ans': has control characters in its name",
        r"'testcases/a\nb.in': has control characters in its name",
    ]


@pytest.mark.parametrize("name", ["a b", "\u00fcn\u00efc\u00f6de & <more>"])
def test_a_name_with_spaces_or_foreign_letters_is_pushed_as_it_is(folder: Path, name: str) -> None:
    """Existing problem sets have such names."""
    for ending in ("in", "ans"):
        (folder / "testcases" / f"{name}.{ending}").write_text("1")
    store = CountingStore()

    assert f"{CASES}/{name}.in" in bring(store, folder)
    assert load_problem(store, "sum", CASES).cases[-1].name == name


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package in the layout of Kattis, with a validator and points."""
    files = {
        "problem.yaml": "name: Guess\ntype: scoring\nvalidation: custom\nlimits: {memory: 64}\n",
        "problem_statement/problem.en.tex": "Guess!",
        "data/secret/a/testdata.yaml": "accept_score: 100\ngrader_flags: min\n",
        "data/secret/a/1.in": "1",
        "data/secret/a/1.ans": "1",
        "output_validators/check.py": "import sys\nsys.exit(42)\n",
        "submissions/accepted/a.py": "print(1)",
        "input_validators/a.py": "",
    }
    for name, content in files.items():
        path = tmp_path / "guess" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "guess"


def test_a_package_is_pushed_so_that_the_worker_can_grade_it(package: Path) -> None:
    """Cases, settings and validator are where the worker looks; submissions stay at home."""
    store = CountingStore()
    bring(store, package)

    assert sorted(store.objects) == [
        "problems/guess/description.md",
        "problems/guess/output_validators/check.py",
        "problems/guess/problem.yaml",
        "problems/guess/testcases/secret/a/1.ans",
        "problems/guess/testcases/secret/a/1.in",
        "problems/guess/testcases/secret/a/testdata.yaml",
    ]
    loaded = load_problem(store, "guess", "problems/guess/testcases/")
    assert loaded.settings == read_problem(package).content.settings
    assert loaded.validator is not None
    assert full_points(loaded) == 100


def test_settings_and_a_validator_that_are_gone_are_removed(package: Path) -> None:
    """Otherwise the worker would go on judging by them."""
    store = CountingStore()
    bring(store, package)
    (package / "output_validators" / "check.py").unlink()
    (package / "problem.yaml").unlink()

    plan = plan_push(store, read_problem(package))

    assert set(plan.remove) == {
        "problems/guess/output_validators/check.py",
        "problems/guess/problem.yaml",
    }


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        ("problem.yaml", "name: [", "problem.yaml: not YAML: line 1"),
        ("problem.yaml", "x: " + "y" * (1 << 18), "problem.yaml: larger than 256 KiB"),
        ("data/secret/a/testdata.yaml", "range: x", "secret/a/testdata.yaml: range: must be two"),
        ("output_validators/check.py", "import sys\nif", "output_validators/check.py: line 2"),
        ("output_validators/b.py", "", "one can be used here, but there are b.py, check.py"),
        ("data/secret/a/2.in", "", "data/secret/a/2.in: has no answer: 2.ans or 2.out"),
    ],
)
def test_what_the_worker_would_refuse_is_refused_before_anything_is_uploaded(
    package: Path, name: str, content: str, finding: str
) -> None:
    """Its author is there to correct it; whoever submits is not."""
    (package / name).write_text(content)

    with pytest.raises(ConfigurationError) as caught:
        read_problem(package)

    assert finding in caught.value.what


def test_a_validator_in_an_unknown_language_is_named(package: Path) -> None:
    """The endings of those that are known are given."""
    (package / "output_validators" / "check.py").rename(package / "output_validators" / "check.rb")

    with pytest.raises(ConfigurationError, match=r"check\.rb: no language of validators.*\.py"):
        read_problem(package)


def test_unknown_keys_are_a_warning(package: Path) -> None:
    """Packages carry keys of other judges."""
    with (package / "problem.yaml").open("a") as file:
        file.write("colour: red\n")

    assert "problem.yaml: 'colour': unknown key, not used" in read_problem(package).warnings


def test_a_large_file_is_streamed(folder: Path) -> None:
    """Eight cases of 200 MB at once would be more than a laptop wants to give."""
    uploaded = []

    class StreamingStore(MemoryObjectStore):
        def upload(self, key: str, source: Path, *, content_type: str) -> None:
            uploaded.append((key, source.stat().st_size, content_type))

        def put(self, key: str, body: bytes, *, content_type: str) -> None:
            raise AssertionError(key, body, content_type)

    with (folder / "testcases" / "1.in").open("wb") as file:
        file.truncate(200 << 20)
    problem = read_problem(folder)
    store = StreamingStore()
    push(store, problem, plan_push(store, problem), lambda _done: None)

    assert (f"{CASES}/1.in", 200 << 20, "text/plain; charset=utf-8") in uploaded


def test_ten_thousand_cases_are_read(folder: Path) -> None:
    """The names are looked at, the contents are not."""
    for number in range(3, 10_001):
        (folder / "testcases" / f"{number}.in").touch()
        (folder / "testcases" / f"{number}.ans").touch()

    assert read_problem(folder).cases == 10_000


def test_the_id_is_the_folders_name_unless_given(folder: Path) -> None:
    """The same folder can be pushed as another problem."""
    assert read_problem(folder).problem_id == "sum"
    renamed = read_problem(folder, "sum-2")
    assert "problems/sum-2/description.md" in renamed.files
    with pytest.raises(UsageError, match="cannot be a problem id"):
        read_problem(folder, "-x")


def test_the_examples_of_this_repository_are_good() -> None:
    """What the demo pushes passes its own checks."""
    examples = Path(__file__).parents[4] / "examples" / "problems"
    found = {folder.name: read_problem(folder) for folder in examples.iterdir()}

    assert {name: problem.cases for name, problem in found.items()} == {
        "best-stretch": 8,
        "shortest-path": 6,
        "sum": 5,
        "two-numbers": 6,
    }
    assert not any(problem.warnings for problem in found.values())
