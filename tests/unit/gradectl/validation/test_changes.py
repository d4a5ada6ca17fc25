"""Changed files of a branch."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, UsageError
from gradectl.processes.tools import Tools
from gradectl.validation.changes import changed_since, concerns

TOOLS = Tools(os.environ)


def git(directory: Path, *words: str) -> None:
    """Run git with a fixed author."""
    author = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *words], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A branch `work`, and a `main` that has moved on since."""
    top = tmp_path / "repository"
    (top / "a").mkdir(parents=True)
    git(top.parent, "init", "-q", "-b", "main", str(top))
    (top / "a" / "kept.tf").write_text("1")
    (top / ".gitignore").write_text("ignored\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "first")
    git(top, "switch", "-qc", "work")
    (top / "a" / "committed.tf").write_text("1")
    git(top, "add", ".")
    git(top, "commit", "-qm", "second")
    git(top, "switch", "-q", "main")
    (top / "theirs.tf").write_text("1")
    git(top, "add", ".")
    git(top, "commit", "-qm", "third")
    git(top, "switch", "-q", "work")
    return top


def names(top: Path, revision: str, below: str = ".") -> set[str]:
    """Names of the changed files."""
    found = changed_since(revision, top / below, TOOLS)
    return {str(path.relative_to(top)) for path in found}


def test_only_changes_of_the_branch_count(
    repository: Path,
) -> None:
    """A pull request contains only its own changes."""
    assert names(repository, "main") == {"a/committed.tf"}


def test_uncommitted_changes_count(repository: Path) -> None:
    """Users run it before a commit; ignored files do not count."""
    (repository / "a" / "kept.tf").write_text("2")
    (repository / "new file\n.tf").write_text("1")
    (repository / "ignored").write_text("1")

    assert names(repository, "HEAD") == {"a/kept.tf", "new file\n.tf"}


def test_the_whole_work_tree_counts_from_a_folder_in_it(repository: Path) -> None:
    """Modules may be outside of the root's folder."""
    (repository / "new.tf").write_text("1")

    assert names(repository, "HEAD", "a") == {"new.tf"}


@pytest.mark.parametrize("revision", ["nonsense", "--help", ""])
def test_a_revision_that_does_not_exist_is_refused(repository: Path, revision: str) -> None:
    """Otherwise all checks would be skipped silently."""
    with pytest.raises(UsageError, match=r"revision .* not found"):
        changed_since(revision, repository, TOOLS)


def test_a_folder_outside_git_is_refused(tmp_path: Path) -> None:
    """There is nothing to compare with."""
    with pytest.raises(ConfigurationError, match="not in a git work tree"):
        changed_since("main", tmp_path, Tools({**os.environ, "GIT_CEILING_DIRECTORIES": "/"}))


def test_without_git_there_is_one_error(repository: Path) -> None:
    """It names the missing program."""
    with pytest.raises(ConfigurationError, match="git is not installed"):
        changed_since("main", repository, Tools({"PATH": ""}))


@pytest.mark.parametrize(
    ("inputs", "expected"), [(["a"], True), (["a/b.tf"], True), (["a/b"], False), (["c"], False)]
)
def test_a_file_concerns_a_folder_above_it(
    tmp_path: Path, inputs: list[str], expected: bool
) -> None:
    """By whole names: `a/b` is not above `a/b.tf`."""
    assert concerns([tmp_path / name for name in inputs], [tmp_path / "a" / "b.tf"]) is expected
