"""
A process that has no more than a worker in a Fargate task has.

Exactly Docker's default capabilities as a bound, no root, no namespaces, no cgroup to write, a root
that is read-only but for a few directories.  What was given up, and what the kernel then says of
it, is reported; what this machine does not let us give up is reported too, and never silently.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pickle
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyseccomp

#: chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot
#: mknod audit_write setfcap
DOCKER_CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31})
#: How a report begins of what this machine does not let us give up.
NOT_POSSIBLE = "NOT POSSIBLE on this machine"
WORKER_ID = 640_000_000 + os.getpid()
_CGROUP = "/sys/fs/cgroup"
_LAST_CAPABILITY = 40
_PR_CAPBSET_DROP = 24
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
#: What a mount already is and has to stay when it is mounted again: nosuid, nodev, noexec, ...
_KEPT = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "relatime": 1 << 21}
_NAMESPACES = {0x20000: "mnt", 0x2000000: "cgroup", 0x4000000: "uts", 0x8000000: "ipc"}
_NAMESPACES |= {0x10000000: "user", 0x20000000: "pid", 0x40000000: "net"}
_NEVER = "unshare setns mount umount2 pivot_root fsopen fsmount move_mount open_tree mount_setattr"


@dataclass(frozen=True)
class Report:
    """
    What came of work in such a process.

    Args:
        dropped: What was given up, with what the kernel says of it.
        result: What the work gave.
        failure: Traceback of the work, when it raised.
    """

    dropped: dict[str, str]
    result: Any
    failure: str


def in_a_task(work: Callable[[], Any], writable: Sequence[Path], *, deadly: bool = False) -> Report:
    """
    Do `work` in a child that has given everything up.

    Args:
        work: What to do; its result has to be picklable.
        writable: Directories that stay writable.
        deadly: Whether asking for a namespace or a mount ends the program that asks, so that work
            which succeeds is shown never to have asked; else it is refused.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        dropped: dict[str, str] = {}
        result, failure = None, ""
        try:
            _give_up(dropped, writable, deadly=deadly)
            result = work()
        except BaseException:  # noqa: BLE001 - whatever it is belongs to the parent
            failure = traceback.format_exc()
        with os.fdopen(writing, "wb") as file:
            pickle.dump(Report(dropped, result, failure), file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read()
    _, status = os.waitpid(child, 0)
    if not said:
        return Report({}, None, f"ended with status {status}")
    report: Report = pickle.loads(said)
    return report


def _give_up(dropped: dict[str, str], writable: Sequence[Path], *, deadly: bool) -> None:
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
    """Make every mount read-only in a mount namespace of our own; says how far that went."""
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
    """Where something is mounted and how, the innermost last."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    fields = [line.split() for line in lines]
    decode = re.compile(r"\\(\d{3})")
    return [
        (decode.sub(lambda code: chr(int(code[1], 8)), one[4]), one[5].split(",")) for one in fields
    ]


def _refuse_namespaces(*, deadly: bool) -> str:
    """As a kernel that has none: `max_user_namespaces` = 0 says ENOSPC."""
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
    return "asking for one is deadly" if deadly else "refused by a filter"


def _status(field: str) -> str:
    found = re.search(rf"^{field}:\s*(\S+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _check(outcome: int) -> None:
    if outcome != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _attempt(what: Callable[[], object]) -> str:
    """What the kernel says to something that must not work."""
    try:
        what()
    except OSError as error:
        return f"refused: {error.strerror}"
    return "POSSIBLE"
