"""Used directories are removed while the box is used again, whatever is in them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from sandboxes import launcher_of, launchers_of, shell, wait_until, wait_until_emptied

from grader.errors import SandboxError
from grader.sandbox import Box

pytestmark = pytest.mark.engine

#: Makes a chain of directories in its working directory, with a file and a link in each tenth.
DEEP = (
    "import os, sys\n"
    "for level in range(int(sys.argv[1])):\n"
    "    if level % 10 == 0:\n"
    "        open('file', 'w').close(); os.symlink('/nonexistent', 'link')\n"
    "    os.mkdir('d'); os.chdir('d')\n"
)
MAX_MEMORY_KB = 8192
#: The control socket, the trash, and two directories.
MAX_DESCRIPTORS = 6


def thrown_away(launcher: Path, name: str) -> Path:
    """A directory in the trash of the first box, as an earlier launcher left it."""
    with Box.claim(launcher) as box:
        trash = box.directory / "trash"
    (trash / name).mkdir()
    return trash / name


def deepen(directory: Path, levels: int) -> None:
    subprocess.run([sys.executable, "-c", DEEP, str(levels)], cwd=directory, check=True)


def emptier_of(box: Box) -> int:
    """Process that removes the used directories of a box."""
    for each in launchers_of(box):
        with suppress(OSError):
            if launcher_of(launcher_of(each)) == os.getpid():
                return each
    pytest.fail("there is none")


@pytest.mark.parametrize(
    "levels", [3_000, pytest.param(420_000, marks=pytest.mark.exhaustive, id="420000")]
)
def test_a_deep_tree_is_removed_with_little_memory(launcher: Path, levels: int) -> None:
    """Also one of a worker that was killed before: the next launcher goes on."""
    deepen(thrown_away(launcher, "deep"), levels)

    with Box.claim(launcher) as box:
        wait_until_emptied(box)
        emptier = Path(f"/proc/{emptier_of(box)}")
        found = re.search(r"^VmHWM:\s+(\d+) kB", (emptier / "status").read_text(), re.MULTILINE)
        assert found
        assert int(found[1]) < MAX_MEMORY_KB
        assert len(list((emptier / "fd").iterdir())) <= MAX_DESCRIPTORS


def lock_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    os.fchmod(fd, 0)
    os.close(fd)


def test_odd_names_and_locked_directories_are_removed(launcher: Path, tmp_path: Path) -> None:
    """Also names that the emptier itself uses, and files in the place of directories."""
    top = thrown_away(launcher, "odd")
    for name in (*map(str, range(30)), "-rf", "a\nb", "\x01", "x" * 255, "*", "..."):
        (top / name / "0" / "1").mkdir(parents=True)
        (top / name / "0" / "1" / "2").touch()
        lock_directory(top / name / "0")
        lock_directory(top / name)
    (top / "locked").mkdir()
    for number in range(30, 60):
        (top / str(number)).touch()
    os.mkfifo(top / "fifo")
    (top.parent / "not a directory").symlink_to(tmp_path)

    with Box.claim(launcher) as box:
        wait_until_emptied(box)


def test_nothing_outside_is_touched(launcher: Path, tmp_path: Path) -> None:
    """Not the targets of links, nor another file system that is mounted there."""
    (tmp_path / "kept").mkdir()
    kept = tmp_path / "kept" / "file"
    kept.write_text("kept")
    other = tmp_path / "mounted"
    other.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", other], check=True)
    top = thrown_away(launcher, "traps")
    inner = top / "a" / "b" / "mount"
    inner.mkdir(parents=True)
    (top / "a" / "link").symlink_to(kept.parent)
    (top / "a" / "b" / "link").symlink_to(kept)
    os.link(kept, top / "a" / "hard")
    subprocess.run(["mount", "--bind", other, inner], check=True)
    try:
        (other / "sub").mkdir()
        (other / "sub" / "file").touch()
        with Box.claim(launcher) as box:
            assert box.run(shell(tmp_path / "run", "mkdir -p x/y")).succeeded
        left = [path.name for path in top.parent.iterdir()]
        assert (kept.read_text(), kept.stat().st_nlink) == ("kept", 1)
        assert (other / "sub" / "file").exists()
        assert left == ["traps"]
    finally:
        (inner,) = top.parent.rglob("mount")  # the directories above it were moved or removed
        subprocess.run(["umount", inner], check=True)
        subprocess.run(["umount", "--lazy", other], check=True)
    with Box.claim(launcher) as box:
        wait_until_emptied(box)


def test_a_killed_emptier_is_an_error_and_then_replaced(launcher: Path, tmp_path: Path) -> None:
    """What it did not remove is removed by the next one."""
    with Box.claim(launcher) as box:
        assert box.run(shell(tmp_path, "mkdir -p a/b")).succeeded
        os.kill(emptier_of(box), signal.SIGKILL)
        with pytest.raises(SandboxError, match="emptying"):
            box.clean()
        box.clean()
        wait_until_emptied(box)
        assert box.run(shell(tmp_path, "mkdir -p a/b")).succeeded


def test_a_worker_killed_while_its_box_is_emptied_leaves_nothing(
    launcher: Path, tmp_path: Path
) -> None:
    """Whoever is killed: worker, launcher, or both with the emptier."""
    for victims in (("worker",), ("launcher",), ("worker", "launcher", "emptier")):
        number = killed_while_emptying(launcher, tmp_path, victims)
        with Box.claim(launcher) as box:
            assert box.number == number
            wait_until_emptied(box)
            spec = shell(tmp_path / "look", "ls -A . ../build")
            assert box.run(spec).succeeded
            assert spec.stdout.read_bytes() == b".:\n\n../build:\n"


def killed_while_emptying(launcher: Path, directory: Path, victims: tuple[str, ...]) -> int:
    """Kill processes right after the emptier was given a tree; returns the number of the box."""
    deepen(thrown_away(launcher, "deep"), 1_000)
    reading, writing = os.pipe()
    worker = os.fork()
    if worker == 0:
        with Box.claim(launcher) as box:
            box.run(shell(directory / "run", "mkdir -p a/b; echo secret > a/b/c"))
            emptier = emptier_of(box)
            os.write(writing, f"{launcher_of(emptier)} {emptier} {box.number}".encode())
            box.clean()
            signal.pause()
    of_launcher, emptier, number = map(int, os.read(reading, 100).split())
    pids = {"worker": worker, "launcher": of_launcher, "emptier": emptier}
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(pids[victim], signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    os.close(reading)
    os.close(writing)
    wait_for_lock(launcher, number)
    return number


def wait_for_lock(launcher: Path, number: int) -> None:
    """Wait until the launcher of a killed worker has released its box."""

    def is_free() -> bool:
        with Box.claim(launcher) as box:
            return box.number == number

    wait_until(is_free)
