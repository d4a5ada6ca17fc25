"""Runs a program that uses the terminal of the user."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence

from gradectl.errors import GradectlError


def run_on_terminal(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """
    Run a program with the terminal, and wait until it ends.

    Ctrl-C reaches the program and not gradectl, because it is meant for the remote shell.

    Args:
        command: The command line; other users can read it, so no secrets.
        environ: Its environment.

    Returns:
        Its exit code; 128 and the number of the signal for one that was killed.

    Raises:
        GradectlError: It could not be started.
    """
    # Not SIG_IGN, which a program inherits: this one has to see Ctrl-C.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.Popen(command, env=dict(environ)).wait()
    except OSError as error:
        raise GradectlError(f"cannot be started: {error}", where=command[0]) from error
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
