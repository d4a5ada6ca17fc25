"""
What lies where in the directory of a local stack.

::

    stack.json  supervisor.lock   how others find it (`gradectl.local.stack`)
    ca.pem      server.p12        what the broker proves itself with; the second one is private
    launcher    boxes/            the sandbox of the tasks, built at `up`
    broker/<id>/                  configuration (private) and messages of the broker
    database/<id>/                data of the database server (private)
    tasks/                        working directories of the tasks
    logs/                         one file a service
    supervisor.out                what the supervisor printed, such as why it fell over
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StackLayout:
    """The paths below one stack directory."""

    directory: Path

    @property
    def launcher(self) -> Path:
        """The sandbox launcher of the tasks."""
        return self.directory / "launcher"

    @property
    def boxes(self) -> Path:
        """Where submissions are run; slot users pass through every folder above it."""
        return self.directory / "boxes"

    @property
    def supervisor_output(self) -> Path:
        """What the supervisor printed, such as why it fell over."""
        return self.directory / "supervisor.out"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor says."""
        return self.directory / "logs" / "supervisor.log"

    @property
    def control_plane_log(self) -> Path:
        """One line for each AWS call."""
        return self.directory / "logs" / "control-plane.log"

    def broker(self, broker_id: str) -> Path:
        """Home of a broker."""
        return self.directory / "broker" / broker_id

    def database(self, instance_id: str) -> Path:
        """Home of a database server."""
        return self.directory / "database" / instance_id

    def task(self, name: str) -> Path:
        """Working directory of a task."""
        return self.directory / "tasks" / _file_name(name)

    def log(self, name: str) -> Path:
        """Log of a service."""
        return self.directory / "logs" / f"{_file_name(name)}.log"

    def clear(self) -> None:
        """Remove what an earlier run left: its control plane, and so the meaning, is gone."""
        self.clear_data()
        shutil.rmtree(self.directory / "logs", ignore_errors=True)
        (self.directory / "logs").mkdir(mode=0o700)

    def clear_data(self) -> None:
        """Remove messages and rows; the logs stay for whoever wants to know what happened."""
        for folder in ("broker", "database", "tasks"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)
        for file in ("ca.pem", "server.p12"):
            (self.directory / file).unlink(missing_ok=True)


def _file_name(name: str) -> str:
    """Make one path segment of a service's name."""
    return "".join(char if char.isalnum() or char in "-._" else "-" for char in name)
