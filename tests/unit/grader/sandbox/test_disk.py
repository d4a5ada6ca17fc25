"""Disk space: blocks and files of a run, and the disk of the boxes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sandboxes import installed, shell, wait_until, wait_until_emptied, wanted_launcher

from grader.errors import SandboxError
from grader.sandbox import Box
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.files import with_output_limit
from grader.sandbox.runs import RunOutcome, StopReason

pytestmark = pytest.mark.engine

HONEST = "mkdir a; for i in $(seq 500); do echo 1 > a/$i; done; head -c 900000 /dev/zero > b"
TRAPS = "mkdir -p a/b; echo 1 > a/b/c; chmod 0 a; ln -s /nonexistent e; mkfifo f"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param(HONEST, "ended", id="within"),
        pytest.param("for i in $(seq 30); do mkdir $i; cd $i; done", "ended", id="nested"),
        pytest.param("for i in $(seq 80); do mkdir $i; cd $i; done", "output", id="deep"),
        pytest.param(
            "python3 -ISc 'for i in range(25000): open(str(i), \"w\").close()'",
            "output",
            id="many",
        ),
        pytest.param(
            "for i in $(seq 80); do head -c 1000000 /dev/zero > $i; done; sleep 20",
            "output",
            id="large",
        ),
        pytest.param("truncate -s 1000000 $(seq 400)", "ended", id="sparse"),
        pytest.param(
            "head -c 1000000 /dev/zero > a; for i in $(seq 200); do ln a $i; done",
            "ended",
            id="links",
        ),
    ],
)
def test_a_run_holds_a_limited_number_of_blocks_and_files(
    box: Box, tmp_path: Path, script: str, reason: str
) -> None:
    """While it runs, and once more when it has ended; sizes without blocks do not count."""
    assert box.run(shell(tmp_path, script)).reason == reason


def test_blocks_beyond_the_end_of_the_output_count(tmp_path: Path) -> None:
    """The filter refuses to reserve them; if a new call can, the size alone would not show it."""
    spec = shell(tmp_path, "")
    spec.stderr.touch()
    ended = RunOutcome(StopReason.ENDED, 0, 0, 0, 0, 0)
    for megabytes, reason in ((2, StopReason.ENDED), (16, StopReason.OUTPUT)):
        spec.stdout.write_bytes(b"")
        reserve = ["fallocate", "--keep-size", "--length", f"{megabytes}MiB", str(spec.stdout)]
        subprocess.run(reserve, check=True)
        assert with_output_limit(ended, spec, tmp_path).reason is reason


def test_a_nearly_full_disk_is_an_error_when_its_cause_cannot_be_seen(tmp_path: Path) -> None:
    """Files without a name: the run is ended before it fills the disk, and gets no verdict."""
    script = (
        "import os, signal\n"
        "kept = []\n"
        "for number in range(250):\n"
        "    kept.append(open('x', 'wb', 0)); os.unlink('x')\n"
        "    try: kept[-1].write(bytes(1 << 20))\n"
        "    except OSError: break\n"
        "signal.pause()\n"
    )
    with installed(small_disk="140m") as path, Box.claim(path) as box:
        spec = shell(tmp_path, f'exec python3 -ISc "{script}"')
        with pytest.raises(SandboxError, match="the disk is full"):
            box.run(spec)
        box.clean()
        assert box.run(shell(tmp_path / "next", HONEST)).succeeded


@contextmanager
def file_system(kind: str, place: Path, scratch: Path) -> Iterator[bool]:
    """Mount a file system of this kind; yields False, and says why, if this machine cannot."""
    image = scratch / "image"
    if kind in {"ext4", "xfs"}:
        with image.open("wb") as file:
            file.truncate(400 << 20)
        commands = [[f"mkfs.{kind}", "-q", str(image)], ["mount", "-o", "loop", image, place]]
    elif kind == "overlay":
        scratch = Path("/dev/shm", scratch.name)
        names = [scratch / name for name in ("lower", "upper", "work")]
        for name in names:
            name.mkdir(parents=True)
        options = "lowerdir={},upperdir={},workdir={}".format(*names)
        commands = [["mount", "-t", "overlay", "-o", options, "none", place]]
    else:
        commands = [["mount", "-t", kind, "-o", "mode=755", "none", place]]
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            assert kind != "tmpfs"
            why = getattr(error, "stderr", "") or error
            print(f"\nboxes on {kind}: not possible on this machine: {why}", file=sys.__stderr__)
            yield False
            return
    place.chmod(0o755)
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
        if kind == "overlay":
            subprocess.run(["rm", "-r", scratch], check=True)


def remount(place: Path, how: str) -> None:
    """Change a mount; it is busy as long as the kernel closes files of ended programs."""
    command = ["mount", "-o", f"remount,{how}", str(place)]
    wait_until(lambda: subprocess.run(command, check=False).returncode == 0)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "xfs", "overlay"])
def test_a_box_works_on_any_file_system(tmp_path: Path, kind: str) -> None:
    """It is emptied and its disk space counted; a read-only one is an error, and then works."""
    with wanted_launcher() as wanted:
        place = wanted.box_root.parent
        with file_system(kind, place, tmp_path) as possible:
            if possible:
                install(wanted)
                use_boxes(wanted, tmp_path)
                uninstall(wanted)


def use_boxes(wanted: Installation, directory: Path) -> None:
    with Box.claim(wanted.output) as box:
        assert box.run(shell(directory / "traps", TRAPS)).succeeded
        assert box.run(shell(directory / "honest", HONEST)).succeeded
        large = "for i in $(seq 70); do head -c 1000000 /dev/zero > $i; done"
        assert box.run(shell(directory / "large", large)).reason is StopReason.OUTPUT
        box.clean()
        wait_until_emptied(box)
    remount(wanted.box_root.parent, "ro")
    with pytest.raises(SandboxError, match="Read-only"), Box.claim(wanted.output):
        pass
    remount(wanted.box_root.parent, "rw")
    with Box.claim(wanted.output) as box:
        assert box.run(shell(directory / "again", HONEST)).succeeded
