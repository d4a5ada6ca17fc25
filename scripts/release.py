"""
Checks that a version can be released, and prints the commands that release it.

`python scripts/release.py 1.2.3` changes nothing. It exits with 4 when something is missing, after
listing all of it, and with 64 when the version is not one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gradectl.errors import ExitCode

TOP = Path(__file__).resolve().parents[1]
PROJECT = "pyproject.toml"
PACKAGE = "gradectl/__init__.py"  # what `gradectl version` shows
CHANGELOG = "CHANGELOG.md"
UPGRADING = "docs/upgrading.md"
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_PACKAGE_VERSION = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
_TAG_IN_EXAMPLE = re.compile(r"\?ref=v(\d[\w.-]*)")


@dataclass(frozen=True)
class Repository:
    """
    What a release is checked against.

    Args:
        files: Texts by path: the files above, and every Markdown page.
        status: Output of `git status --porcelain`.
        tags: Tags that exist.
    """

    files: Mapping[str, str]
    status: str
    tags: frozenset[str]


def section(text: str, title: str) -> tuple[str, str] | None:
    """Return heading and body of the `##` section whose first word is `title`; None without one."""
    found = re.search(
        rf"^## \[?{re.escape(title)}\]?(?P<rest>(?: [^\n]*)?)\n(?P<body>.*?)(?=^## |\Z)",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return (found["rest"].strip(), found["body"].strip()) if found else None


def problems(version: str, repository: Repository) -> Iterator[str]:
    """
    List what keeps a version from being released, with the fix.

    Args:
        version: The version, such as `1.2.3`.
        repository: Files, status and tags.
    """
    files = repository.files
    declared = str(tomllib.loads(files[PROJECT])["project"]["version"])
    if declared != version:
        yield f"{PROJECT}: version is {declared}; set it to {version}"
    shown = _PACKAGE_VERSION.search(files[PACKAGE])
    if not shown or shown[1] != version:
        yield f"{PACKAGE}: __version__ is {shown[1] if shown else 'missing'}; set it to {version}"
    yield from _changelog(version, files[CHANGELOG])
    upgrade = section(files[UPGRADING], version)
    if not upgrade or not upgrade[1]:
        yield f"{UPGRADING}: no section '## {version}'; say what an upgrade asks of users"
    for path, text in sorted(files.items()):
        for tag in sorted(set(_TAG_IN_EXAMPLE.findall(text))):
            if tag != version and f"v{tag}" not in repository.tags:
                yield f"{path}: ?ref=v{tag} is not a tag; write COMMIT or v{version}"
    if f"v{version}" in repository.tags:
        yield f"git: tag v{version} exists; choose the next version"
    for line in repository.status.splitlines():
        yield f"git: {line.strip()}: not committed; commit or remove it"


def _changelog(version: str, text: str) -> Iterator[str]:
    """List what is wrong with the changelog."""
    released = section(text, version)
    if not released or not released[1]:
        yield f"{CHANGELOG}: no section '## {version} - YYYY-MM-DD' with changes; add it"
    elif not re.fullmatch(r"- \d{4}-\d{2}-\d{2}", released[0]):
        yield f"{CHANGELOG}: '## {version}' has no date; write '## {version} - YYYY-MM-DD'"
    waiting = section(text, "Unreleased")
    if waiting and waiting[1]:
        yield f"{CHANGELOG}: 'Unreleased' has changes; move them to '## {version}'"


def read(top: Path) -> Repository:
    """Read the repository at `top`."""
    pages = _git(top, "ls-files", "*.md").splitlines()
    return Repository(
        files={
            name: (top / name).read_text(encoding="utf-8")
            for name in (PROJECT, PACKAGE, *pages)
            if (top / name).is_file()
        },
        status=_git(top, "status", "--porcelain"),
        tags=frozenset(_git(top, "tag", "--list").split()),
    )


def _git(top: Path, *arguments: str) -> str:
    command = ["git", "-C", str(top), *arguments]  # the git of whoever releases
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(arguments: list[str], top: Path = TOP) -> int:
    """
    Check a version and print the two commands that release it.

    Args:
        arguments: The version.
        top: Root of the repository.

    Returns:
        The exit code.
    """
    if len(arguments) != 1 or not _VERSION.fullmatch(arguments[0]):
        sys.stderr.write(
            "error: give one version, such as 1.2.3\nnext:  make release VERSION=1.2.3\n"
        )
        return ExitCode.USAGE
    version = arguments[0]
    found = list(problems(version, read(top)))
    for each in found:
        sys.stderr.write(f"{each}\n")
    if found:
        return ExitCode.CHECK_FAILED
    sys.stdout.write(f"git tag --annotate v{version} --message 'gradectl {version}'\n")
    sys.stdout.write(f"git push origin v{version}\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
