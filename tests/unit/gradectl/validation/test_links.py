"""A copy made of links leads to the same files, and adding to it changes nothing."""

from __future__ import annotations

from pathlib import Path

from gradectl.validation.links import linked, work_tree


def write(top: Path, *names: str) -> None:
    """Write files that contain their name."""
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)


def test_relative_paths_lead_to_the_same_files(tmp_path: Path) -> None:
    """In the folder, above it and in its neighbours."""
    top = tmp_path / "top"
    write(top, "a/stack/main.tf", "a/stack/files/x", "a/module/main.tf", "shared/x")

    copy = linked(top / "a" / "stack", top, tmp_path / "copy")

    for name in ("main.tf", "files/x", "../module/main.tf", "../../shared/x"):
        assert (copy / name).read_text() == (top / "a" / "stack" / name).read_text()


def test_tests_and_what_programs_made_are_left_out(tmp_path: Path) -> None:
    """And names that the caller will write."""
    write(tmp_path / "top", "a/main.tf", "a/x.tftest.hcl", "a/.terraform/x", "a/own/x")

    copy = linked(tmp_path / "top" / "a", tmp_path / "top", tmp_path / "copy", frozenset({"own"}))
    write(copy, "own/y")

    assert sorted(path.name for path in copy.iterdir()) == ["main.tf", "own"]
    assert not (tmp_path / "top" / "a" / "own" / "y").exists()


def test_the_top_is_the_work_tree_or_the_folder_above(tmp_path: Path) -> None:
    """A root may read files of the whole repository."""
    paths = [tmp_path / "top" / "a" / "b", tmp_path / "top" / "a" / "c"]

    assert work_tree(paths) == tmp_path / "top"
    (tmp_path / ".git").mkdir()
    assert work_tree(paths) == tmp_path
