"""
Executes a program in the file system of an image, with the rights of a task.

Run as a script, not imported: `python -I -S enter_image.py SPEC`, as root. It replaces itself with
the program, so the pid stays. As in a container, the root file system is read-only, only the
volumes are writable, the capability bounding set has exactly the given capabilities, and the user
is that of the image. The network and the process ids are those of this machine.

SPEC is JSON: `root`, `files` and `volumes` (path inside -> path outside), `capabilities` (numbers),
`user`, `directory` and `command`. Without arguments it only tests whether mounts are possible.
"""

from __future__ import annotations

import ctypes
import grp
import json
import os
import pwd
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24  # from <linux/prctl.h>
_CLONE_NEWNS = 0x00020000
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 32, 4096, 1 << 14, 1 << 18
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_MOST_CAPABILITIES = 64  # of the kernel's interface
_CANNOT_EXECUTE = 127  # as in a shell
_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    """Replace this process; returns only when the program could not be started, or to test."""
    parent = os.getppid()
    try:
        _check(_libc.unshare(_CLONE_NEWNS), "a mount namespace")
        _mount("none", "/", _REC | _PRIVATE)
        if not arguments:
            _mount("none", "/tmp", _NOSUID, "tmpfs")  # noqa: S108 - in a namespace of this process
            return 0
        spec = json.loads(arguments[0])
        _make_root(spec)
        _drop_rights(spec)
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))  # a change of users has cleared it
        if os.getppid() != parent:
            return _CANNOT_EXECUTE
        _execute(spec["command"])
    except OSError as error:
        sys.stderr.write(f"CannotStartContainerError: {error.filename}: {error.strerror}\n")
    except KeyError as error:
        sys.stderr.write(f"CannotStartContainerError: {error.args[0]}\n")
    return _CANNOT_EXECUTE


def _execute(command: list[str]) -> None:
    """Replace this process; a missing interpreter of a script is reported as a missing file too."""
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        raise OSError(error.errno, error.strerror, command[0]) from error


def _make_root(spec: dict[str, Any]) -> None:
    """Mount the image read-only with its volumes, and make it the root of this process."""
    root = spec["root"]
    _mount(root, root, _BIND)
    _mount("none", root, _BIND | _REMOUNT | _RDONLY)
    for inside in ("/proc", "/sys"):
        _mount(inside, _inside(root, inside), _BIND | _REC)
    for inside, outside in {**spec["volumes"], **spec["files"]}.items():
        _mount(outside, _inside(root, inside), _BIND)
    _make_devices(_inside(root, "/dev"))
    os.chroot(root)
    os.chdir(spec["directory"])


def _make_devices(folder: str) -> None:
    """Mount the devices of a container."""
    _mount("none", folder, _NOSUID, "tmpfs", "mode=0755")
    for name in _DEVICES:
        with open(f"{folder}/{name}", "xb"):  # noqa: PTH123 - starts faster without pathlib
            pass
        _mount(f"/dev/{name}", f"{folder}/{name}", _BIND)
    for name, target in _LINKS.items():
        os.symlink(target, f"{folder}/{name}")  # noqa: PTH211 - see above
    os.mkdir(f"{folder}/shm")  # noqa: PTH102 - see above
    _mount("none", f"{folder}/shm", _NOSUID | _NODEV, "tmpfs", "mode=1777,size=64m")


def _inside(root: str, path: str) -> str:
    """The path of a mount point; a symbolic link of the image must not lead out of it."""
    target = root + path
    if os.path.realpath(target) != target:
        raise OSError(0, "a symbolic link is in its path", path)
    return target


def _drop_rights(spec: dict[str, Any]) -> None:
    """Keep only the given capabilities in the bounding set, and become the user."""
    for capability in range(_MOST_CAPABILITIES):
        if capability not in spec["capabilities"]:
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for one this kernel lacks
    user, group = _ids(spec["user"])
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    os.umask(0o022)


def _ids(user: str) -> tuple[int, int]:
    """User and group id of USER[:GROUP], by the files of the image; root when empty."""
    name, _, group = (user or "0:0").partition(":")
    if not name.isdigit():
        entry = pwd.getpwnam(name)
        name, group = str(entry.pw_uid), group or str(entry.pw_gid)
    if group and not group.isdigit():
        group = str(grp.getgrnam(group).gr_gid)
    return int(name), int(group or 0)


def _mount(source: str, target: str, flags: int, kind: str = "", data: str = "") -> None:
    done = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None
    )
    _check(done, target)


def _check(outcome: int, what: str) -> None:
    if outcome:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
