"""
The main process of a local stack: serves the control plane and runs the data planes.

`python -m gradectl.local.supervisor DIRECTORY REGION ACCOUNT_ID ENVIRONMENT READY_FD`, started by
`gradectl.local.lifecycle`. Writes one line to READY_FD: empty when it is ready, else the error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.local.control_plane import patch_elasticache
from gradectl.local.control_plane.patch_mq import (
    CREATING,
    FAILED,
    REBOOTING,
    RUNNING,
    patch_mq,
)
from gradectl.local.control_plane.patch_tasks import patch_tasks
from gradectl.local.control_plane.server import ControlPlane, calls
from gradectl.local.control_plane.state import (
    observe,
    parameter,
    record_broker,
    record_cache,
    record_targets,
    record_task_end,
    record_task_running,
    record_tasks,
)
from gradectl.local.desired import CACHE, Cloud, OneOffTask, balanced, one_off_tasks
from gradectl.local.engines.find import find_mariadb, find_optional_registry
from gradectl.local.engines.load_balancer import write_targets
from gradectl.local.engines.registry import prepare_registry
from gradectl.local.engines.registry_client import RegistryClient
from gradectl.local.engines.tls import make_certificates
from gradectl.local.image_store import ImageStore
from gradectl.local.layout import StackLayout
from gradectl.local.loopback import LOOPBACK, free_ports
from gradectl.local.platform import Addresses, Platform
from gradectl.local.reconciler import Reconciler, broker_snapshot, target_ports, task_states
from gradectl.local.runner import ServiceState, Snapshot
from gradectl.local.stack import SETTLED_PATH, STATUS_PATH, Stack, StackLocation, take_lock
from gradectl.processes.signals import call_on_signal

_EXITED = "Essential container in task exited"  # the words of ECS
_SETTLED_SECONDS = 10.0  # a client repeats the request to wait longer
_log = logging.getLogger(__name__)


class Supervisor:
    """A local stack: its control plane, its services, and its entry in `stack.json`."""

    def __init__(self, location: StackLocation) -> None:
        """Bind the ports and prepare the parts; raises `GradectlError`."""
        layout = StackLayout(location.directory)
        patch_mq()
        patch_elasticache.wait_for_data_plane()
        certificates = make_certificates(layout.directory, "localhost", LOOPBACK)
        pages = {STATUS_PATH: self._status_page, SETTLED_PATH: self._settled_page}
        broker_port, database_port, registry_port, cache_port, balancer_port = free_ports(5)
        registry = find_optional_registry()
        access, images = None, None
        if registry:
            access = prepare_registry(registry, layout.registry, registry_port, certificates)
            images = ImageStore(layout.images, RegistryClient(access))
            images.prune()
        self._control_plane = ControlPlane(on_change=self.wake, pages=pages, registry=access)
        patch_tasks()
        addresses = Addresses(
            self._control_plane.url,
            broker_port,
            database_port,
            registry_port,
            cache_port,
            balancer_port,
        )
        self._platform = Platform(
            find_mariadb(), layout, addresses, certificates, parameter, registry, images
        )
        watch = observe if registry else observe_without_images
        self._reconciler = Reconciler(watch, self._platform.launch, self._report, self._task_ended)
        self.stack = Stack(
            directory=layout.directory,
            endpoint_url=addresses.endpoint_url,
            region=location.region,
            account_id=location.account_id,
            ca_file=certificates.ca_file,
            broker_endpoint=f"stomp+ssl://localhost:{broker_port}",
            db_endpoint=f"{LOOPBACK}:{database_port}",
            redis_endpoint=f"rediss://localhost:{cache_port}",
            api_url=f"http://localhost:{balancer_port}",
            supervisor_pid=os.getpid(),
            environment=location.environment,
        )
        self._layout = layout

    def wake(self) -> None:
        """Trigger another round of the reconciler."""
        self._reconciler.wake()

    def stop(self) -> None:
        """Make `run` return."""
        self._reconciler.stop()

    def start(self) -> None:
        """Serve AWS calls and publish `stack.json`."""
        self._control_plane.start()
        self.stack.write()

    def run(self) -> None:
        """Run data planes until `stop`; stopping tasks need the control plane, so it stops last."""
        try:
            self._reconciler.run()
        finally:
            self.stack.withdraw()
            self._control_plane.stop()
            self._layout.clear_data()

    def _report(self, cloud: Cloud, snapshots: list[Snapshot]) -> None:
        """Record the actual state in the control plane, and the targets of the load balancer."""
        report(cloud, snapshots)
        for number, service in enumerate(balanced(cloud)):
            ports = target_ports(service, snapshots)
            record_targets(service.target_group, ports)
            if number == 0:
                write_targets(self._platform.load_balancer_home(), ports)

    def _task_ended(self, task: OneOffTask, exit_status: int | None, message: str) -> None:
        """Record the end of a one-off task, with its log."""
        log = self._layout.log(task.name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        record_task_end(task.task_id, exit_code(exit_status), message or _EXITED, lines)

    def _status_page(self, _query: str) -> bytes:
        log = self._layout.log
        services = [
            {**asdict(each), "log_file": str(log(each.name))}
            for each in self._reconciler.snapshots()
        ]
        return json.dumps(services).encode()

    def _settled_page(self, query: str) -> bytes:
        seconds = min(float(query), _SETTLED_SECONDS)
        return json.dumps(self._reconciler.wait_until_settled(seconds)).encode()


def report(cloud: Cloud, snapshots: list[Snapshot]) -> None:
    """Record the actual state in the control plane."""
    tasks = task_states(snapshots)
    for service in cloud.services:
        record_tasks(service.name, tasks.get(service.name, []))
    running = {each.name for each in snapshots if each.state is ServiceState.RUNNING}
    for task in one_off_tasks(cloud):
        if task.name in running:
            record_task_running(task.task_id)
    broker = broker_snapshot(snapshots)
    if broker and cloud.brokers:
        first = cloud.brokers[0]
        record_broker(first.broker_id, broker_state(broker, rebooted=first.reboots > 0))
    cache = next((each for each in snapshots if each.name == CACHE), None)
    if cache and cloud.caches:
        record_cache(cloud.caches[0].group_id, cache_state(cache))


def observe_without_images() -> Cloud:
    """Read all resources that need a data plane, on a machine without a registry of images."""
    return replace(observe(), repositories=())


def exit_code(status: int | None) -> int | None:
    """Translate the exit status of a process into the exit code of a container."""
    return 128 - status if status is not None and status < 0 else status


def broker_state(snapshot: Snapshot, *, rebooted: bool) -> str:
    """Translate the state of the broker's service into a broker state of Amazon MQ."""
    if snapshot.state is ServiceState.RUNNING:
        return RUNNING
    if rebooted:
        return REBOOTING
    return FAILED if snapshot.state is ServiceState.FAILED else CREATING


