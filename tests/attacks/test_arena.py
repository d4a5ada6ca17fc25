"""The arena detects deviations; otherwise no attack could fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from arena.arena import Arena
from arena.attack import Attack
from arena.soak import Health
from arena.tour import arenas
from arena.traces import Ground, differences, left_behind

HARMLESS = Attack("harmless", "Nothing.", ["fork bomb"], "python", ["AC"], source="print('safe')")


@pytest.fixture(scope="module")
def arena(launcher: Path) -> Iterator[Arena]:
    """An arena with one box."""
    with arenas(launcher, 1) as (only,):
        yield only


@pytest.mark.engine
def test_an_unexpected_verdict_is_a_deviation(arena: Arena) -> None:
    """It has the verdict and the logs."""
    assert arena.fight(HARMLESS).deviations == ()
    assert (
        "verdict ['AC'], not ['TLE']"
        in arena.fight(replace(HARMLESS, verdict=["TLE"])).deviations[0]
    )


@pytest.mark.engine
def test_a_file_of_a_box_user_is_found_in_world_writable_directories(arena: Arena) -> None:
    """Only its owner shows that a submission left it."""
    box = arena.ground.box
    with TemporaryDirectory() as name:
        assert left_behind(box) == []
        os.chown(name, box.users[1], -1)
        assert Path(name).name in left_behind(box)[0]
        os.chown(name, os.geteuid(), -1)


@pytest.mark.engine
def test_new_missing_and_changed_files_are_found(arena: Arena, tmp_path: Path) -> None:
    """In the box, and of the other watched files."""
    ground = Ground(arena.ground.box, [tmp_path])
    before = ground.look()
    tmp_path.chmod(0o777)
    (ground.box.directory / "run" / "left").touch()

    seen = differences(before, ground.look())
    (ground.box.directory / "run" / "left").unlink()

    assert [line.split(":")[0] for line in seen] == ["changed", "changed", "gone"]


@pytest.mark.engine
def test_cache_entries_that_others_can_change_are_found(arena: Arena, tmp_path: Path) -> None:
    """A file that others can write, and a link."""
    (tmp_path / "program").touch(mode=0o644)
    ground = Ground(arena.ground.box, [], caches=[tmp_path])
    assert ground.unsafe_cache_entries() == []

    (tmp_path / "program").chmod(0o666)
    (tmp_path / "link").symlink_to("/etc/passwd")

    assert len(ground.unsafe_cache_entries()) == 2


def test_a_worker_with_more_resources_than_before_leaks() -> None:
    """Descriptors, children and threads exactly; memory up to a bound."""
    before = Health(descriptors=9, children=2, threads=1, memory_kb=40_000)

    assert before.leaked(replace(before, memory_kb=50_000)) == []
    assert before.leaked(Health(10, 3, 2, 90_000)) == [
        "descriptors: 9 before, 10 after",
        "children: 2 before, 3 after",
        "threads: 1 before, 2 after",
        "memory: 40000 kB before, 90000 kB after",
    ]
