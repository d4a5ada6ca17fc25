"""
Attacks of the worker on its own sandbox, before it subscribes.

The kernel, the image or the task definition may lack something that the sandbox needs. Then one of
the attacks succeeds, and the worker must not take requests.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from grader.errors import SandboxError, SelfTestError
from grader.languages import find
from grader.sandbox.box import WORK_DIRECTORIES, Box
from grader.sandbox.runs import Role, RunLimits, RunSpec, StopReason

_LIMITS = RunLimits(
    cpu_ms=500,
    wall_ms=20_000,
    memory_mb=64,
    output_bytes=1 << 16,
    processes=16,
    bound_address_space=True,
)
_PYTHON = find("python")
#: Output of a probe that found no hole.
_SAFE = b"safe\n"
#: Of a test whose run fails because of the machine.
_ATTEMPTS = 3
_T = TypeVar("_T")


@dataclass(frozen=True)
class Probe:
    """
    One attack.

    Args:
        name: Name in the error when it succeeds.
        program: Python source; `{secret}` is the path of a file that only the worker can read.
        reason: How it has to end; with `ENDED`, it also has to find no hole.
        limits: With a long wall time, so that a busy machine does not look like a hole.
        role: The user it runs as.
        policy: Its system call policy.
        forked: Whether it runs from a fork server.
    """

    name: str
    program: str
    reason: StopReason = StopReason.ENDED
    limits: RunLimits = _LIMITS
    role: Role = Role.RUN
    policy: str = _PYTHON.policy
    forked: bool = False


_LOOK = (
    "import os\n"
    "for place in ({places}):\n"
    "    try: os.listdir(place); print('open')\n"
    "    except OSError: pass\n"
    "print('safe')"
)
PROBES = (
    Probe(
        "opening a network connection",
        "import socket\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):\n"
        "    try: socket.socket(family, socket.SOCK_DGRAM); print('open')\n"
        "    except OSError: pass\n"
        "print('safe')",
    ),
    Probe(
        "reading the worker's files and environment",
        "import os\n"
        "for path in ({secret!r}, f'/proc/{{os.getppid()}}/environ', '/etc/shadow'):\n"
        "    try: open(path); print('open')\n"
        "    except OSError: pass\n"
        "print('safe')",
    ),
    Probe(
        "leaving a file behind",
        "import os\n"
        "for place in ('/tmp', '/var/tmp', '/dev/shm', '.', '../build', '../feedback'):\n"
        "    try: open(f'{{place}}/left-behind', 'w'); print('open')\n"
        "    except OSError: pass\n"
        "print('safe')",
    ),
    Probe(
        "gaining privileges",
        "import os\n"
        "status = open('/proc/self/status').read()\n"
        "wanted = ('CapEff:\\t' + '0' * 16, 'NoNewPrivs:\\t1', 'Seccomp:\\t2')\n"
        "ids = os.getresuid() + os.getresgid() + tuple(os.getgroups())\n"
        "print('safe' if all(one in status for one in wanted) and 0 not in ids else 'open')",
    ),
    Probe(
        "leaving a process behind",
        "import os, signal\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0: os.setsid(); signal.pause()\n"
        "print('safe')",
    ),
    Probe(
        "reading files of the checker",
        _LOOK.format(places="'../checker', '../feedback', '../compile', '../build', '..'"),
    ),
    Probe(
        "reading files of the program, as the checker",
        _LOOK.format(places="'../run', '../scratch', '../compile', '../build', '..'"),
        role=Role.CHECKER,
    ),
    Probe(
        "writing the memory of its fork server",
        "import os\n"
        "mine = os.stat('/proc/self').st_uid\n"
        "for name in filter(str.isdigit, os.listdir('/proc')):\n"
        "    try:\n"
        "        if os.stat(f'/proc/{{name}}').st_uid == mine:\n"
        "            open(f'/proc/{{name}}/mem', 'r+b', 0); print('open')\n"
        "    except OSError: pass\n"
        "print('safe')",
        forked=True,
    ),
    Probe(
        "preallocating disk space beyond the limit of its output",
        "import ctypes, struct\n"
        "libc, size = ctypes.CDLL(None), 1 << 20\n"
        "kept = libc.fallocate(1, 1, ctypes.c_long(0), ctypes.c_long(size))\n"
        "space = struct.pack('hhqqiI16x', 0, 0, 0, size, 0, 0)\n"
        "reserved = libc.ioctl(1, ctypes.c_ulong(0x4030582a), space)\n"
        "print('open' if 0 in (kept, reserved) else 'safe')",
    ),
    Probe(
        "hiding from the watch by arguments whose upper half the kernel ignores",
        "import ctypes, os\n"
        "call, long = ctypes.CDLL(None).syscall, ctypes.c_long\n"
        "action, prctl = (13, 157) if os.uname().machine == 'x86_64' else (134, 167)\n"
        "ignore, found = (long * 4)(1), (long * 4)()\n"
        "call(long(action), long(1 << 32 | 17), ignore, None, long(8))\n"
        "call(long(action), long(17), None, found, long(8))\n"
        "hidden = call(long(prctl), long(1 << 32 | 4), long(0))\n"
        "print('open' if found[0] == 1 or hidden == 0 else 'safe')",
    ),
    Probe(
        "leaving a box dirty",  # `_marks` shows it afterwards
        "import os\n"
        "os.makedirs('locked/below'); os.mkfifo('pipe'); open('left', 'w').close()\n"
        "try: os.setxattr('.', 'user.left', b'1')\n"
        "except OSError: pass\n"
        "os.chmod('locked', 0)\n"
        "print('safe')",
        role=Role.COMPILE,
        policy="compile",
    ),
    Probe("an endless loop", "while True: pass", StopReason.CPU, replace(_LIMITS, cpu_ms=250)),
    Probe(
        "an endless sleep",
        "import time; time.sleep(1000)",
        StopReason.WALL,
        replace(_LIMITS, wall_ms=300),
    ),
    Probe(
        "memory outside the data segment",
        "import mmap\n"
        "kept, part = [], b'x' * (1 << 20)\n"
        "try:\n"
        "    for _ in range(200):\n"
        "        kept.append(mmap.mmap(-1, len(part)))\n"
        "        kept[-1].write(part); kept[-1].madvise(mmap.MADV_DONTNEED)\n"
        "except (MemoryError, OSError, ValueError): pass\n"
        "while len(kept) > 64: pass\n"  # wait for the watch
        "while True:\n"  # refused: now the data segment
        "    try: kept.append(part + b'x')\n"
        "    except MemoryError: pass",
        StopReason.MEMORY,
        replace(_LIMITS, cpu_ms=5000),
    ),
    Probe("endless output", "while True: print('x' * 999)", StopReason.OUTPUT),
)


def run_self_test(box: Box) -> None:
    """
    Attack the sandbox with every probe.

    Raises:
        SelfTestError: Attacks succeeded; names them.
        SandboxError: The sandbox could not run a probe, also when tried again.
    """
    with TemporaryDirectory() as name:
        secret = Path(name, "secret")
        secret.write_bytes(b"a secret\n")
        secret.chmod(0o600)
        box.clean()
        succeeded = ["what an earlier program left in the box"] if _marks(box) else []
        succeeded += [
            probe.name
            for probe in PROBES
            if not retried(box, partial(_holds, box, probe, Path(name)))
        ]
        if _is_used_after_a_failure(box, Path(name)):
            succeeded.append("using a box after a failure")
        box.clean()
    if succeeded:
        raise SelfTestError(
            f"the sandbox does not prevent: {', '.join(succeeded)}",
            where=f"box {box.number}",
            next_step="compare kernel, capabilities and mounts of this task with docs/sandbox.md",
        )


def retried(box: Box, test: Callable[[], _T]) -> _T:
    """
    Run a test again if its run failed because of the machine, as the worker does with requests.

    Shared memory is that of the whole machine, for example: another program that takes some at the
    same time must not end a worker that starts.

    Args:
        box: The box of the test, which is cleaned before it runs again.
        test: The test.

    Raises:
        SandboxError: Its run failed each time.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(SandboxError):
            return test()
        box.clean()
    return test()


