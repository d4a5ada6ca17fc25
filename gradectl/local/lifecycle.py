"""Starts, queries and stops a local stack from the command line."""

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
from gradectl.local.engines.find import check_engines, find_optional_registry
from gradectl.local.layout import StackLayout
from gradectl.local.stack import (
    DIRECTORY_VARIABLE,
    SETTLED_PATH,
    STATUS_PATH,
    Stack,
    StackLocation,
    check_ours,
    is_locked,
    make_directory,
    supervisor_of,
)
from gradectl.processes.output import tail

_DOWN_SECONDS = 90.0
_REQUEST_SECONDS = 30.0


@dataclass(frozen=True)
class ServiceStatus:
    """One service of a running stack."""

    name: str
    state: str
    address: str
    pid: int | None
    restarts: int
    message: str
    health: str  # "healthy", "unhealthy", "silent"; empty without a health check
    log_file: Path
    source: str = ""  # what a task runs from: its image, or the virtual environment


def up(location: StackLocation, environ: Mapping[str, str], *, build_sandbox: bool = True) -> Stack:
    """
    Start a stack, or return the one that is running.

    Args:
        location: Directory, account, region and environment.
        environ: The process environment, inherited by the supervisor and the sandbox build.
        build_sandbox: False for a stack whose tasks judge nothing.

    Raises:
        ConfigurationError: An engine is missing, or the sandbox cannot be built.
        TryAgainError: A stack is starting or stopping in the directory.
        GradectlError: The supervisor did not start.
    """
    make_directory(location.directory)
    if running := Stack.read(location.directory):
        return running
    if is_locked(location.directory):
        raise TryAgainError(
            "a local stack is starting or stopping in this directory", where=str(location.directory)
        )
    check_engines(broker=location.has_broker, cache=location.has_cache)
    layout = StackLayout(location.directory)
    if build_sandbox:
        _build_sandbox(layout, environ)
    return _start_supervisor(location, layout, environ)


def down(directory: Path) -> bool:
    """
    Stop a stack and wait until all its processes have ended.

    Returns:
        False if none was running.

    Raises:
        RefusedError: The directory belongs to another user.
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
        if is_locked(directory):  # so the pid still belongs to it
            _stop(supervisor)
    finally:
        os.close(supervisor)
    return True


def services(stack: Stack) -> list[ServiceStatus]:
    """Return the services of a running stack; raises `UnreachableError`."""
    return [
        ServiceStatus(**{**each, "log_file": Path(each["log_file"])})
        for each in _get(stack, STATUS_PATH)
    ]


def is_settled(stack: Stack, timeout_seconds: float) -> bool:
    """Wait up to 10 s until all services run and are healthy; raises `UnreachableError`."""
    return bool(_get(stack, f"{SETTLED_PATH}?{timeout_seconds}"))


def has_registry() -> bool:
    """Whether the registry of images is installed, so that workers can run from an image."""
    return find_optional_registry() is not None


def check_setuid(directory: Path, mount_flags: int) -> None:
    """
    Check that a setuid launcher works in a directory.

    Args:
        directory: The directory of the launcher.
        mount_flags: Mount flags of its file system, from statvfs.

    Raises:
        ConfigurationError: The file system is mounted with nosuid.
    """
    if mount_flags & os.ST_NOSUID:
        raise ConfigurationError(
            "the sandbox cannot work on a file system mounted with nosuid",
            where=str(directory),
            next_step=f"set {DIRECTORY_VARIABLE} to a directory on another file system",
        )


def _build_sandbox(layout: StackLayout, environ: Mapping[str, str]) -> None:
    """Build the launcher before the supervisor detaches, because sudo may ask for a password."""
    check_setuid(layout.directory, os.statvfs(layout.directory).f_flag)
    command = [sys.executable, "-m", "grader.sandbox.build"]
    command += ["--output", str(layout.launcher), "--box-root", str(layout.boxes)]
    done = subprocess.run(
        command, env=dict(environ), check=False, stderr=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise ConfigurationError(
            f"the sandbox could not be built:\n{tail(done.stderr)}",
            where=str(layout.launcher),
        )


def _start_supervisor(
    location: StackLocation, layout: StackLayout, environ: Mapping[str, str]
) -> Stack:
    """Start the supervisor in its own session; stop it if this process is interrupted before."""
    answer, ready = os.pipe()
    command = [sys.executable, "-m", "gradectl.local.supervisor", str(location.directory)]
    command += [location.region, location.account_id, location.environment, str(ready)]
    with os.fdopen(answer) as answers, layout.supervisor_output.open("ab") as output:
        supervisor = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=location.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[ready],
            start_new_session=True,
        )
        try:
            os.close(ready)
            line = answers.readline()
            stack = Stack.read(location.directory) if line == "\n" else None
        except BaseException:
            _end(supervisor)
            raise
    if stack is None:
        supervisor.wait()
        reason = line.strip() or tail(layout.supervisor_output.read_text(errors="replace"))
        raise GradectlError(
            f"the local stack did not start: {reason}",
            where=str(location.directory),
        )
    supervisor.returncode = 0  # it keeps running: suppresses the ResourceWarning
    return stack


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    """Stop and reap a supervisor that this process has started."""
    descriptor = os.pidfd_open(supervisor.pid)
    try:
        _stop(descriptor)
    finally:
        os.close(descriptor)
    supervisor.wait()


def _stop(supervisor: int) -> None:
    """Stop the supervisor by SIGTERM, then SIGKILL; the kernel kills its children with it."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(supervisor, signal.SIGTERM)
    watched = select.poll()
    watched.register(supervisor, select.POLLIN)
    if not watched.poll(_DOWN_SECONDS * 1000):
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(supervisor, signal.SIGKILL)
        watched.poll()


def _get(stack: Stack, path: str) -> Any:  # noqa: ANN401 - a JSON document
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
