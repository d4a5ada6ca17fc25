"""Reading, checking and pushing a problem."""

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
    """A bucket that records the written keys."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        self.written.append(key)
        super().put(key, body, content_type=content_type)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid problem named sum."""
    cases = tmp_path / "sum" / "testcases"
    cases.mkdir(parents=True)
    (tmp_path / "sum" / "description.md").write_text("# Sum\n")
    for name in ("1", "2"):
        (cases / f"{name}.in").write_text("1 2\n")
        (cases / f"{name}.ans").write_text("3\n")
    return tmp_path / "sum"


def push_folder(store: CountingStore, folder: Path) -> list[str]:
    """Push, and return the written keys."""
    store.written.clear()
    problem = read_problem(folder)
    push(store, problem, plan_push(store, problem), lambda _done: None)
    return sorted(store.written)


def test_a_push_uploads_everything_once(folder: Path) -> None:
    """A second push of the same files writes nothing."""
    store = CountingStore()

    first, second = push_folder(store, folder), push_folder(store, folder)

    assert first == sorted(store.objects)
    assert set(first) == {
        "problems/sum/description.md",
        *(f"{CASES}/{number}.{ending}" for number in "12" for ending in ("in", "ans")),
    }
    assert second == []


def test_only_what_changed_is_uploaded(folder: Path) -> None:
    """By content, not by modification time."""
    store = CountingStore()
    push_folder(store, folder)
    (folder / "testcases" / "1.ans").write_text("4\n")
    (folder / "testcases" / "2.ans").touch()

    assert push_folder(store, folder) == [f"{CASES}/1.ans"]
    assert store.objects[f"{CASES}/1.ans"] == b"4\n"


def test_deleted_test_cases_are_removed(folder: Path) -> None:
    """Otherwise submissions would still be judged with them."""
    store = CountingStore()
    store.objects["problems/summary/testcases/1.in"] = b"another problem"
    push_folder(store, folder)
    for ending in ("in", "ans"):
        (folder / "testcases" / f"2.{ending}").unlink()

    plan = plan_push(store, read_problem(folder))
    push_folder(store, folder)

    assert sorted(plan.remove) == [f"{CASES}/2.ans", f"{CASES}/2.in"]
    assert f"{CASES}/2.in" not in store.objects
    assert "problems/summary/testcases/1.in" in store.objects


def test_progress_is_reported_after_each_file(folder: Path) -> None:
    """A push of ten thousand cases must not look stuck."""
    counts: list[int] = []
    store = MemoryObjectStore()
    problem = read_problem(folder)
    push(store, problem, plan_push(store, problem), counts.append)

    assert counts == [1, 2, 3, 4, 5]


def test_hidden_files_and_other_folders_are_left_out(folder: Path) -> None:
    """Files of editors and authors are not part of the problem."""
    (folder / "testcases" / ".DS_Store").write_bytes(b"x")
    (folder / "solutions").mkdir()
    (folder / "solutions" / "a.py").write_text("print(3)")

    assert len(read_problem(folder).files) == 5


def test_all_findings_are_reported_at_once(folder: Path) -> None:
    """One push shows all mistakes."""
    (folder / "testcases" / "1.ans").unlink()
    (folder / "testcases" / "notes.txt").write_text("x")

    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert "testcases/1.in: answer file missing" in caught.value.what
    assert "testcases/notes.txt: not a test case file" in caught.value.what
    assert caught.value.where == str(folder)


def test_a_link_must_point_to_a_file_of_the_problem(folder: Path, tmp_path: Path) -> None:
    """Packages share files by links; other links could upload any file of the machine."""
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

    assert "testcases/1.ans: link to a file outside the problem's folder" in caught.value.what
    assert "testcases/3.in: broken link" in caught.value.what
    assert "testcases/more: link to a file outside" in caught.value.what


def test_only_regular_files_are_accepted(folder: Path) -> None:
    """Reading a FIFO would block."""
    os.mkfifo(folder / "testcases" / "3.in")
    (folder / "testcases" / "group").mkdir()
    (folder / "testcases" / "more").symlink_to("group")

    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert "testcases/3.in: not a regular file" in caught.value.what
    assert "testcases/more: link to a folder, which is not followed" in caught.value.what


