"""
A task with a small disk or little memory that one program uses up.

Where this machine has no loop device or no cgroup, a drill is skipped with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from arena.attack import Attack
from arena.child import in_a_child
from arena.drills import Drilled, beside, in_a_cgroup, on_a_disk, without_memory
from arena.small import small_disk, why_no_disk
from arena.table import say
from cgroups import memory_cgroup, why_no_cgroup
from sandboxes import own_users

from grader.sandbox.build import Installation, install, uninstall

_NO_DISK, _NO_CGROUP = why_no_disk(), why_no_cgroup()
needs_disk = pytest.mark.skipif(bool(_NO_DISK), reason=_NO_DISK)
needs_cgroup = pytest.mark.skipif(bool(_NO_CGROUP), reason=_NO_CGROUP)
pytestmark = pytest.mark.engine

_BOXES = 3  # of which one has files to steal
_MB = 1 << 20
_DISK = 192 * _MB
_TASK = 1024 * _MB


def program(name: str, language: str, source: str, **limits: int | bool) -> Attack:
    return Attack(name, "", [], language, [], source=source, **limits)


HONEST = [
    program("sums", "python", "print('safe')"),
    program("prints", "c", '#include <stdio.h>\nint main(void) { puts("safe"); return 0; }'),
]
#: It needs 150 MB for a moment that is longer than a tick of the watch.
LARGE = program(
    "large",
    "python",
    "import select\n"
    "kept = bytearray(150 << 20)\n"
    "for at in range(0, len(kept), 4096): kept[at] = 1\n"
    "select.select([], [], [], 0.1)\n"
    "print('safe')",
    time_limit_ms=5000,
    memory_limit_mb=256,
)
COMPILED = program(
    "compiled",
    "cpp17",
    "#include <iostream>\n#include <map>\n#include <regex>\n"
    'int main() { std::regex all(".*"); std::cout << "safe" << std::endl; }',
    time_limit_ms=5000,
    memory_limit_mb=256,
    compile_seconds=20,
)
#: Then it spins, so that its blocks stay until its time limit.
PREALLOCATES = """\
#define _GNU_SOURCE
#include <fcntl.h>
int main(void)
{
    long at = 0;
    for (long size = 512 << 20; size >= 4096; size /= 2)
        while (fallocate(1, FALLOC_FL_KEEP_SIZE, at, size) == 0)
            at += size;
    for (;;)
        ;
}
"""
FILLS_FILES = """\
number = 0
while True:
    number += 1
    try:
        with open(f'{number}', 'wb') as file:
            while True:
                file.write(bytes(1 << 16))
    except OSError:
        pass
"""
#: Each process maps less than its address space may have, and keeps none of it resident.
HIDES_MEMORY = """\
import mmap, os, socket
kept = []
for _ in range(6):
    if os.fork() == 0:
        break
try:
    for _ in range(40):
        for end in socket.socketpair():
            kept.append(end)
            end.setblocking(False)
            try:
                while True: end.send(bytes(1 << 16))
            except BlockingIOError: pass
except OSError: pass
for _ in range(200):
    try:
        part = mmap.mmap(-1, 1 << 20)
        part.write(bytes([1]) * (1 << 20))
        part.madvise(mmap.MADV_DONTNEED)
        kept.append(part)
    except (OSError, ValueError, MemoryError): break
while True: pass
"""


def reported(work: Callable[[], Drilled]) -> Drilled:
    done = in_a_child(work)
    assert done.failure == ""
    drilled: Drilled = done.result
    attempts = [len(seen) for seen in drilled.neighbours]
    say(f"offender {drilled.offender or 'none'}, attempts of honest submissions {attempts}")
    return drilled


#: Runs an attack beside honest submissions.
Drill = Callable[[Attack], Drilled]


@pytest.fixture(scope="module")
def drill_on_a_disk() -> Iterator[Drill]:
    """A small disk with a launcher and its boxes."""
    with small_disk(_DISK) as disk, own_users() as first_user:
        wanted = Installation(
            output=disk / "launcher",
            box_root=disk / "boxes",
            uid_base=first_user,
            boxes=_BOXES,
            worker_gid=os.getegid(),
        )
        install(wanted)

        def drill(offender: Attack) -> Drilled:
            return reported(partial(on_a_disk, disk, wanted.output, offender, HONEST))

        yield drill
        uninstall(wanted)


@needs_disk
def test_preallocated_blocks_are_refused_before_the_disk_is_full(drill_on_a_disk: Drill) -> None:
    """No neighbour needs a second attempt."""
    drilled = drill_on_a_disk(program("preallocates", "c", PREALLOCATES, time_limit_ms=500))

    assert set(drilled.neighbours) == {("AC",)}
    assert drilled.offender in {"TLE", "OLE"}
    assert drilled.afterwards == ()


@needs_disk
@pytest.mark.parametrize(
    ("offender", "verdicts"),
    [
        (
            program("program", "python", FILLS_FILES, time_limit_ms=1000, writable=True),
            {"TLE", "OLE"},
        ),
        (program("compiler", "taken-over-compiler", FILLS_FILES, compile_seconds=2), {"CE"}),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_files_that_fill_the_disk_are_not_the_verdict_of_a_neighbour(
    drill_on_a_disk: Drill, offender: Attack, verdicts: set[str]
) -> None:
    """
    An honest submission gets AC, if need be after a fault of the platform and another attempt.

    The offender gets the verdict for what it did, the space is free again, and both boxes work.
    """
    drilled = drill_on_a_disk(offender)

    assert drilled.wrong == []
    assert drilled.offender in verdicts
    assert drilled.afterwards == ()


@needs_cgroup
def test_memory_that_a_neighbour_hides_is_not_the_verdict_of_an_honest_program(
    launcher: Path,
) -> None:
    """A task of 1 GB, a program that keeps memory outside its processes, and one with 150 MB."""
    offender = program("hides", "python", HIDES_MEMORY, time_limit_ms=3000, memory_limit_mb=256)
    work = partial(beside, attack=offender, honest=[LARGE])
    with memory_cgroup(_TASK) as group:
        drilled = reported(partial(in_a_cgroup, group, launcher, work))

    assert drilled.wrong == []
    assert drilled.offender in {"TLE", "MLE", "RE", "IE"}
    assert drilled.afterwards == ()


@needs_cgroup
@pytest.mark.parametrize("honest", [LARGE, COMPILED], ids=lambda one: one.name)
def test_what_the_kernel_ends_for_lack_of_memory_is_tried_again(
    launcher: Path, honest: Attack
) -> None:
    """Neither RE, MLE nor CE: the task had too little memory, not the program too much."""
    with memory_cgroup(_TASK) as group:
        work = partial(without_memory, group, honest=[honest], left_bytes=60 * _MB)
        drilled = reported(partial(in_a_cgroup, group, launcher, work))

    assert drilled.neighbours == (("IE", "AC"),)
    assert drilled.afterwards == ()
