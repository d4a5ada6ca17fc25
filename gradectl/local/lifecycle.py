"""Starts, watches and ends a local stack from outside of it."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradectl.errors import ConfigurationError, GradectlError, TryAgainError, UnreachableError
from gradectl.local.engines.find import find_engines
from gradectl.local.layout import StackLayout
from gradectl.local.stack import (
    DIRECTORY_VARIABLE,
    Stack,
    check_ours,
    is_locked,
    make_directory,
    supervisor_of,
)

_DOWN_SECONDS = 90.0
_REQUEST_SECONDS = 30.0
_OUTPUT_CHARACTERS = 2000


@dataclass(frozen=True)
class StackLocation:
    """Where a stack runs and for which account."""

    directory: Path
    region: str
    account_id: str


@dataclass(frozen=True)
class ServiceStatus:
    """One service of a running stack."""

    name: str
    state: str
    address: str
    pid: int | None
    restarts: int
    message: str
    health: str  # "healthy", "unhealthy", "silent"; empty for what is not asked
    log_file: Path


def up(place: StackLocation, environ: Mapping[str, str]) -> Stack:
    """
    Start a stack, or find the one that runs.

    Args:
        place: Where, and for which account.
        environ: The process environment, which the supervisor and the build of the sandbox get.

    Raises:
        ConfigurationError: An engine is missing, or the sandbox cannot be built there.
        GradectlError: The supervisor did not start; says why.
    """
    make_directory(place.directory)
    if running := Stack.read(place.directory):
        return running
    if is_locked(place.directory):
        raise TryAgainError("a local stack is starting or ending here", where=str(place.directory))
    find_engines()
    layout = StackLayout(place.directory)
    _build_sandbox(layout, environ)
    return _start_supervisor(place, layout, environ)


def down(directory: Path) -> bool:
    """
    End a stack and wait until nothing of it is left.

    Returns:
        False when none was running.

    Raises:
        RefusedError: The directory is somebody else's.
    """
    try:
        check_ours(directory)
    except FileNotFoundError:
        return False
    if not is_locked(directory):
        return False
    try:
        supervisor = os.pidfd_open(supervisor_of(directory))
    except (ProcessLookupError, ValueError):
        return False
    try:
        if is_locked(directory):  # so the number still belongs to it
            _end(supervisor)
    finally:
        os.close(supervisor)
    return True


def services(stack: Stack) -> list[ServiceStatus]:
    """Ask a running stack what it runs; raises `UnreachableError`."""
    return [
        ServiceStatus(**{**each, "log_file": Path(each["log_file"])})
        for each in _ask(stack, "/_gradectl/status")
    ]


def is_settled(stack: Stack, timeout_seconds: float) -> bool:
    """Wait for all that must run to run in health, 10 s at most; raises `UnreachableError`."""
    return bool(_ask(stack, f"/_gradectl/settled?{timeout_seconds}"))


def check_setuid(directory: Path, mount_flags: int) -> None:
    """
    Make sure that the sandbox can switch users there.

    Args:
        directory: Where the launcher is to be.
        mount_flags: Those of its file system, as statvfs gives them.

    Raises:
        ConfigurationError: It is mounted so that no program can.
    """
    if mount_flags & os.ST_NOSUID:
        raise ConfigurationError(
            "the sandbox cannot work on a file system mounted with nosuid",
            where=str(directory),
            next_step=f"set {DIRECTORY_VARIABLE} to a directory on another one",
        )


def _build_sandbox(layout: StackLayout, environ: Mapping[str, str]) -> None:
    """Build the launcher before the supervisor detaches: sudo may want to ask for a password."""
    check_setuid(layout.directory, os.statvfs(layout.directory).f_flag)
    command = [sys.executable, "-m", "grader.sandbox.build"]
    command += ["--output", str(layout.launcher), "--box-root", str(layout.boxes)]
    done = subprocess.run(
        command, env=dict(environ), check=False, stderr=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise ConfigurationError(
            f"the sandbox could not be built:\n{done.stderr[-_OUTPUT_CHARACTERS:]}",
            where=str(layout.launcher),
        )


def _start_supervisor(
    place: StackLocation, layout: StackLayout, environ: Mapping[str, str]
) -> Stack:
    """Start it in a session of its own, and end it again when we are stopped before it is ready."""
    answer, ready = os.pipe()
    command = [sys.executable, "-m", "gradectl.local.supervisor", str(place.directory)]
    command += [place.region, place.account_id, str(ready)]
    with os.fdopen(answer) as answers, layout.supervisor_output.open("ab") as output:
        supervisor = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=place.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[ready],
            start_new_session=True,
        )
        try:
            os.close(ready)
            line = answers.readline()
            stack = Stack.read(place.directory) if line == "\n" else None
        except BaseException:
            supervisor.terminate()
            supervisor.wait()
            raise
    if stack is None:
        supervisor.wait()
        raise GradectlError(
            f"the local stack did not start: {line.strip() or _tail(layout.supervisor_output)}",
            where=str(place.directory),
        )
    supervisor.returncode = 0  # it lives on: nobody is to wait for it
    return stack


def _end(supervisor: int) -> None:
    """Ask the supervisor to end; kill it when it does not, its children die with it."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(supervisor, signal.SIGTERM)
    watched = select.poll()
    watched.register(supervisor, select.POLLIN)
    if not watched.poll(_DOWN_SECONDS * 1000):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(supervisor, signal.SIGKILL)
        watched.poll()


def _ask(stack: Stack, path: str) -> Any:  # noqa: ANN401 - a JSON document
    address = stack.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=_REQUEST_SECONDS)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(
            f"the local stack does not answer: {error}",
            where=stack.endpoint_url,
            next_step="gradectl local down, then gradectl local up",
        ) from error
    finally:
        connection.close()


def _tail(file: Path) -> str:
    return file.read_text(errors="replace")[-_OUTPUT_CHARACTERS:]
