"""
Attacks of the worker on its own sandbox, before it subscribes.

The kernel, the image or the task definition may lack something that the sandbox needs. Then one of
the attacks succeeds, and the worker must not take requests.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.errors import SelfTestError
from grader.languages import find
from grader.sandbox.box import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec, StopReason

_LIMITS = RunLimits(
    cpu_ms=500,
    wall_ms=20_000,
    memory_mb=64,
    output_bytes=1 << 16,
    processes=16,
    bound_address_space=True,
)
#: Output of a probe that found no hole.
_SAFE = b"safe\n"


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
        forked: Whether it runs from a fork server.
    """

    name: str
    program: str
    reason: StopReason = StopReason.ENDED
    limits: RunLimits = _LIMITS
    role: Role = Role.RUN
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
    Probe("an endless loop", "while True: pass", StopReason.CPU),
    Probe(
        "an endless sleep",
        "import time; time.sleep(1000)",
        StopReason.WALL,
        replace(_LIMITS, wall_ms=300),
    ),
    Probe(
        "memory outside the data segment",
        "import mmap\n"
        "kept = []\n"
        "while True:\n"
        "    try: kept.append(mmap.mmap(-1, 1 << 20)); kept[-1].write(b'x' * (1 << 20))\n"
        "    except (MemoryError, OSError): pass",  # the kernel refused: wait for the watch
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
        SandboxError: The sandbox could not run a probe.
    """
    with TemporaryDirectory() as name:
        secret = Path(name, "secret")
        secret.write_bytes(b"a secret\n")
        secret.chmod(0o600)
        succeeded = [probe.name for probe in PROBES if not _holds(box, probe, Path(name))]
    box.clean()
    if succeeded:
        raise SelfTestError(
            f"the sandbox does not prevent: {', '.join(succeeded)}",
            where=f"box {box.number}",
            next_step="compare kernel, capabilities and mounts of this task with docs/sandbox.md",
        )


def _holds(box: Box, probe: Probe, directory: Path) -> bool:
    python = find("python")
    box.clean()
    program = probe.program.format(secret=str(directory / "secret"))
    box.store(probe.role, python.source_name, program.encode())
    with TemporaryDirectory(dir=directory) as name:
        spec = RunSpec(
            role=probe.role,
            policy=python.policy,
            argv=("python3", "-I", "-B", f"../{probe.role}/{python.source_name}"),
            limits=probe.limits,
            stdin=Path(os.devnull),
            stdout=Path(name, "stdout"),
            stderr=Path(name, "stderr"),
            server_argv=python.server_argv if probe.forked else (),
        )
        outcome = box.run(spec)
        output = spec.stdout.read_bytes()
    if probe.forked:  # this ends the fork server
        box.clean()
    if box.survivors() or outcome.reason is not probe.reason:
        return False
    return probe.reason is not StopReason.ENDED or output == _SAFE
