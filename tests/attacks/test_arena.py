"""The arena itself: what it would not see, no attack could be blamed for."""

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
    """One slot."""
    with arenas(launcher, 1) as (only,):
        yield only


@pytest.mark.engine
def test_a_verdict_that_was_not_expected_is_told(arena: Arena) -> None:
    """With what the grader said of it."""
    assert arena.fight(HARMLESS).deviations == ()
    assert (
        "verdict ['AC'], not ['TLE']"
        in arena.fight(replace(HARMLESS, verdict=["TLE"])).deviations[0]
    )


@pytest.mark.engine
def test_a_file_of_a_slot_user_is_seen_wherever_all_may_write(arena: Arena) -> None:
    """Only its owner tells that it was left by a submission."""
    box = arena.ground.box
    with TemporaryDirectory() as name:
        assert left_behind(box) == []
        os.chown(name, box.users[1], -1)
        assert Path(name).name in left_behind(box)[0]
        os.chown(name, os.geteuid(), -1)


@pytest.mark.engine
def test_what_comes_goes_or_changes_its_mode_is_seen(arena: Arena, tmp_path: Path) -> None:
    """In the slot, and of the places that are watched by themselves."""
    ground = Ground(arena.ground.box, [tmp_path])
    before = ground.look()
    tmp_path.chmod(0o777)
    (ground.box.directory / "run" / "left").touch()

    seen = differences(before, ground.look())
    (ground.box.directory / "run" / "left").unlink()

    assert [line.split(":")[0] for line in seen] == ["changed", "changed", "gone"]


@pytest.mark.engine
def test_what_is_not_the_workers_alone_in_a_cache_is_seen(arena: Arena, tmp_path: Path) -> None:
    """A file that others may write, and a link."""
    (tmp_path / "program").touch(mode=0o644)
    ground = Ground(arena.ground.box, [], caches=[tmp_path])
    assert ground.strangers() == []

    (tmp_path / "program").chmod(0o666)
    (tmp_path / "link").symlink_to("/etc/passwd")

    assert len(ground.strangers()) == 2


def test_a_worker_that_has_more_than_before_has_lost_something() -> None:
    """Descriptors, children and threads exactly; memory within a bound."""
    before = Health(descriptors=9, children=2, threads=1, memory_kb=40_000)

    assert before.lost(replace(before, memory_kb=50_000)) == []
    assert before.lost(Health(10, 3, 2, 90_000)) == [
        "descriptors: 9 before, 10 after",
        "children: 2 before, 3 after",
        "threads: 1 before, 2 after",
        "memory: 40000 kB before, 90000 kB after",
    ]