def cache_state(snapshot: Snapshot) -> str:
    """Translate the state of the cache's service into the status of a replication group."""
    if snapshot.state is ServiceState.RUNNING:
        return patch_elasticache.AVAILABLE
    if snapshot.state is ServiceState.FAILED:
        return patch_elasticache.CREATE_FAILED
    return patch_elasticache.CREATING


def main(arguments: list[str]) -> int:
    """Run a stack until SIGTERM or SIGINT."""
    directory, region, account_id, environment, ready = arguments
    location = StackLocation(Path(directory), region, account_id, environment)
    layout = StackLayout(location.directory)
    with os.fdopen(int(ready), "w") as answer:
        try:
            lock = take_lock(layout.directory)
            layout.clear()
            _log_to_files(layout)
            supervisor = Supervisor(location)
            call_on_signal(supervisor.stop)
            supervisor.start()
        except GradectlError as error:
            answer.write(f"{error}\n")
            return int(error.exit_code)
        answer.write("\n")
    supervisor.run()
    os.close(lock)
    return 0


def _log_to_files(layout: StackLayout) -> None:
    """Log AWS calls and the supervisor's own messages to separate files."""
    form = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    for name, path in (("", layout.supervisor_log), (calls.name, layout.control_plane_log)):
        handler = logging.FileHandler(path)
        handler.setFormatter(form)
        logging.getLogger(name).addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    calls.propagate = False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
