"""
Which system calls a program may make, as data, and as the filter bytes the launcher loads.

A policy is a list of what is refused; everything else is allowed.  Refused calls return an error
rather than kill, so that a runtime that merely probes goes on; calls of another architecture
(32-bit ``int 0x80``, x32) kill.
"""

from __future__ import annotations

import errno
import os
import signal
import tempfile
from dataclasses import dataclass

import pyseccomp

#: `prctl` operation with which a process would hide its owner from the launcher's count.
_PR_SET_DUMPABLE = 4
#: Loading the filter, and each call through it, then takes a fraction of the time.
_AS_A_TREE = 2
#: One flag of clone for each kind of namespace.
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
#: Stands for the address of argv with which the launcher, and nobody else, may call execve.
EXEC_MARK = 0x5EA1_ED00_5EA1_ED08

_NETWORK = "socket socketcall bind connect listen accept accept4"
#: Types of a Unix socket pair that could still be sent to somebody else's address.
_DATAGRAM_TYPES = (2, 3)  # SOCK_DGRAM, and SOCK_RAW which means the same there
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
#: Making, changing or removing anything that has a name.
_NAMED_FILES = (
    "creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat rename renameat renameat2"
    " unlink unlinkat rmdir truncate chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat"
    " utime utimes futimesat utimensat setxattr lsetxattr fsetxattr removexattr lremovexattr"
    " fremovexattr"
)
_NEW_PROCESSES = "fork vfork"
#: Works, and does nothing.
_NOTHING = 0


@dataclass(frozen=True)
class Policy:
    """
    What one kind of program may do beyond computing.

    Args:
        name: What a `RunSpec` says.
        files: Whether it may make and change files, where permissions let it.
        processes: Whether it may start other processes.
        programs: Whether these may be other programs.
        counted: Whether its processes may not ignore how their children end.
        confined: Whether that is only below its working directory, where there is Landlock.
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
    # A program that it makes and cannot read would hide in /proc from the launcher's count.
    Policy("interpreted_files", files=True, processes=True, programs=False, counted=True),
    Policy("compile", files=True, processes=True, programs=True),
    Policy(  # what was left anywhere
        "remove", files=True, processes=True, programs=True, confined=False
    ),
)
_NUMBERS = {policy.name: number for number, policy in enumerate(POLICIES)}


def policy_number(name: str, *, writable: bool = False) -> int:
    """Give the launcher's number of a policy, or of its variant that may make files."""
    return _NUMBERS[f"{name}_files" if writable else name]


def export(policy: Policy) -> bytes:
    """Translate a policy for this machine's architecture to filter instructions of 8 bytes."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _AS_A_TREE)
    _refuse(rules, errno.EPERM, _NETWORK, _OTHER_PROCESSES, _SYSTEM, _IPC, _SCHEDULING)
    _refuse_special(rules)
    if not policy.files:
        _refuse(rules, errno.EACCES, _NAMED_FILES)
        _refuse_creation(rules)
    if policy.counted:
        # The kernel adds the time of a child to nobody where its parent ignores how it ends.
        change = (pyseccomp.Arg(0, pyseccomp.EQ, signal.SIGCHLD), pyseccomp.Arg(1, pyseccomp.NE, 0))
        rules.add_rule(pyseccomp.ERRNO(_NOTHING), "rt_sigaction", *change)
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
    """Calls of which only some arguments are refused, or that must look absent."""
    # Its flags are in memory that a filter cannot see; the C library then falls back to clone.
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
    """Opening may not make a file, named or not, nor write to one: not to a process's memory."""
    unnamed = os.O_TMPFILE & ~os.O_DIRECTORY
    for call, position in (("open", 1), ("openat", 2)):
        for flag in (os.O_CREAT, unnamed, os.O_WRONLY, os.O_RDWR):
            wanted = pyseccomp.Arg(position, pyseccomp.MASKED_EQ, flag, flag)
            rules.add_rule(pyseccomp.ERRNO(errno.EACCES), call, wanted)
