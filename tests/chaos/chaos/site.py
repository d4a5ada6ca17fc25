"""A whole system that faults are tried on: bucket, queues, database, and two real workers."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from http_relay import HttpRelay
from redis_server import RedisServer, running_redis
from tcp_relay import Relay

from chaos.clock import Clock
from chaos.engines import Broker, DatabaseServer
from chaos.queues import BrokerQueues, Queues, SqsQueues, ThrottlingSqs, create_queues
from chaos.results import Results
from chaos.web import WebTier
from chaos.workers import Workers
from gradectl.local.engines.find import find_activemq, find_mariadb
from gradectl.local.loopback import free_ports
from gradectl.local.testing import running_control_plane
from grader.adapters.s3 import S3ObjectStore
from grader.ports.messages import MessageSender
from grader.ports.stores import ObjectStore
from grader.sandbox.build import Installation, install, run_as_root

REGION = "ap-northeast-2"
BUCKET = "chaos-grading-files"
PROBLEM = "double"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
_PARTS = {
    "MQ": ("mq", ("broker-endpoint", "username", "password")),
    "DB": ("db", ("endpoint", "name", "username", "password")),
    "REDIS": ("redis", ("url", "password")),
}
#: The API has users of its own.
_OF_THE_API = {
    "DB_USERNAME_PARAM": "/chaos/db-web/username",
    "DB_PASSWORD_PARAM": "/chaos/db-web/password",
    "MQ_USERNAME_PARAM": "/chaos/mq-web/username",
    "MQ_PASSWORD_PARAM": "/chaos/mq-web/password",
}
_DISK = "24m"
_FIRST_USER = 300_000
_BOXES = 16
_USERS_PER_PROCESS = 4 * _BOXES
_INTERNAL_ERROR = (
    b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
)


class FaultyBucket(HttpRelay):
    """The bucket as the workers see it: it can fail every request, or answer late."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.fails = False
        self.delay_seconds = 0.0
        self._disturbed = 0
        self._changed = threading.Condition()

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Fail, delay or pass on a request."""
        if self.fails:
            self._count()
            return 500, [("Content-Type", "application/xml")], _INTERNAL_ERROR
        if self.delay_seconds:
            self._count()
            threading.Event().wait(self.delay_seconds)
        return super().answer(method, path, headers, body)

    def expect(self, count: int) -> Callable[[], None]:
        """Return a function that waits until `count` more requests were failed or delayed."""
        target = self._disturbed + count

        def wait() -> None:
            with self._changed:
                assert self._changed.wait_for(lambda: self._disturbed >= target, 300.0)

        return wait

    def _count(self) -> None:
        with self._changed:
            self._disturbed += 1
            self._changed.notify_all()


@dataclass(frozen=True)
class Site:
    """
    The running system, and what faults can get at.

    Args:
        queues: The queues, on ActiveMQ or SQS.
        database: The database.
        bucket: The way of the workers to the bucket.
        links: The ways of the workers to queues and database.
        clock: The time of day of workers and broker.
        disk: The disk of the workers.
        workers: The workers.
        results: What the web tier has received.
        store: The way of the web tier to the bucket.
        sender: Sends requests, as the web tier does.
        set_parameter: Writes a parameter such as `mq/password`.
        redis: Where workers publish results, and the API receives them.
        web: The HTTP API.
    """

    queues: Queues
    database: DatabaseServer
    bucket: FaultyBucket
    links: tuple[Relay, Relay]
    clock: Clock
    disk: Path
    workers: Workers
    results: Results
    store: ObjectStore
    sender: MessageSender
    set_parameter: Callable[[str, str], None]
    redis: RedisServer
    web: WebTier

    @property
    def broker(self) -> Broker:
        """The broker of a site that has one."""
        assert isinstance(self.queues, BrokerQueues)
        return self.queues.broker

    @property
    def sqs(self) -> SqsQueues:
        """The queues of a site on SQS."""
        assert isinstance(self.queues, SqsQueues)
        return self.queues


@contextmanager
def open_site(settings: dict[str, str], transport: str = "activemq") -> Iterator[Site]:
    """
    Start a system, and stop it on exit.

    Args:
        settings: Environment variables of the workers besides those of every deployment.
        transport: `activemq` or `sqs`.
    """
    with ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-chaos-"))
        directory = Path(name)
        directory.chmod(0o711)  # users of boxes pass through it
        endpoint = stack.enter_context(running_control_plane(directory))
        clock = Clock(directory)
        open_queues = _open_sqs if transport == "sqs" else _open_broker
        queues = open_queues(stack, directory, endpoint, clock)
        database = DatabaseServer(find_mariadb(), directory / "database")
        stack.callback(database.stop)
        database.start()
        links = _links(stack, queues.port, database.port)
        bucket = stack.enter_context(FaultyBucket(endpoint).running())
        disk = _disk(stack, directory)
        redis = _redis(stack, directory)
        environment = {
            **_environment(endpoint, bucket, links[0]),
            **queues.environment,
            **_parameters("REDIS"),
            "REDIS_CA_FILE": str(redis.ca_file),
        }
        of_workers = {**_sandbox(directory, disk), **clock.environment, **settings}
        store, set_parameter = _account(endpoint, database, links)
        _set_logins(set_parameter, queues, links[0], redis)
        sender = stack.enter_context(closing(queues.open_sender()))
        workers = Workers({**environment, **of_workers}, directory / "workers.log")
        results = Results(queues.open_inbox)
        site = Site(
            queues=queues,
            database=database,
            bucket=bucket,
            links=links,
            clock=clock,
            disk=disk,
            workers=workers,
            results=results,
            store=store,
            sender=sender,
            set_parameter=set_parameter,
            redis=redis,
            web=WebTier({**environment, **_OF_THE_API}, directory / "api.log", set_parameter),
        )
        stack.callback(results.stop)
        stack.callback(site.web.stop)
        results.start()
        stack.callback(workers.stop)
        workers.start()
        yield site


def _redis(stack: ExitStack, directory: Path) -> RedisServer:
    (directory / "redis").mkdir()
    return stack.enter_context(running_redis(directory / "redis"))


def _set_logins(
    set_parameter: Callable[[str, str], None], queues: Queues, link: Relay, redis: RedisServer
) -> None:
    """Write the parameters of Redis, and those of the broker's users."""
    set_parameter("redis/url", redis.url)
    set_parameter("redis/password", redis.password)
    if isinstance(queues, BrokerQueues):
        set_parameter("mq/broker-endpoint", f"stomp+ssl://localhost:{link.port}")
        for part, user in (("mq", "worker"), ("mq-web", "web")):
            set_parameter(f"{part}/username", user)
            set_parameter(f"{part}/password", queues.broker.passwords[user])