def _holds(box: Box, probe: Probe, directory: Path) -> bool:
    before = _marks(box)
    program = probe.program.format(secret=str(directory / "secret"))
    box.store(probe.role, _PYTHON.source_name, program.encode())
    with TemporaryDirectory(dir=directory) as name:
        spec = _spec(probe, Path(name))
        outcome = box.run(spec)
        output = spec.stdout.read_bytes()
    left = [] if probe.forked else box.survivors()  # of a fork server only after cleaning
    box.clean()
    if left or _marks(box) != before or outcome.reason is not probe.reason:
        return False
    return probe.reason is not StopReason.ENDED or output == _SAFE


def _spec(probe: Probe, directory: Path) -> RunSpec:
    return RunSpec(
        role=probe.role,
        policy=probe.policy,
        argv=("python3", "-I", "-B", f"../{probe.role}/{_PYTHON.source_name}"),
        limits=probe.limits,
        stdin=Path(os.devnull),
        stdout=directory / "stdout",
        stderr=directory / "stderr",
        server_argv=_PYTHON.server_argv if probe.forked else (),
    )


def _is_used_after_a_failure(box: Box, directory: Path) -> bool:
    """Whether a box takes files when a run in it failed, so that it is not known to be clean."""
    with suppress(SandboxError):
        box.run(replace(_spec(PROBES[0], directory), argv=("/nonexistent",)))
    with suppress(SandboxError):
        box.store(Role.RUN, _PYTHON.source_name, b"")
        return True
    return False


def _marks(box: Box) -> set[str]:
    """Processes, files and attributes in a clean box."""
    found = {f"process {pid}" for pid in box.survivors()}
    for directory in (box.directory / name for name in (*Role, *WORK_DIRECTORIES.values())):
        found |= {str(path) for path in directory.iterdir()}
        found |= {f"{directory}: {name}" for name in os.listxattr(directory)}
    return found
