"""Layers are put one over the other as the OCI format says, and links never lead out of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.errors import GradectlError
from gradectl.local.image_store import add_mount_points, merge


def make(folder: Path, *names: str) -> Path:
    """A layer: names that end with / are folders, the others files with the name of the layer."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(folder.name)
    return folder


def merged(root: Path, *layers: Path) -> dict[str, str]:
    """Content of each file after the layers were merged."""
    root.mkdir()
    for layer in layers:
        merge(layer, root)
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_text() for path in files}


def test_a_later_layer_replaces_and_removes_files(tmp_path: Path) -> None:
    """A whiteout removes one name, an opaque one all that the lower layers have in a folder."""
    lower = make(tmp_path / "lower", "a", "b", "kept/c", "emptied/d", "emptied/e/f")
    upper = make(tmp_path / "upper", "a", ".wh.b", "emptied/.wh..wh..opq", "emptied/g")

    found = merged(tmp_path / "root", lower, upper)

    assert found == {"a": "upper", "kept/c": "lower", "emptied/g": "upper"}


def test_a_folder_replaces_a_link_and_a_file_a_folder(tmp_path: Path) -> None:
    """A folder of a later layer never writes through a link of an earlier one."""
    lower = make(tmp_path / "lower", "real/a", "folder/b")
    (lower / "link").symlink_to("real")
    upper = make(tmp_path / "upper", "link/c", "folder")

    found = merged(tmp_path / "root", lower, upper)

    assert found == {"real/a": "lower", "link/c": "upper", "folder": "upper"}


def test_the_layers_stay_as_they_are(tmp_path: Path) -> None:
    """They are used for the next image too."""
    lower, upper = make(tmp_path / "lower", "a"), make(tmp_path / "upper", "a")

    merged(tmp_path / "root", lower, upper)

    assert (lower / "a").read_text() == "lower"


def test_modes_of_folders_are_kept(tmp_path: Path) -> None:
    """/tmp is writable for all, with the sticky bit."""
    lower = make(tmp_path / "lower", "tmp/")
    (lower / "tmp").chmod(0o1777)

    merged(tmp_path / "root", lower)

    assert (tmp_path / "root" / "tmp").stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize("link", ["etc", "data"])
def test_a_mount_point_behind_a_link_is_refused(tmp_path: Path, link: str) -> None:
    """The stack would mount over, or create, files outside of the image."""
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / link).symlink_to(tmp_path / "outside")

    with pytest.raises(GradectlError, match="symbolic link"):
        add_mount_points(root, ["/data"])

    assert list((tmp_path / "outside").iterdir()) == []


def test_missing_mount_points_are_created(tmp_path: Path) -> None:
    """An image of one program has none of them."""
    add_mount_points(tmp_path, ["/data/deep"])

    assert {path.name for path in tmp_path.iterdir()} == {"dev", "proc", "sys", "etc", "data"}
    assert (tmp_path / "data" / "deep").is_dir()
