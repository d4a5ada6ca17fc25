"""
System call policies, as data and as the seccomp filters that the launcher loads.

A policy lists the refused calls; all others are allowed. Refused calls return an error rather than
kill the process, so that a runtime that only probes for a feature continues. Calls of another
architecture (32-bit ``int 0x80``, x32) kill it.
"""

from __future__ import annotations

import errno
import os
import signal
import tempfile
from dataclasses import dataclass

import pyseccomp

#: `prctl` operation that hides the owner of a process, so that the launcher would not count it.
_PR_SET_DUMPABLE = 4
#: Binary tree instead of a list: faster to load and to evaluate.
_BINARY_TREE = 2
#: Flags of clone that create namespaces.
_NAMESPACE_FLAGS = (
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
_CLONE_THREAD = 0x00010000
#: Placeholder for the secret address of argv with which only the launcher can call execve.
EXEC_MARK = 0x5EA1_ED00_5EA1_ED08

_NETWORK = "socket socketcall bind connect listen accept accept4"
#: Socket types whose pairs can still send to other addresses.
_DATAGRAM_TYPES = (2, 3)  # SOCK_DGRAM, and SOCK_RAW, which is the same for Unix sockets
_SOCKET_TYPE_MASK = 0xF
_OTHER_PROCESSES = (
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_open"
    " pidfd_getfd pidfd_send_signal kcmp move_pages migrate_pages"
)
_SYSTEM = (
    "mount umount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree"
    " mount_setattr unshare setns swapon swapoff reboot kexec_load kexec_file_load init_module"
    " finit_module delete_module acct quotactl quotactl_fd syslog vhangup iopl ioperm"
    " sethostname setdomainname settimeofday clock_settime clock_adjtime adjtimex personality"
    " lookup_dcookie nfsservctl add_key request_key keyctl bpf perf_event_open userfaultfd"
    " memfd_create memfd_secret name_to_handle_at open_by_handle_at fanotify_init fanotify_mark"
    " modify_ldt io_uring_setup io_uring_enter io_uring_register io_setup"
)
_IPC = (
    "shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl"
    " mq_open mq_unlink"
)
_SCHEDULING = (
    "setpriority sched_setscheduler sched_setparam sched_setattr sched_setaffinity ioprio_set"
)
#: Creating, changing or removing named files.
_NAMED_FILES = (
    "creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat rename renameat renameat2"
    " unlink unlinkat rmdir truncate chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat"
    " utime utimes futimesat utimensat setxattr lsetxattr fsetxattr removexattr lremovexattr"
    " fremovexattr"
)
_NEW_PROCESSES = "fork vfork"
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
        confined: Whether Landlock, if available, restricts changes to its working directory.
    """

    name: str
    files: bool
    processes: bool
    programs: bool
    counted: bool = False
    confined: bool = True


POLICIES = (
    Policy("native", files=False, processes=False, programs=False),
    Policy("native_files", files=True, processes=False, programs=False),
    Policy("interpreted", files=False, processes=True, programs=True, counted=True),
    # An executable file without read permission would not be counted by its owner in /proc.
    Policy("interpreted_files", files=True, processes=True, programs=False, counted=True),
    Policy("compile", files=True, processes=True, programs=True),
    Policy(  # removes files from all world-writable directories
        "remove", files=True, processes=True, programs=True, confined=False
    ),
)
_NUMBERS = {policy.name: number for number, policy in enumerate(POLICIES)}


def policy_number(name: str, *, writable: bool = False) -> int:
    """Return the number of a policy, or of its variant that may create files."""
    return _NUMBERS[f"{name}_files" if writable else name]


def export(policy: Policy) -> bytes:
    """Compile a policy to filter instructions of 8 bytes for this machine's architecture."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _BINARY_TREE)
    _refuse(rules, errno.EPERM, _NETWORK, _OTHER_PROCESSES, _SYSTEM, _IPC, _SCHEDULING)
    _refuse_special(rules)
    if not policy.files:
        _refuse(rules, errno.EACCES, _NAMED_FILES)
        _refuse_creation(rules)
    if policy.counted:
        # The CPU time of a child is lost where its parent ignores SIGCHLD.
        change = (pyseccomp.Arg(0, pyseccomp.EQ, signal.SIGCHLD), pyseccomp.Arg(1, pyseccomp.NE, 0))
        rules.add_rule(pyseccomp.ERRNO(_NO_ERROR), "rt_sigaction", *change)
    if not policy.programs:
        _refuse(rules, errno.EPERM, "execveat")
        is_not_the_launcher = pyseccomp.Arg(1, pyseccomp.NE, EXEC_MARK)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "execve", is_not_the_launcher)
    if not policy.processes:
        _refuse(rules, errno.EPERM, _NEW_PROCESSES)
        is_no_thread = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", is_no_thread)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _refuse(rules: pyseccomp.SyscallFilter, error: int, *groups: str) -> None:
    for name in " ".join(groups).split():
        rules.add_rule(pyseccomp.ERRNO(error), name)


def _refuse_special(rules: pyseccomp.SyscallFilter) -> None:
    """Refuse calls by argument, and calls that have to look unimplemented."""
    # Its flags are in memory, which a filter cannot read; the C library falls back to clone.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "openat2")
    for flag in _NAMESPACE_FLAGS:
        wanted = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", wanted)
    others = pyseccomp.Arg(0, pyseccomp.NE, 0)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "prlimit64", others)
    hide = pyseccomp.Arg(0, pyseccomp.EQ, _PR_SET_DUMPABLE)
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "prctl", hide)
    for kind in _DATAGRAM_TYPES:
        wanted = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _SOCKET_TYPE_MASK, kind)
        rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "socketpair", wanted)


def _refuse_creation(rules: pyseccomp.SyscallFilter) -> None:
    """Refuse to open for creating or writing, which includes the memory of processes."""
    unnamed = os.O_TMPFILE & ~os.O_DIRECTORY
    for call, position in (("open", 1), ("openat", 2)):
        for flag in (os.O_CREAT, unnamed, os.O_WRONLY, os.O_RDWR):
            wanted = pyseccomp.Arg(position, pyseccomp.MASKED_EQ, flag, flag)
            rules.add_rule(pyseccomp.ERRNO(errno.EACCES), call, wanted)
