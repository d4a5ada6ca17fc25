"""
Executes a program that the kernel kills when its parent ends, for whatever reason.

Run as a script, not imported: `python -I -S guard.py PARENT_PID PROGRAM ARGUMENT...`. It replaces
itself with the program, so the pid stays. It does the work of `preexec_fn` without running Python
between fork and exec of a process that has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>
_CANNOT_EXECUTE = 127  # as in a shell


def main(arguments: list[str]) -> int:
    """
    Replace this process; returns only when the program could not be started.

    Args:
        arguments: The pid that must be alive, the program, its arguments.
    """
    parent, command = int(arguments[0]), arguments[1:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before the prctl
        return _CANNOT_EXECUTE
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python, and exec keeps that
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
    return _CANNOT_EXECUTE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
