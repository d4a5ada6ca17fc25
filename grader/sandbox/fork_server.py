"""
A fork server in a slot: an interpreter that has started and forks a copy of itself for each case.

One server serves one submission, for `Box.clean` ends it.  It runs as the untrusted user with the
untrusted program's limits, so nothing it says is believed: a process that it names and that is not
the launcher's child only runs into its wall limit.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.sandbox.runs import Role, RunLimits, RunSpec

#: It runs beside the case; the process between the two has ended when the case begins.
_OWN_PROCESSES = 1
_PATIENCE_SECONDS = 2.0
_PID_BYTES = 4
_GREATEST_PID = 1 << 22


@dataclass(frozen=True)
class Fork:
    """
    A process that waits for its gate to be closed.

    Args:
        pid: What the server says it is.
        gate: The end of the pipe that is to be given away.
    """

    pid: int
    gate: int


class ForkServer:
    """
    Our side of a server.

    Args:
        spec: What it was started for.
        connection: Our end of its socket.
    """

    def __init__(self, spec: RunSpec, connection: socket.socket) -> None:
        """Take over the connection."""
        self._kind = _kind(spec)
        self._connection = connection
        self.limits = replace(spec.limits, processes=spec.limits.processes + _OWN_PROCESSES)

    @classmethod
    def pair(cls, spec: RunSpec) -> tuple[ForkServer, socket.socket]:
        """Make one, and the end of the socket that the program is to be started with."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_PATIENCE_SECONDS)
        return cls(spec, ours), theirs

    def fits(self, spec: RunSpec) -> bool:
        """Whether it is of the same kind as what is to be run."""
        return self._kind == _kind(spec)

    def fork(self, descriptors: Sequence[int]) -> Fork | None:
        """Have it make a process with these as stdin, stdout and stderr; None when it cannot."""
        waits, gate = os.pipe()
        try:
            socket.send_fds(self._connection, [b"f"], [*descriptors, waits])
            said = self._connection.recv(_PID_BYTES)
        except OSError:
            said = b""
        finally:
            os.close(waits)
        pid = int.from_bytes(said, sys.byteorder)
        if len(said) != _PID_BYTES or pid > _GREATEST_PID:
            os.close(gate)
            return None
        return Fork(pid, gate)

    def close(self) -> None:
        """Hang up; the server ends by itself, or is swept."""
        self._connection.close()


def can_be_warm(spec: RunSpec) -> bool:
    """Not with descriptors beyond the three, nor where it could write its server's memory."""
    return bool(spec.server_argv) and not spec.inputs and not spec.writable


def _kind(spec: RunSpec) -> tuple[Role, str, bool, RunLimits, tuple[str, ...]]:
    return spec.role, spec.policy, spec.writable, spec.limits, spec.server_argv
