"""An active/standby pair whose active broker dies, and whose password changes with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradectl.local.engines.activemq import BrokerHome, BrokerSpec, broker_answers, start_broker
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.find import Engines
from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningBroker
from gradectl.processes.child import Child, wait_until_ready
from grader.adapters.activemq.connection import connect
from grader.errors import AccessError, ConnectionLostError, TemporaryError
from grader.logs import Redactor
from grader.testing import MemoryParameterStore
from grader.worker.parameters import Parameters
from grader.worker.transports import open_broker

pytestmark = pytest.mark.engine

XML = (Path(__file__).parents[2] / "fixtures" / "broker.xml").read_text()
BEFORE, AFTER = (BrokerUser("grader", f"a-Password-for-tests-{number}") for number in (5, 6))
READY_SECONDS = 180.0


@contextmanager
def broker(engines: Engines, home: BrokerHome, user: BrokerUser) -> Iterator[Child]:
    """Run one broker of the pair; both have the same directory, as on Amazon MQ."""
    child = start_broker(engines.activemq, BrokerSpec("pair", XML, [user]), home)
    try:
        ca_file = home.certificates.ca_file
        wait_until_ready(child, lambda: broker_answers(home.port, ca_file, user), READY_SECONDS)
        yield child
    finally:
        child.stop(0.0)


def test_worker_goes_on_at_the_endpoint_that_answers(world: Any) -> None:
    """One endpoint of a pair is always closed; which one changes with each failover."""
    relays = [world.relay("mq/broker-endpoint", world.broker.port) for _ in range(2)]
    pair = ",".join(f"stomp+ssl://localhost:{relay.port}" for relay in relays)
    world.set_parameter("mq/broker-endpoint", pair)
    relays[0].open()
    worker = world.start()
    for active, standby in (relays, relays[::-1]):
        request_id = world.submit()
        assert world.result().request_id == request_id

        standby.open()
        active.cut()
        worker.wait_for("broker closed the connection")

    request_id = world.submit()
    assert world.result().request_id == request_id


@pytest.mark.exhaustive
def test_worker_goes_on_at_the_standby_with_the_new_password(
    make_world: Callable[..., Any], engines: Engines, tmp_path: Path
) -> None:
    """It is refused until the parameter has the new password, and then works without a restart."""
    ports = free_ports(2)
    certificates = make_certificates(tmp_path, "localhost", "127.0.0.1")
    active = BrokerHome(tmp_path / "pair", ports[0], tmp_path / "pair.log", certificates)
    pair = ",".join(f"stomp+ssl://localhost:{port}" for port in ports)
    login = (BEFORE.name, BEFORE.password, certificates.ca_file)
    with broker(engines, active, BEFORE) as child:
        world = make_world(RunningBroker(pair, ports[0], *login))
        worker = world.start(WORKER_SLOTS="2")
        world.submit()
        assert world.result().status == "completed"
        os.kill(child.pid, signal.SIGKILL)
        worker.wait_for("Waiting for the broker")

    with broker(engines, replace(active, port=ports[1]), AFTER):
        worker.wait_for("was refused")
        world.set_parameter("mq/password", AFTER.password)
        world.web = connect([pair], AFTER.name, AFTER.password, ca_file=certificates.ca_file)
        world._queue_of.clear()
        request_id = world.submit()

        assert world.result().request_id == request_id
        worker.signal(signal.SIGTERM)
        assert worker.ended() == 0
        world.web.close()
    assert not [line for line in worker.lines if AFTER.password in line]


class ChangedStore(MemoryParameterStore):
    """A store that calls `meanwhile` once, when it is read."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def get_many(self, names: Any) -> dict[str, str]:
        """Read, after what happens meanwhile."""
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return super().get_many(names)


@pytest.fixture
def store(activemq: RunningBroker, monkeypatch: pytest.MonkeyPatch) -> ChangedStore:
    """The parameters of a broker, with an old password."""
    monkeypatch.setenv("SSL_CERT_FILE", str(activemq.ca_file))
    return ChangedStore({"e": activemq.endpoint, "u": activemq.user, "p": "an-old-Password-1"})


@pytest.fixture
def parameters(store: ChangedStore) -> Parameters:
    """The old password was read."""
    names = {"mq_endpoint": "e", "mq_username": "u", "mq_password": "p"}
    parameters = Parameters(store, names, Redactor())
    parameters.refresh()
    return parameters


def test_refused_consumer_uses_the_password_that_another_one_has_read(
    activemq: RunningBroker, store: ChangedStore, parameters: Parameters
) -> None:
    """All consumers are refused at once, and one of them reads the parameters first."""
    store.values["p"] = activemq.password
    store.meanwhile = parameters.refresh

    open_broker(parameters, "broker-1").close()


def test_refusal_while_the_parameters_cannot_be_read_is_tried_again(
    store: ChangedStore, parameters: Parameters
) -> None:
    """SSM throttles, or is away: the worker does not end because of that."""

    def throttle() -> None:
        raise TemporaryError("Rate exceeded")

    store.meanwhile = throttle

    with pytest.raises(ConnectionLostError, match="Rate exceeded"):
        open_broker(parameters, "broker-1")


def test_refusal_with_parameters_just_read_names_them(parameters: Parameters) -> None:
    """Somebody has to repair it."""
    with pytest.raises(AccessError, match="was refused") as caught:
        open_broker(parameters, "broker-1")

    assert "compare u and p with the broker's users" in caught.value.next_step