def _open_broker(stack: ExitStack, directory: Path, endpoint: str, clock: Clock) -> BrokerQueues:
    del endpoint
    broker = Broker(find_activemq(), directory / "broker", clock.environment)
    stack.callback(broker.stop)
    broker.start()
    return BrokerQueues(broker, _parameters("MQ"))


def _open_sqs(stack: ExitStack, directory: Path, endpoint: str, clock: Clock) -> SqsQueues:
    del directory, clock
    client = _aws(endpoint, "sqs")
    throttling = ThrottlingSqs(endpoint)
    stack.enter_context(throttling.running())
    return SqsQueues(client, create_queues(client), throttling)


def _links(stack: ExitStack, queues: int, database: int) -> tuple[Relay, Relay]:
    """Relay to the ports of queues and database."""
    ports = free_ports(2)
    relays = (Relay(queues, ports[0]), Relay(database, ports[1]))
    for relay in relays:
        relay.open()
        stack.callback(relay.cut)
    return relays


def _disk(stack: ExitStack, directory: Path) -> Path:
    """Mount a small disk; the workers write nowhere else."""
    disk = directory / "disk"
    disk.mkdir()
    options = f"size={_DISK},mode=0711,uid={os.getuid()}"
    run_as_root(["mount", "-t", "tmpfs", "-o", options, "none", str(disk)])
    stack.callback(run_as_root, ["umount", "--lazy", str(disk)])
    return disk


def _sandbox(directory: Path, disk: Path) -> dict[str, str]:
    launcher = directory / "launcher"
    first_user = _FIRST_USER + _USERS_PER_PROCESS * os.getpid()
    install(Installation(launcher, disk / "boxes", first_user, _BOXES, os.getegid()))
    files = disk / "tmp"
    files.mkdir(mode=0o711)
    return {"LAUNCHER_PATH": str(launcher), "TMPDIR": str(files)}


def _parameters(variable: str) -> dict[str, str]:
    """Return the variables with the names of the parameters of a part."""
    part, keys = _PARTS[variable]
    return {
        f"{variable}_{key.replace('broker-', '').upper()}_PARAM": f"/chaos/{part}/{key}"
        for key in keys
    }


def _environment(endpoint: str, bucket: FaultyBucket, to_queues: Relay) -> dict[str, str]:
    return {
        **_parameters("DB"),
        **_CREDENTIALS,
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": bucket.url,
        "AWS_ENDPOINT_URL_SQS": f"http://localhost:{to_queues.port}",
        "ENVIRONMENT": "chaos",
        "GRADING_BUCKET": BUCKET,
        "LANGUAGES": "python",
    }


def _aws(endpoint: str, service: str) -> Any:
    keys = {key.lower(): value for key, value in _CREDENTIALS.items()}
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys)


def _account(
    endpoint: str, database: DatabaseServer, links: tuple[Relay, Relay]
) -> tuple[ObjectStore, Callable[[str, str], None]]:
    """Create bucket, problem, parameters and application user."""
    s3, ssm = _aws(endpoint, "s3"), _aws(endpoint, "ssm")

    def set_parameter(name: str, value: str) -> None:
        ssm.put_parameter(Name=f"/chaos/{name}", Value=value, Type="SecureString", Overwrite=True)

    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for ending, content in (("in", b"21\n"), ("ans", b"42\n")):
        s3.put_object(Bucket=BUCKET, Key=f"problems/{PROBLEM}/testcases/1.{ending}", Body=content)
    password = "a-Password-of-application-1"
    database.set_password(password)
    database.make_reader(password)
    for name, value in {
        "db/endpoint": f"127.0.0.1:{links[1].port}",
        "db/name": database.NAME,
        "db/username": database.APPLICATION,
        "db/password": password,
        "db-web/username": database.READER,
        "db-web/password": password,
    }.items():
        set_parameter(name, value)
    return S3ObjectStore(s3, BUCKET), set_parameter
