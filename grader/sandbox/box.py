"""
One claimed slot of the sandbox.

Each slot has users and directories of its own; see launcher.c for what they are.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from grader.contract.runs import Role, RunLimits, RunOutcome, RunSpec
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, SandboxError
from grader.sandbox.launcher import Launcher

#: Where any user may leave files.
_SHARED_DIRECTORIES = tuple(
    map(Path, ("/tmp", "/var/tmp", "/dev/shm"))  # noqa: S108 - cleaned, never written
)
_CLEANING_LIMITS = RunLimits(
    cpu_ms=20_000,
    wall_ms=60_000,
    memory_mb=256,
    output_bytes=1 << 20,
    processes=16,
    bound_address_space=False,
)


class Box:
    """
    A slot that this process holds until it lets go.

    Args:
        launcher: The installed launcher.
        slot: Number of the slot, already locked.
    """

    def __init__(self, launcher: Launcher, slot: int) -> None:
        """Use `Box.claim` instead: it also locks the slot."""
        self._launcher = launcher
        self.directory = launcher.box_root / f"slot-{slot}"
        self.slot = slot
        self.users = launcher.users(slot)

    @classmethod
    @contextmanager
    def claim(cls, launcher_path: Path) -> Iterator[Box]:
        """
        Take the first free slot, clean, for as long as the context lasts.

        Raises:
            SettingsError: The launcher is not there or may not be executed.
            SandboxError: All slots are taken, or one cannot be made clean.
        """
        launcher = Launcher.open(launcher_path)
        for slot in range(launcher.slots):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
                if not _lock(lock, launcher.users(slot)):
                    continue
                launcher.prepare(slot)
                box = cls(launcher, slot)
                box.clean()
                yield box
                return
        raise SandboxError(
            f"all {launcher.slots} slots are taken",
            where=str(launcher.box_root),
            next_step="build the launcher with more --slots",
        )

    def run(self, spec: RunSpec) -> RunOutcome:
        """Run one program; afterwards none of its processes is left."""
        return self._launcher.run(self.slot, spec)

    def store(self, role: Role, name: str, content: bytes) -> None:
        """Give the user of `role` a read-only file in its own directory."""
        with TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            self._launcher.store(self.slot, role, name, file)

    def adopt(self, name: str, *, max_bytes: int) -> None:
        """
        Move what the compiler built to where the run user can execute, but not change, it.

        Nothing about the file is believed: no link is followed, no FIFO waited for.

        Raises:
            ObjectNotFoundError: There is no such file, or it is not a plain one.
            ObjectTooLargeError: It is larger than `max_bytes`.
        """
        try:
            fd = os.open(
                self.directory / "build" / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError as error:
            raise ObjectNotFoundError(f"cannot be read: {error.strerror}", where=name) from None
        _check_plain(fd, name, max_bytes)
        with os.fdopen(fd, "rb") as file:
            self._launcher.store(self.slot, Role.RUN, name, file)

    def survivors(self) -> list[int]:
        """Process ids of the slot's users, living or dead; between runs there must be none."""
        found = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                owner = re.search(r"^Uid:\s+(\d+)", status.read_text(), re.MULTILINE)
            except (FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
                continue
            if owner and int(owner[1]) in self.users:
                found.append(int(status.parent.name))
        return found

    def clean(self) -> None:
        """End the slot's processes and remove all files that its users have or left anywhere."""
        self._launcher.clean(self.slot)
        for role, user in zip(Role, self.users, strict=True):
            if user in self._owners_of_leftovers():
                self._remove_files(role, user)

    def _owners_of_leftovers(self) -> set[int]:
        owners = set()
        for directory in (self.directory / "build", *_SHARED_DIRECTORIES):
            with suppress(FileNotFoundError), os.scandir(directory) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # others come and go in the shared ones
                        owners.add(entry.stat(follow_symlinks=False).st_uid)
        return owners

    def _remove_files(self, role: Role, user: int) -> None:
        """As the user itself, so that a trap left behind can hurt nobody else."""
        shared = [str(directory) for directory in _SHARED_DIRECTORIES if directory.is_dir()]
        find = ("find", ".", *shared, "-mindepth", "1", "-maxdepth", "1", "-user", str(user))
        unlock = ("-type", "d", "-exec", "/bin/chmod", "-R", "u+rwx", "--", "{}", "+")
        remove = ("-exec", "/bin/rm", "-rf", "--", "{}", "+")
        with TemporaryDirectory() as name:
            removal = RunSpec(
                role=role,
                policy="compile",
                argv=(*find, "(", *unlock, ",", *remove, ")"),
                limits=_CLEANING_LIMITS,
                stdin=Path(os.devnull),
                stdout=Path(name, "stdout"),
                stderr=Path(name, "stderr"),
            )
            self._launcher.run(self.slot, removal)
            if user in self._owners_of_leftovers():
                why = removal.stderr.read_text(errors="replace").strip()
                raise SandboxError(f"cannot be cleaned: {why}", where=f"slot {self.slot}")


def _lock(lock: socket.socket, users: range) -> bool:
    """
    Take the users of a slot, until the socket is closed or its process ends.

    What must not be shared is the users, and they belong to the whole machine: two launchers with
    box roots of their own may have the same.  So the lock is a name that is as wide as they are,
    an abstract address, and no file.
    """
    try:
        lock.bind(f"\0grader-slot-of-user-{users.start}")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise
    return True


def _check_plain(fd: int, name: str, max_bytes: int) -> None:
    """Close the descriptor again where it is not of a plain file that may be taken."""
    status = os.fstat(fd)
    plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    if plain and status.st_size <= max_bytes:
        return
    os.close(fd)
    if plain:
        raise ObjectTooLargeError(f"larger than {max_bytes} bytes", where=name)
    raise ObjectNotFoundError("not a plain file", where=name)
