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
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(
            command,
            env=dict(environ),
            # SIG_IGN is inherited, and the program has to see Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
        )
        code = child.wait()
    except OSError as error:
        raise GradectlError(f"cannot be started: {error}", where=command[0]) from error
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
