"""Of the unpacked images only the last two stay, with their layers."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path

from gradectl.local.image_pruning import prune, record_use

#: Times of use: two writes can have the same time on a coarse file system.
CLOCK = count(1)


def unpack(directory: Path, name: str, *layers: str) -> None:
    """Record the use of an image, and make its folders."""
    digests = [{"digest": f"sha256:{each}"} for each in layers]
    record_use(directory, f"sha256:{name}", json.dumps({"layers": digests}))
    (directory / "roots" / name).mkdir(parents=True, exist_ok=True)
    for each in layers:
        (directory / "layers" / each).mkdir(parents=True, exist_ok=True)
    os.utime(directory / "manifests" / name, ns=(0, next(CLOCK)))


def left(directory: Path) -> dict[str, set[str]]:
    """Names of what is there."""
    return {each.name: {path.name for path in each.iterdir()} for each in directory.iterdir()}


def test_the_last_two_images_stay_with_their_layers(tmp_path: Path) -> None:
    """A layer that one of them shares with a deleted image stays, too."""
    unpack(tmp_path, "first", "base", "one")
    unpack(tmp_path, "second", "base", "two")
    unpack(tmp_path, "third", "base", "three")

    prune(tmp_path)

    assert left(tmp_path) == {
        "manifests": {"second", "third"},
        "roots": {"second", "third"},
        "layers": {"base", "two", "three"},
    }


def test_an_image_that_is_used_again_is_the_newest(tmp_path: Path) -> None:
    """After a rollback the image before it is the previous one."""
    unpack(tmp_path, "first", "one")
    unpack(tmp_path, "second", "two")
    unpack(tmp_path, "first", "one")
    unpack(tmp_path, "third", "three")

    prune(tmp_path)

    assert left(tmp_path)["roots"] == {"first", "third"}


def test_what_a_killed_stack_or_an_earlier_version_left_is_deleted(tmp_path: Path) -> None:
    """Folders that are not complete, archives, and images without a record."""
    unpack(tmp_path, "first", "one")
    for name in ("roots/old", "roots/new.unfinished", "layers/old", "layers/two.unfinished"):
        (tmp_path / name / "usr").mkdir(parents=True)
    (tmp_path / "layers" / "two.tar").touch()
    (tmp_path / "manifests" / "broken").write_text("{")
    os.utime(tmp_path / "manifests" / "broken", ns=(0, 0))

    prune(tmp_path)

    assert left(tmp_path)["roots"] == {"first"}
    assert left(tmp_path)["layers"] == {"one"}


def test_a_stack_without_images_has_nothing_to_delete(tmp_path: Path) -> None:
    """Its folder does not exist yet."""
    prune(tmp_path / "images")

    assert not (tmp_path / "images").exists()
