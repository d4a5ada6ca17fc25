"""The tag of an image names everything that determines it, and nothing else."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.image_content import ImageContent, read_content
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError
from gradectl.processes.tools import Tools

REPOSITORY = Path(__file__).resolve().parents[4]


def read(
    root: Path,
    image: dict[str, Any] | None = None,
    editor: Path = Path("/no/editor"),
    **variables: Any,
) -> ImageContent:
    environment = Environment.model_validate(
        {
            "schema_version": 1,
            "name": "dev",
            "account_id": "123456789012",
            "region": "eu-west-1",
            "image": image or {},
            "variables": variables,
        }
    )
    return read_content(root, environment, Tools({"PATH": ""}), editor)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The smallest project with an image."""
    for name in ("Dockerfile", "pyproject.toml", "requirements/constraints.txt", "grader/a.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}\n")
    return tmp_path


def test_files_that_are_not_source_have_no_influence(root: Path) -> None:
    """Nor have times and modes; secrets next to the source never reach the builder."""
    before = read(root).tag
    (root / "grader" / ".env").write_text("PASSWORD=x")
    (root / "grader" / "notes.txt").write_text("x")
    (root / "README.md").write_text("x")
    os.utime(root / "grader" / "a.py", (0, 0))
    (root / "grader" / "a.py").chmod(0o600)

    content = read(root)
    assert content.tag == before
    assert "grader/.env" not in content.files


@pytest.mark.parametrize(
    ("image", "variables"),
    [
        ({"base": "debootstrap"}, {}),
        ({"languages": "full"}, {}),
        ({"headers": True}, {}),
        ({"packages": "2026-11-29"}, {}),
        ({}, {"ecs_architecture": "ARM64"}),
    ],
)
def test_each_setting_changes_the_tag(
    root: Path, image: dict[str, Any], variables: dict[str, Any]
) -> None:
    """Otherwise an image with other languages would count as pushed."""
    assert read(root, image, **variables).tag != read(root).tag


def test_the_page_and_its_editor_are_part_of_the_content(root: Path, tmp_path: Path) -> None:
    """Another version of the editor is another image; without it the page has a text area."""
    pages = [root / "grader" / "api" / each for each in ("page/static", "docs_page")]
    editor = tmp_path / "editor"
    for page in pages:
        page.mkdir(parents=True)
        (page / "index.html").write_text("<!doctype html>")
    without = read(root, editor=editor)
    (editor / "dist").mkdir(parents=True)
    for name in ("LICENSE", ".env", "dist/index.js", "dist/index.js.map"):
        (editor / name).write_text(name)

    content = read(root, editor=editor)

    assert (without.has_editor, content.has_editor) == (False, True)
    assert "grader/api/page/static/index.html" in without.files
    assert "grader/api/docs_page/index.html" in without.files
    assert content.files.keys() - without.files.keys() == {"editor/LICENSE", "editor/dist/index.js"}
    assert content.tag != without.tag


def test_a_changed_file_changes_the_tag(root: Path) -> None:
    """Its content, and its name."""
    before = read(root).tag
    (root / "grader" / "a.py").rename(root / "grader" / "b.py")
    renamed = read(root).tag
    (root / "grader" / "b.py").write_text("changed")

    assert len({before, renamed, read(root).tag}) == 3


def test_the_files_are_written_with_modes_for_all(root: Path, tmp_path: Path) -> None:
    """A strict umask of one machine must not change the digest."""
    target = tmp_path / "context"
    target.mkdir()

    read(root).write(target, {})

    modes = {path.name: path.stat().st_mode & 0o777 for path in target.rglob("*")}
    assert modes["a.py"] == 0o644
    assert modes["grader"] == modes["requirements"] == 0o755


def test_labels_are_part_of_the_instructions(root: Path, tmp_path: Path) -> None:
    """With build arguments instead, buildah 1.28 took the labels of an earlier build."""
    target = tmp_path / "context"
    target.mkdir()

    read(root).write(target, {"b": "2", "a": "1"})

    assert (target / "Dockerfile").read_text() == 'Dockerfile\nLABEL "a"="1" "b"="2"\n'


def test_a_project_without_the_source_is_one_error(tmp_path: Path) -> None:
    """The error lists the missing files."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path)

    assert "Dockerfile, pyproject.toml" in caught.value.what


def test_an_unknown_architecture_is_refused(root: Path) -> None:
    """Before anything is built."""
    with pytest.raises(ConfigurationError) as caught:
        read(root, ecs_architecture="SPARC")

    assert "X86_64, ARM64" in caught.value.what


def test_a_build_without_gradectl_gets_the_same_files() -> None:
    """The lines of .dockerignore that let files in name all of them."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in lines if line.startswith("!")]
    files = read(REPOSITORY).files

    assert "*" in lines
    assert not [
        path
        for path in files
        if not any(fnmatch.fnmatch(path, each) or path.startswith(f"{each}/") for each in kept)
    ]
