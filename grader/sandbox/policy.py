"""
System call policies, as data and as the seccomp filters that the launcher loads.

A policy answers each call of `calls`; all other calls look like calls that the kernel does not have
(ENOSYS). Refused calls return an error rather than kill the process, so that a runtime that only
probes for a feature continues. Calls of another architecture (32-bit ``int 0x80``, x32) kill it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import termios
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyseccomp

from grader.sandbox.calls import (
    ALLOWED,
    ATTRIBUTES,
    COPYING,
    CREDENTIALS,
    IPC,
    NAMED_FILES,
    NETWORK,
    NEW_NUMBERS,
    NEW_PROCESSES,
    OTHER_PROCESSES,
    PREALLOCATION,
    SCHEDULING,
    SYSTEM,
    UNCOUNTED_MEMORY,
    WRITE_BACK,
)
from grader.sandbox.filters import ALLOW, NOTIFY, Match, Rule, compile_filter, error, same_pointer

#: Placeholder for the secret address of argv with which only the launcher can call execve.
EXEC_MARK = 0x5EA1_ED00_5EA1_ED08
X86_64, ARM64 = pyseccomp.Arch.X86_64, pyseccomp.Arch.AARCH64

_CLONE_VM, _CLONE_FILES, _CLONE_VFORK = 0x0100, 0x0400, 0x4000
_CLONE_THREAD = 0x0001_0000
_CLONE_REFUSED = (
    0x0000_8000,  # CLONE_PARENT: a child of the launcher
    0x0002_0000,  # CLONE_NEWNS
    0x0200_0000,  # CLONE_NEWCGROUP
    0x0400_0000,  # CLONE_NEWUTS
    0x0800_0000,  # CLONE_NEWIPC
    0x1000_0000,  # CLONE_NEWUSER
    0x2000_0000,  # CLONE_NEWPID
    0x4000_0000,  # CLONE_NEWNET
)
#: On all architectures; together with O_DIRECTORY it is O_TMPFILE.
_UNNAMED_FILE = 0x0040_0000
_CLOSE_RANGE_UNSHARE = 2
_NOTIFICATION_PIPE = os.O_EXCL
_MAP_HUGETLB = 0x0004_0000
#: Would make pages leave the resident set, where the kernel can swap.
_MADV_COLD, _MADV_PAGEOUT = 20, 21
_SOCKET_KIND = 0xF
#: Sockets whose pairs have no other address to send to.
_CONNECTED = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)

#: Commands that need no kernel memory; notifications, leases and sizes of pipes do.
_FCNTL_ALLOWED = (
    fcntl.F_DUPFD,
    fcntl.F_DUPFD_CLOEXEC,
    fcntl.F_GETFD,
    fcntl.F_SETFD,
    fcntl.F_GETFL,
    fcntl.F_SETFL,
    fcntl.F_GETOWN,
    1032,  # F_GETPIPE_SZ
    1034,  # F_GET_SEALS
)
#: Locks of ranges, which databases in files need; each lock of a byte is kernel memory.
_FCNTL_LOCKS = (fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW)
#: What programs ask of any descriptor; nothing that makes terminals or concerns file systems.
_IOCTL_ALLOWED = (
    termios.TCGETS,
    0x802C_542A,  # TCGETS2
    termios.TIOCGPGRP,
    termios.TIOCGWINSZ,
    termios.FIONREAD,
    termios.FIONBIO,
    termios.FIOCLEX,
    termios.FIONCLEX,
)
_PR_SET_DUMPABLE = 4
#: Operations on the caller itself; all others are answered as by a kernel without them.
_PRCTL_ALLOWED = (
    2,  # PR_GET_PDEATHSIG
    3,  # PR_GET_DUMPABLE
    7,  # PR_GET_KEEPCAPS
    15,  # PR_SET_NAME
    16,  # PR_GET_NAME
    21,  # PR_GET_SECCOMP
    23,  # PR_CAPBSET_READ
    29,  # PR_SET_TIMERSLACK
    30,  # PR_GET_TIMERSLACK
    36,  # PR_SET_CHILD_SUBREAPER
    37,  # PR_GET_CHILD_SUBREAPER
    38,  # PR_SET_NO_NEW_PRIVS
    39,  # PR_GET_NO_NEW_PRIVS
    41,  # PR_SET_THP_DISABLE
    42,  # PR_GET_THP_DISABLE
)
#: The call succeeds without effect.
_NO_ERROR = 0


@dataclass(frozen=True)
class Policy:
    """
    Permissions of one kind of program.

    Args:
        name: Name in a `RunSpec`.
        files: Whether it may create and change files, subject to file permissions.
        processes: Whether it may start processes.
        programs: Whether it may execute other programs.
        counted: Whether ignoring SIGCHLD has no effect, so that CPU time of children is counted.
    """

    name: str
    files: bool
    processes: bool
    programs: bool
    counted: bool = False


POLICIES = (
    Policy("native", files=False, processes=False, programs=False),
    Policy("native_files", files=True, processes=False, programs=False),
    Policy("interpreted", files=False, processes=True, programs=True, counted=True),
    # An executable file without read permission would not be counted by its owner in /proc.
    Policy("interpreted_files", files=True, processes=True, programs=False, counted=True),
    Policy("compile", files=True, processes=True, programs=True),
)
_NUMBERS = {policy.name: number for number, policy in enumerate(POLICIES)}


def policy_number(name: str, *, writable: bool = False) -> int:
    """Return the number of a policy, or of its variant that may create files."""
    return _NUMBERS[f"{name}_files" if writable else name]


def export(policy: Policy, architecture: int | None = None) -> bytes:
    """Compile a policy to filter instructions of 8 bytes, by default for this machine."""
    target = architecture or pyseccomp.system_arch()
    numbered = {}
    for name, rules in rules_of(policy).items():
        number = number_of(name, target)
        if number is not None:
            numbered[number] = rules
    return compile_filter(target, numbered, error(errno.ENOSYS))


def number_of(name: str, architecture: int) -> int | None:
    """Return the number of a call; None if the architecture does not have it."""
    number = NEW_NUMBERS.get(name)
    if number is None:
        number = pyseccomp.resolve_syscall(architecture, name)
    return number if number >= 0 else None


def rules_of(policy: Policy) -> dict[str, tuple[Rule, ...]]:
    """Return the rules of each call that the policy answers otherwise than with ENOSYS."""
    rules = {
        **_all(ALLOW, ALLOWED, NAMED_FILES, NEW_PROCESSES),
        **_all(
            error(errno.EPERM),
            NETWORK,
            OTHER_PROCESSES,
            SYSTEM,
            CREDENTIALS,
            PREALLOCATION,
            UNCOUNTED_MEMORY,
            IPC,
            SCHEDULING,
        ),
        **_all(error(errno.EOPNOTSUPP), ATTRIBUTES),
        **_all(error(_NO_ERROR), WRITE_BACK),
        **_all(error(errno.EINVAL), COPYING),
        **_CONDITIONAL,
    }
    rules["clone"] = _clone(processes=policy.processes)
    if policy.files:
        # The C library then writes to each block, which the limit on file sizes bounds.
        rules |= _all(error(errno.EOPNOTSUPP), PREALLOCATION) | _opening(_ANSWERS_WITH_FILES)
    else:
        rules |= _all(error(errno.EACCES), NAMED_FILES) | _opening(_ANSWERS_WITHOUT_FILES)
        rules["fcntl"] = _only(_FCNTL_ALLOWED, errno.EINVAL, argument=1)
    if policy.counted:
        # The CPU time of a child is lost where its parent ignores SIGCHLD.
        only_reads = Rule(ALLOW, same_pointer(1, 0))
        child_ended = Rule(error(_NO_ERROR), (Match(0, signal.SIGCHLD),))
        rules["rt_sigaction"] = (only_reads, child_ended, Rule(ALLOW))
    if not policy.programs:
        by_the_launcher = Rule(ALLOW, same_pointer(1, EXEC_MARK))
        rules["execve"] = (by_the_launcher, Rule(error(errno.EPERM)))
        rules |= _all(error(errno.EPERM), "execveat")
    if not policy.processes:
        rules |= _all(error(errno.EPERM), NEW_PROCESSES)
    return rules


def _all(answer: int, *groups: str) -> dict[str, tuple[Rule, ...]]:
    return dict.fromkeys(" ".join(groups).split(), (Rule(answer),))


def _only(allowed: Iterable[int], code: int, *, argument: int) -> tuple[Rule, ...]:
    """Allow some values of an argument."""
    return *(Rule(ALLOW, (Match(argument, one),)) for one in allowed), Rule(error(code))


def _not(flags: Iterable[int], code: int, *, argument: int) -> tuple[Rule, ...]:
    """Refuse some flags of an argument."""
    refused = (Rule(error(code), (Match(argument, one, mask=one),)) for one in flags)
    return *refused, Rule(ALLOW)


def _clone(*, processes: bool) -> tuple[Rule, ...]:
    """Allow threads that share everything, and processes, but nothing between."""
    *refused, _ = _not(_CLONE_REFUSED, errno.EPERM, argument=0)
    allowed = [_CLONE_VM | _CLONE_FILES | _CLONE_THREAD]
    if processes:
        # Otherwise each thread could have a table of descriptors, which no limit counts.
        allowed = [_CLONE_VM | _CLONE_FILES, _CLONE_VM | _CLONE_VFORK]
        refused.append(Rule(ALLOW, (Match(0, 0, mask=_CLONE_VM),)))
    shared = (Rule(ALLOW, (Match(0, one, mask=one),)) for one in allowed)
    return *refused, *shared, Rule(error(errno.EPERM))


def _opening(answers: Mapping[int, int]) -> dict[str, tuple[Rule, ...]]:
    """Answer flags of open, which include those for writing the memory of processes."""
    return {
        call: (
            *(
                Rule(answer, (Match(position, flag, mask=flag),))
                for flag, answer in answers.items()
            ),
            Rule(ALLOW),
        )
        for call, position in (("open", 1), ("openat", 2))
    }


#: An unnamed file keeps memory where a file system is in memory, and is in no directory.
_ANSWERS_WITH_FILES = {_UNNAMED_FILE: error(errno.EOPNOTSUPP)}
#: The launcher reads the path of the others; see opens.c.
_ANSWERS_WITHOUT_FILES = {
    _UNNAMED_FILE: error(errno.EACCES),
    os.O_WRONLY: NOTIFY,
    os.O_RDWR: NOTIFY,
    os.O_CREAT: error(errno.EACCES),
    os.O_TRUNC: error(errno.EACCES),
}
#: The same in all policies.
_CONDITIONAL: dict[str, tuple[Rule, ...]] = {
    **_all(ALLOW, "execve execveat rt_sigaction"),
    "close_range": _not((_CLOSE_RANGE_UNSHARE,), errno.EINVAL, argument=2),
    "fcntl": _only((*_FCNTL_ALLOWED, *_FCNTL_LOCKS), errno.EINVAL, argument=1),
    "ioctl": _only(_IOCTL_ALLOWED, errno.ENOTTY, argument=1),
    "madvise": (
        *(Rule(error(errno.EINVAL), (Match(2, one),)) for one in (_MADV_COLD, _MADV_PAGEOUT)),
        Rule(ALLOW),
    ),
    "mmap": _not((_MAP_HUGETLB,), errno.ENOMEM, argument=3),
    "pipe2": _not((_NOTIFICATION_PIPE,), errno.EINVAL, argument=1),
    "prctl": (
        # It would hide the owner of a process, so that the launcher would not count it.
        Rule(error(errno.EPERM), (Match(0, _PR_SET_DUMPABLE),)),
        *_only(_PRCTL_ALLOWED, errno.EINVAL, argument=0),
    ),
    "prlimit64": _only((0,), errno.EPERM, argument=0),
    "socketpair": (
        *(
            Rule(ALLOW, (Match(0, socket.AF_UNIX), Match(1, one, mask=_SOCKET_KIND)))
            for one in _CONNECTED
        ),
        Rule(error(errno.EPERM)),
    ),
}
