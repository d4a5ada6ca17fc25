"""`make release` checks a version and changes nothing."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import release
from release import CHANGELOG, PACKAGE, PROJECT, UPGRADING, Repository, problems, section

READY = Repository(
    files={
        PROJECT: '[project]\nversion = "1.2.0"\n',
        PACKAGE: '__version__ = "1.2.0"\n',
        CHANGELOG: "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-12-01\n\n- A change.\n",
        UPGRADING: "# Upgrading\n\n## 1.2.0\n\nNothing to do.\n",
        "README.md": 'source = "git::https://git.example.com/x.git//m?ref=v1.1.0"\n',
    },
    status="",
    tags=frozenset({"v1.1.0"}),
)


def changed(path: str, text: str) -> Repository:
    """The repository that is ready, with another text in one file."""
    return replace(READY, files={**READY.files, path: text})


def test_a_complete_repository_has_no_problems() -> None:
    """Versions, changelog, upgrade notes, tags and work tree agree."""
    assert list(problems("1.2.0", READY)) == []


@pytest.mark.parametrize(
    ("repository", "problem"),
    [
        (
            changed(PROJECT, '[project]\nversion = "1.1.0"\n'),
            "pyproject.toml: version is 1.1.0; set it to 1.2.0",
        ),
        (
            changed(PACKAGE, '__version__ = "1.1.0"\n'),
            "gradectl/__init__.py: __version__ is 1.1.0; set it to 1.2.0",
        ),
        (
            changed(CHANGELOG, "# Changelog\n\n## Unreleased\n"),
            "CHANGELOG.md: no section '## 1.2.0 - YYYY-MM-DD' with changes; add it",
        ),
        (
            changed(CHANGELOG, "## Unreleased\n\n## 1.2.0\n\n- A change.\n"),
            "CHANGELOG.md: '## 1.2.0' has no date; write '## 1.2.0 - YYYY-MM-DD'",
        ),
        (
            changed(CHANGELOG, "## Unreleased\n\n- New.\n\n## 1.2.0 - 2026-12-01\n\n- A change.\n"),
            "CHANGELOG.md: 'Unreleased' has changes; move them to '## 1.2.0'",
        ),
        (
            changed(UPGRADING, "# Upgrading\n\n## Unreleased\n"),
            "docs/upgrading.md: no section '## 1.2.0'; say what an upgrade asks of users",
        ),
        (
            changed("README.md", "?ref=v9.0.0"),
            "README.md: ?ref=v9.0.0 is not a tag; write COMMIT or v1.2.0",
        ),
        (
            replace(READY, tags=frozenset({"v1.1.0", "v1.2.0"})),
            "git: tag v1.2.0 exists; choose the next version",
        ),
        (
            replace(READY, status=" M README.md\n"),
            "git: M README.md: not committed; commit or remove it",
        ),
    ],
    ids=["project", "package", "changelog", "date", "unreleased", "upgrade", "ref", "tag", "tree"],
)
def test_each_gap_is_one_problem_with_its_fix(repository: Repository, problem: str) -> None:
    """All gaps are listed at once, each with the file and what to write."""
    assert list(problems("1.2.0", repository)) == [problem]


def test_a_section_ends_at_the_next_heading() -> None:
    """1.2.0 is not taken for 1.2.0-rc1 or for 1.2."""
    text = "## 1.2.0-rc1\n\nold\n\n## 1.2.0 - 2026-12-01\n\nnew\n\n## 1.1.0\n\nolder\n"

    assert section(text, "1.2.0") == ("- 2026-12-01", "new")
    assert section(text, "1.2") is None


@pytest.mark.parametrize("arguments", [[], ["1.2"], ["v1.2.0"], ["1.2.0", "1.3.0"], ["01.2.0"]])
def test_a_wrong_version_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With an example of a right one."""
    assert release.main(arguments) == 64
    assert "make release VERSION=1.2.3" in capsys.readouterr().err


def test_a_release_prints_two_commands_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person runs them; the repository stays as it was."""
    for name, text in READY.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        [*author, "commit", "-qm", "m"],
        ["tag", "v1.1.0"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)

    code = release.main(["1.2.0"], tmp_path)

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "git tag --annotate v1.2.0 --message 'gradectl 1.2.0'",
        "git push origin v1.2.0",
    ]
    assert release.read(tmp_path).tags == {"v1.1.0"}
    assert release.main(["1.1.0"], tmp_path) == 4