def test_a_name_with_a_newline_is_reported_on_one_line(folder: Path) -> None:
    """It must not look like two findings."""
    for ending in ("in", "ans"):
        (folder / "testcases" / f"a\nb.{ending}").write_text("1")

    with pytest.raises(ConfigurationError) as caught:
        read_problem(folder)

    assert caught.value.what.splitlines() == [
        r"'testcases/a\nb.ans': has control characters in its name",
        r"'testcases/a\nb.in': has control characters in its name",
    ]


@pytest.mark.parametrize("name", ["a b", "\u00fcn\u00efc\u00f6de & <more>"])
def test_a_name_with_spaces_or_non_ascii_letters_is_pushed(folder: Path, name: str) -> None:
    """Existing problem sets have such names."""
    for ending in ("in", "ans"):
        (folder / "testcases" / f"{name}.{ending}").write_text("1")
    store = CountingStore()

    assert f"{CASES}/{name}.in" in push_folder(store, folder)
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


def test_a_worker_can_load_a_pushed_package(package: Path) -> None:
    """Cases, settings and validator are uploaded; submissions are not."""
    store = CountingStore()
    push_folder(store, package)

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


def test_deleted_settings_and_validators_are_removed(package: Path) -> None:
    """Otherwise the worker would still use them."""
    store = CountingStore()
    push_folder(store, package)
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
        ("problem.yaml", "name: [", "problem.yaml: invalid YAML: line 1"),
        ("problem.yaml", "x: " + "y" * (1 << 18), "problem.yaml: larger than 256 KiB"),
        ("data/secret/a/testdata.yaml", "range: x", "secret/a/testdata.yaml: range: must be two"),
        ("output_validators/check.py", "import sys\nif", "output_validators/check.py: line 2"),
        ("output_validators/b.py", "", "only one validator is supported, found b.py, check.py"),
        ("data/secret/a/2.in", "", "data/secret/a/2.in: answer file missing: 2.ans or 2.out"),
    ],
)
def test_a_problem_that_the_worker_rejects_is_not_uploaded(
    package: Path, name: str, content: str, finding: str
) -> None:
    """The author can fix it; a user who submits cannot."""
    (package / name).write_text(content)

    with pytest.raises(ConfigurationError) as caught:
        read_problem(package)

    assert finding in caught.value.what


def test_a_validator_in_an_unknown_language_is_rejected(package: Path) -> None:
    """The error lists the known extensions."""
    (package / "output_validators" / "check.py").rename(package / "output_validators" / "check.rb")

    with pytest.raises(
        ConfigurationError, match=r"check\.rb: no source in a supported language.*\.py"
    ):
        read_problem(package)


def test_unknown_keys_are_a_warning(package: Path) -> None:
    """Packages have keys of other judges."""
    with (package / "problem.yaml").open("a") as file:
        file.write("colour: red\n")

    assert "problem.yaml: 'colour': unknown key, ignored" in read_problem(package).warnings


def test_a_large_file_is_streamed(folder: Path) -> None:
    """Eight concurrent uploads of 200 MB would need too much memory."""
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
    """Only names and sizes are read."""
    for number in range(3, 10_001):
        (folder / "testcases" / f"{number}.in").touch()
        (folder / "testcases" / f"{number}.ans").touch()

    assert read_problem(folder).cases == 10_000


def test_the_default_id_is_the_name_of_the_folder(folder: Path) -> None:
    """The same folder can be pushed as another problem."""
    assert read_problem(folder).problem_id == "sum"
    renamed = read_problem(folder, "sum-2")
    assert "problems/sum-2/description.md" in renamed.files
    with pytest.raises(UsageError, match="is not a valid problem id"):
        read_problem(folder, "-x")


def test_the_example_problems_are_valid() -> None:
    """The demo pushes two of them."""
    examples = Path(__file__).parents[4] / "examples" / "problems"
    found = {folder.name: read_problem(folder) for folder in examples.iterdir()}

    assert {name: problem.cases for name, problem in found.items()} == {
        "best-stretch": 8,
        "shortest-path": 6,
        "sum": 5,
        "two-numbers": 6,
    }
    assert not any(problem.warnings for problem in found.values())
