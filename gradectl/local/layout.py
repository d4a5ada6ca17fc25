"""
The files in the directory of a local stack.

::

    stack.json  supervisor.lock   how clients find the stack (`gradectl.local.stack`)
    ca.pem      server.p12        CA certificate; key and certificate of the broker (private)
    launcher    boxes/            sandbox of the tasks, built by `gradectl local up`
    broker/<id>/                  configuration (private) and messages of the broker
    database/<id>/                data of the database server (private)
    cache/<id>/                   configuration of Redis (private)
    load-balancer/                targets of the load balancer
    registry/                     configuration (private) and images of the registry; kept
    images/                       unpacked images of the tasks; kept
    tasks/                        working directories of the tasks
    logs/                         one file per service
    supervisor.out                output of the supervisor, such as a traceback
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
        """The boxes of the sandbox; box users must be able to traverse every folder above."""
        return self.directory / "boxes"

    @property
    def supervisor_output(self) -> Path:
        """Output of the supervisor, such as a traceback."""
        return self.directory / "supervisor.out"

    @property
    def supervisor_log(self) -> Path:
        """Log of the supervisor."""
        return self.directory / "logs" / "supervisor.log"

    @property
    def control_plane_log(self) -> Path:
        """Log of the control plane, one line per AWS call."""
        return self.directory / "logs" / "control-plane.log"

    def broker(self, broker_id: str) -> Path:
        """Directory of a broker."""
        return self.directory / "broker" / broker_id

    def database(self, instance_id: str) -> Path:
        """Directory of a database server."""
        return self.directory / "database" / instance_id

    def cache(self, group_id: str) -> Path:
        """Directory of a cache."""
        return self.directory / "cache" / group_id

    @property
    def load_balancer(self) -> Path:
        """Directory of the load balancer."""
        return self.directory / "load-balancer"

    @property
    def registry(self) -> Path:
        """Directory of the registry; its images make the next push short."""
        return self.directory / "registry"

    @property
    def images(self) -> Path:
        """The unpacked images of the tasks, which make the next start short."""
        return self.directory / "images"

    def task(self, name: str) -> Path:
        """Working directory of a task."""
        return self.directory / "tasks" / _file_name(name)

    def log(self, name: str) -> Path:
        """Log of a service."""
        return self.directory / "logs" / f"{_file_name(name)}.log"

    def clear(self) -> None:
        """Remove the files of an earlier run, whose control plane no longer exists."""
        self.clear_data()
        shutil.rmtree(self.directory / "logs", ignore_errors=True)
        (self.directory / "logs").mkdir(mode=0o700)

    def clear_data(self) -> None:
        """Remove messages, rows and certificates; logs and images stay."""
        for folder in ("broker", "cache", "database", "load-balancer", "tasks"):
            shutil.rmtree(self.directory / folder, ignore_errors=True)
        for file in ("ca.pem", "server.p12", "server.pem"):
            (self.directory / file).unlink(missing_ok=True)


def _file_name(name: str) -> str:
    """Turn the name of a service into one path segment."""
    return "".join(char if char.isalnum() or char in "-._" else "-" for char in name)
