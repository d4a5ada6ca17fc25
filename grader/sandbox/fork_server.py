"""
A fork server in a box: a started interpreter that forks a copy of itself for each case.

A server serves one submission; `Box.clean` ends it. It runs as the untrusted user with the limits
of the untrusted program, so its messages are not trusted: a process id that is not a child of the
launcher leads to a run that exceeds its wall time.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.sandbox.runs import Role, RunLimits, RunSpec

#: The server itself; the intermediate process has exited when the case begins.
_OWN_PROCESSES = 1
_TIMEOUT_SECONDS = 2.0
_PID_BYTES = 4
_MAX_PID = 1 << 22


@dataclass(frozen=True)
class Fork:
    """
    A forked process that starts when its gate is closed.

    Args:
        pid: Its process id according to the server.
        gate: Write end of the pipe it waits on; to be sent to the launcher.
    """

    pid: int
    gate: int


class ForkServer:
    """
    The worker's side of a fork server.

    Args:
        spec: The run it is started for.
        connection: The worker's end of its socket.
    """

    def __init__(self, spec: RunSpec, connection: socket.socket) -> None:
        self._kind = _kind(spec)
        self._connection = connection
        self._is_waiting = False
        limits = spec.server_limits or spec.limits
        self.limits = replace(limits, processes=limits.processes + _OWN_PROCESSES)

    @classmethod
    def pair(cls, spec: RunSpec) -> tuple[ForkServer, socket.socket]:
        """Create one, and the end of the socket that its program gets as descriptor 3."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_TIMEOUT_SECONDS)
        return cls(spec, ours), theirs

    def fits(self, spec: RunSpec) -> bool:
        """Whether it can start this run: same role, policy, limits and command; no open answer."""
        return self._kind == _kind(spec) and not self._is_waiting

    def fork(self, descriptors: Sequence[int]) -> Fork | None:
        """Fork a process with these as stdin, stdout and stderr; None if the server fails."""
        self._is_waiting = True
        read_end, gate = os.pipe()
        try:
            socket.send_fds(self._connection, [b"f"], [*descriptors, read_end])
            answer = self._connection.recv(_PID_BYTES)
        except OSError:
            answer = b""
        except BaseException:  # a signal's
            os.close(gate)
            raise
        finally:
            os.close(read_end)
        pid = int.from_bytes(answer, sys.byteorder)
        if len(answer) != _PID_BYTES or pid > _MAX_PID:
            os.close(gate)
            return None
        self._is_waiting = False
        return Fork(pid, gate)

    def close(self) -> None:
        """Close the connection; the server then exits, or is swept."""
        self._connection.close()


def can_be_forked(spec: RunSpec) -> bool:
    """Whether a fork server can start a run: no extra inputs, and no way to write its memory."""
    return bool(spec.server_argv) and not spec.inputs and not spec.writable


def _kind(spec: RunSpec) -> tuple[Role, str, bool, RunLimits, tuple[str, ...]]:
    limits = spec.server_limits or spec.limits
    return spec.role, spec.policy, spec.writable, limits, spec.server_argv
