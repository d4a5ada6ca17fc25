"""
Runs code with the rights of a worker in a Fargate task.

The capability bounding set is exactly Docker's default; the user is not root; there are no
namespaces and no writable cgroups, and the root file system is read-only except for a few
directories. The report has every dropped right with the kernel's answer to using it, and every
right that this machine does not allow to drop.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyseccomp

from arena.child import in_a_child

#: chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot
#: mknod audit_write setfcap
DOCKER_CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31})
#: Beginning of a report on a right that cannot be dropped on this machine.
NOT_POSSIBLE = "NOT POSSIBLE on this machine"
WORKER_ID = 640_000_000 + os.getpid()
_CGROUP = "/sys/fs/cgroup"
_LAST_CAPABILITY = 40
_PR_CAPBSET_DROP = 24
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
#: Flags that a remount has to keep.
_KEPT = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "relatime": 1 << 21}
_NAMESPACES = {0x20000: "mnt", 0x2000000: "cgroup", 0x4000000: "uts", 0x8000000: "ipc"}
_NAMESPACES |= {0x10000000: "user", 0x20000000: "pid", 0x40000000: "net"}
_NEVER = "unshare setns mount umount2 pivot_root fsopen fsmount move_mount open_tree mount_setattr"


@dataclass(frozen=True)
class Report:
    """
    Result of work in such a process.

    Args:
        dropped: Dropped rights, with the kernel's answer to using them.
        result: Result of the work.
        failure: Traceback of the work, if it raised.
    """

    dropped: dict[str, str]
    result: Any
    failure: str


def in_a_task(work: Callable[[], Any], writable: Sequence[Path], *, deadly: bool = False) -> Report:
    """
    Run `work` in a child process without these rights.

    Args:
        work: The work; its result has to be picklable.
        writable: Directories that stay writable.
        deadly: Whether a request for a namespace or a mount kills the process, which proves that
            successful work never made one; otherwise the request is refused.
    """

    def child() -> Report:
        dropped: dict[str, str] = {}
        try:
            _drop_rights(dropped, writable, deadly=deadly)
            return Report(dropped, work(), "")
        except BaseException:  # noqa: BLE001 - the parent reports any exception
            return Report(dropped, None, traceback.format_exc())

    done = in_a_child(child)
    report: Report = done.result or Report({}, None, done.failure)
    return report


def _drop_rights(dropped: dict[str, str], writable: Sequence[Path], *, deadly: bool) -> None:
    before = _status("CapBnd")
    libc = ctypes.CDLL(None, use_errno=True)
    dropped["mounts"] = _mount_read_only(libc, writable)
    dropped["namespaces"] = _refuse_namespaces(deadly=deadly)
    for capability in set(range(_LAST_CAPABILITY + 1)) - DOCKER_CAPABILITIES:
        _check(libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0))
    os.chdir("/")
    os.setgroups([])
    os.setresgid(WORKER_ID, WORKER_ID, WORKER_ID)
    os.setresuid(WORKER_ID, WORKER_ID, WORKER_ID)
    os.umask(0o022)
    dropped["CapBnd"] = f"{before} -> {_status('CapBnd')}"
    dropped["CapEff, user"] = f"{_status('CapEff')}, {os.getuid()}"
    dropped["cgroup"] = _attempt(lambda: Path(_CGROUP, "x").mkdir())
    dropped["root"] = _attempt(lambda: Path("/var/tmp/x").touch())
    if not deadly:
        dropped["user namespace"] = _attempt(lambda: _check(libc.unshare(_CLONE_NEWUSER)))
        dropped["mount"] = _attempt(lambda: _check(libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)))


def _mount_read_only(libc: ctypes.CDLL, writable: Sequence[Path]) -> str:
    """Remount everything read-only in a new mount namespace; returns a summary."""
    try:
        _check(libc.unshare(_CLONE_NEWNS))
        _check(libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    except OSError as error:
        return f"{NOT_POSSIBLE}: {error.strerror}"
    for path in writable:
        name = str(path).encode()
        _check(libc.mount(name, name, None, _MS_BIND | _MS_REC, None))
    _check(libc.mount(b"none", _CGROUP.encode(), b"tmpfs", _MS_RDONLY, None))
    kept = ("/proc", _CGROUP, *map(str, writable))
    done, failed = [], []
    for target, options in _mounts():
        if any(target == one or target.startswith(f"{one}/") for one in kept):
            continue
        flags = sum(_KEPT[option] for option in options if option in _KEPT)
        again = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | flags
        outcome = libc.mount(None, target.encode(), None, again, None)
        (failed if outcome else done).append(target)
    left = " ".join(map(str, writable))
    return f"{len(done)} read-only (not possible: {failed or 'none'}), left writable: {left}"


def _mounts() -> list[tuple[str, list[str]]]:
    """Mount points and options, innermost last."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    fields = [line.split() for line in lines]
    decode = re.compile(r"\\(\d{3})")
    return [
        (decode.sub(lambda code: chr(int(code[1], 8)), one[4]), one[5].split(",")) for one in fields
    ]


def _refuse_namespaces(*, deadly: bool) -> str:
    """Refuse namespaces like a kernel with `max_user_namespaces` = 0, by ENOSPC."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_NNP, 0)  # the launcher is setuid
    kill = pyseccomp.KILL_PROCESS
    for name in _NEVER.split():
        full = errno.ENOSPC if name == "unshare" else errno.EPERM
        rules.add_rule(kill if deadly else pyseccomp.ERRNO(full), name)
    for flag in _NAMESPACES:
        wanted = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag)
        rules.add_rule(kill if deadly else pyseccomp.ERRNO(errno.ENOSPC), "clone", wanted)
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    try:
        rules.load()
    except OSError as error:
        return f"{NOT_POSSIBLE}: {error.strerror}"
    return "a request kills the process" if deadly else "refused by a filter"


def _status(field: str) -> str:
    found = re.search(rf"^{field}:\s*(\S+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _check(outcome: int) -> None:
    if outcome != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _attempt(what: Callable[[], object]) -> str:
    """Return the kernel's answer to a forbidden call."""
    try:
        what()
    except OSError as error:
        return f"refused: {error.strerror}"
    return "POSSIBLE"
