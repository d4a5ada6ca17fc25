"""Starts the programs of services with the environment that AWS would give them."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gradectl.errors import ConfigurationError, TryAgainError
from gradectl.local.container import contained, full_command
from gradectl.local.desired import (
    HEALTHY,
    LOAD_BALANCER,
    BrokerService,
    CacheService,
    Container,
    DatabaseService,
    LoadBalancerService,
    LocalService,
    OneOffTask,
    RegistryService,
    TaskService,
)
from gradectl.local.engines import activemq, load_balancer, mariadb, redis, registry
from gradectl.local.engines.find import ActiveMqEngine, MariaDbEngine, find_activemq, find_redis
from gradectl.local.engines.load_balancer import LoadBalancerHome
from gradectl.local.engines.redis import RedisEngine
from gradectl.local.engines.registry import RegistryEngine
from gradectl.local.engines.tls import Certificates
from gradectl.local.image_store import CA_FILE, ImageStore, UnpackedImage
from gradectl.local.layout import StackLayout
from gradectl.local.loopback import LOOPBACK, free_ports, is_listening
from gradectl.processes.child import Child, ProgramSpec

#: moto accepts any credentials; these are the customary ones.
_EMULATED_KEY = "testing"
_HEALTH_SECONDS = 2.0
_TASK_READY_SECONDS = 60.0  # start period of the task's health check
#: A connection may have been passed on and not accepted yet: ECS deregisters a task before SIGTERM.
_DEREGISTRATION_SECONDS = 1.0


@dataclass(frozen=True)
class LaunchedProgram:
    """A started program, and how to test that it is ready."""

    child: Child
    answers: Callable[[], bool]
    ready_seconds: float
    stop_seconds: float
    address: str
    health: Callable[[], str] = lambda: ""  # empty for a service without a health check
    source: str = ""  # what a task runs from
    leave_seconds: float = 0.0  # from its removal from the load balancer to SIGTERM


@dataclass(frozen=True)
class Addresses:
    """Addresses that are fixed when the stack starts."""

    endpoint_url: str
    broker_port: int
    database_port: int
    registry_port: int
    cache_port: int
    load_balancer_port: int


@dataclass(frozen=True)
class Platform:
    """
    Runs on this machine what AWS would run.

    Args:
        mariadb: The installed database server.
        layout: The files of the stack.
        addresses: The fixed addresses of the stack.
        certificates: CA and server certificate of the broker and the database.
        read_parameter: Returns the value of a task's secret; raises `ConfigurationError`.
        registry: The prepared registry of images; None where it is not installed.
        images: The images of tasks; None without a registry.
        find_broker: Finds the installed broker, which a stack without one need not have.
        find_cache: The same for Redis.
    """

    mariadb: MariaDbEngine
    layout: StackLayout
    addresses: Addresses
    certificates: Certificates
    read_parameter: Callable[[str], str]
    registry: RegistryEngine | None = None
    images: ImageStore | None = None
    find_broker: Callable[[], ActiveMqEngine] = find_activemq
    find_cache: Callable[[], RedisEngine] = find_redis

    def launch(self, service: LocalService) -> LaunchedProgram:
        """
        Start the program of a service, without waiting until it is ready.

        Raises:
            GradectlError: Its configuration is invalid.
            TryAgainError: Its port is in use.
        """
        match service:
            case BrokerService():
                return self._launch_broker(service)
            case CacheService():
                return self._launch_cache(service)
            case DatabaseService():
                return self._launch_database(service)
            case LoadBalancerService():
                return self._launch_load_balancer(service)
            case RegistryService():
                return self._launch_registry(service)
            case TaskService() | OneOffTask():
                return self._launch_task(service)

    def _launch_broker(self, service: BrokerService) -> LaunchedProgram:
        port, broker = self.addresses.broker_port, service.source.broker
        _check_port(service.name, port)
        home = activemq.BrokerHome(
            self.layout.broker(service.source.broker_id),
            port,
            self.layout.log(service.name),
            self.certificates,
        )
        if not broker.users:
            raise ConfigurationError("the broker has no user", where=broker.name)
        child = activemq.start_broker(self.find_broker(), broker, home)
        ca_file, user = self.certificates.ca_file, broker.users[0]
        return LaunchedProgram(
            child,
            lambda: activemq.broker_serves(port, ca_file, user),
            activemq.READY_SECONDS,
            activemq.STOP_SECONDS,
            f"stomp+ssl://localhost:{port}",
            lambda: HEALTHY if activemq.broker_serves(port, ca_file, user) else "silent",
        )

    def _launch_database(self, service: DatabaseService) -> LaunchedProgram:
        port = self.addresses.database_port
        _check_port(service.name, port)
        home = mariadb.DatabaseHome(
            self.layout.database(service.source.instance_id),
            port,
            self.layout.log(service.name),
            self.certificates,
        )
        mariadb.prepare_data(self.mariadb, home)
        child = mariadb.start_database(self.mariadb, service.source.database, home)
        return LaunchedProgram(
            child,
            lambda: mariadb.database_answers(port),
            mariadb.READY_SECONDS,
            mariadb.STOP_SECONDS,
            f"{LOOPBACK}:{port}",
        )

    def _launch_cache(self, service: CacheService) -> LaunchedProgram:
        port, cache = self.addresses.cache_port, service.source.cache
        _check_port(service.name, port)
        home = redis.CacheHome(
            self.layout.cache(service.source.group_id),
            port,
            self.layout.log(service.name),
            self.certificates,
        )
        child = redis.start_cache(self.find_cache(), cache, home)
        ca_file = self.certificates.ca_file if cache.encrypts else None
        scheme = "rediss" if cache.encrypts else "redis"
        return LaunchedProgram(
            child,
            lambda: redis.cache_answers(port, ca_file),
            redis.READY_SECONDS,
            redis.STOP_SECONDS,
            f"{scheme}://localhost:{port}",
            lambda: HEALTHY if redis.cache_answers(port, ca_file) else "silent",
        )

    def load_balancer_home(self) -> LoadBalancerHome:
        """The directory and port of the load balancer."""
        log_file = self.layout.log(LOAD_BALANCER)
        port = self.addresses.load_balancer_port
        return LoadBalancerHome(self.layout.load_balancer, port, log_file)

    def _launch_load_balancer(self, service: LoadBalancerService) -> LaunchedProgram:
        home = self.load_balancer_home()
        _check_port(service.name, home.port)
        return LaunchedProgram(
            load_balancer.start_load_balancer(home),
            lambda: is_listening(home.port),
            load_balancer.READY_SECONDS,
            load_balancer.STOP_SECONDS,
            f"http://localhost:{home.port}",
        )

    def _launch_registry(self, service: RegistryService) -> LaunchedProgram:
        port = self.addresses.registry_port
        _check_port(service.name, port)
        if self.registry is None:
            raise ConfigurationError("the registry of images is not installed", where=service.name)
        log_file = self.layout.log(service.name)
        child = registry.start_registry(self.registry, self.layout.registry, log_file)
        return LaunchedProgram(
            child,
            lambda: is_listening(port),
            registry.READY_SECONDS,
            registry.STOP_SECONDS,
            f"https://localhost:{port}",
        )

    def _launch_task(self, service: TaskService | OneOffTask) -> LaunchedProgram:
        (port,) = free_ports(1)
        directory = self.layout.task(service.name)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        container = service.container
        image, reason = self._image(container)
        command = list(full_command(container, image) if image else container.command)
        if not command:
            raise ConfigurationError("the task definition has no command", where=service.name)
        environment = dict(image.environment) if image else {}
        environment |= dict(container.environment)
        environment |= {name: self.read_parameter(source) for name, source in container.secrets}
        environment |= self._platform_environment(port)
        is_target = isinstance(service, TaskService) and service.is_target
        if is_target:
            # a task has an address of its own, where it listens for the load balancer
            environment |= {"API_HOST": LOOPBACK, "API_PORT": str(port)}
        if image:
            environment["SSL_CERT_FILE"] = CA_FILE
            ca_file = self.certificates.ca_file
            command = contained(command, container, image, directory=directory, ca_file=ca_file)
        else:
            environment |= self._python_environment(directory)
        log_file = self.layout.log(service.name)
        program = ProgramSpec(service.name, command, environment, directory, log_file)
        return LaunchedProgram(
            Child(program),
            lambda: True,  # in ECS a task is RUNNING when its process runs; health is separate
            _TASK_READY_SECONDS,
            float(container.stop_seconds),
            f"http://{LOOPBACK}:{port}/health",
            lambda: task_health(port),
            f"image {image.digest}" if image else f"virtual environment{reason}",
            _DEREGISTRATION_SECONDS if is_target else 0.0,
        )

    def _image(self, container: Container) -> tuple[UnpackedImage | None, str]:
        """The image of a task, or why it runs from the Python environment of this stack."""
        if self.images is None or not self.images.serves(container.image):
            return None, ""
        if reason := self.images.why_not():
            return None, f": {reason}"
        return self.images.open(container.image), ""

    def _platform_environment(self, health_port: int) -> dict[str, str]:
        """Return the variables that a task gets beyond its task definition and its image."""
        return {
            "AWS_ACCESS_KEY_ID": _EMULATED_KEY,  # from the task role
            "AWS_SECRET_ACCESS_KEY": _EMULATED_KEY,
            "AWS_ENDPOINT_URL": self.addresses.endpoint_url,  # from the region
            "HEALTH_PORT": str(health_port),  # tasks have their own address, processes do not
        }

    def _python_environment(self, storage: Path) -> dict[str, str]:
        """Return the variables of a task without an image, which would have most of them."""
        programs = Path(sys.executable).parent
        return {
            "LAUNCHER_PATH": str(self.layout.launcher),
            "LANG": "C.UTF-8",
            "PATH": f"{programs}:{os.defpath}",
            "SSL_CERT_FILE": str(self.certificates.ca_file),
            "TMPDIR": str(storage),  # the ephemeral storage of a task
        }


def task_health(port: int) -> str:
    """Return the health of a task: `healthy`, `unhealthy`, or `silent` if it does not answer."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return "silent"
    finally:
        connection.close()
    return HEALTHY if status == http.client.OK else "unhealthy"


def _check_port(name: str, port: int) -> None:
    """Raise `TryAgainError` for a port in use, because the engine's own error is hard to find."""
    if is_listening(port):
        raise TryAgainError(
            f"the port of the {name} is in use by another program",
            where=f"{LOOPBACK}:{port}",
            next_step=f"stop it ('ss -ltnp sport = :{port}' shows its pid); the start is retried",
        )
