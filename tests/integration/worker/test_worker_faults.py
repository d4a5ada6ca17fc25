"""Faults: retries, errors and shutdown, without loss of messages."""

from __future__ import annotations

import signal
from typing import Any

import pymysql
import pytest
from ecs_agent import DENIED, FakeAgent

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.testing import running_broker

pytestmark = pytest.mark.engine


def test_worker_waits_for_a_broker_that_is_down_at_start(world: Any) -> None:
    """Health names the broker; work starts when it is reachable."""
    relay = world.relay("mq/broker-endpoint", world.broker.port)
    worker = world.start()
    worker.wait_for("WARNING: Waiting for the broker-0")
    status, checks = worker.health()
    world.submit()

    relay.open()

    assert world.result().status == "completed"
    assert (status, checks["broker-0"]["ok"]) == (503, False)
    assert "waiting" in checks["broker-0"]["detail"]


def test_worker_connects_again_after_the_broker_was_away(world: Any) -> None:
    """A lost connection is detected at once, also by an idle worker with TLS."""
    relay = world.relay("mq/broker-endpoint", world.broker.port)
    relay.open()
    worker = world.start()
    world.submit()
    world.result()
    relay.cut()
    worker.wait_for("broker closed the connection")
    world.submit()

    relay.open()

    assert world.result().status == "completed"


def test_connection_lost_while_grading_gives_one_result(world: Any) -> None:
    """The stored result is sent for the redelivered message, which is not graded again."""
    relay = world.relay("mq/broker-endpoint", world.broker.port)
    relay.open()
    worker = world.start()
    request_id = world.submit(language="gate")
    worker.wait_for("Processing request")
    relay.cut()
    relay.open()
    worker.pass_gate()

    assert world.result().request_id == request_id
    assert world.jobs.get(request_id).attempts == 1
    assert world.nothing_more()


def test_wrong_broker_password_ends_the_worker_with_77(world: Any) -> None:
    """The error names user, address and parameters, but not the password."""
    world.set_parameter("mq/password", "not-the-Password-1")
    worker = world.start()

    assert worker.ended() == 77
    assert "user 'grader' was refused" in worker.lines[-1]
    assert "mq/password" in worker.lines[-1]
    assert not [line for line in worker.lines if "not-the-Password-1" in line]


def test_untrusted_certificate_ends_the_worker_with_78(world: Any) -> None:
    """No password is sent to an untrusted broker."""
    worker = world.start(SSL_CERT_FILE="")

    assert worker.ended() == 78
    assert "certificate is not trusted" in worker.lines[-1]


def test_missing_parameter_ends_the_worker_with_78(world: Any) -> None:
    """The error lists all missing parameters."""
    worker = world.start(MQ_USERNAME_PARAM="/nowhere/a", DB_NAME_PARAM="/nowhere/b")

    assert worker.ended() == 78
    assert "/nowhere/b" in worker.lines[-1]
    assert "/nowhere/a" in worker.lines[-1]


def test_worker_waits_for_a_database_that_is_down_at_start(world: Any) -> None:
    """Health names the database; its schema is created when it is reachable."""
    relay = world.relay("db/endpoint", world.database.port)
    worker = world.start()
    worker.wait_for("WARNING: Waiting for the database")
    status, checks = worker.health()
    world.submit()

    relay.open()

    assert world.result().status == "completed"
    assert status == 503
    assert checks["database"]["detail"].startswith("waiting")


def test_database_away_while_grading_delays_the_result(world: Any) -> None:
    """No result is sent before its row is saved."""
    relay = world.relay("db/endpoint", world.database.port)
    relay.open()
    worker = world.start()
    request_id = world.submit(language="gate")
    worker.wait_for("Processing request")
    relay.cut()
    worker.pass_gate()
    worker.wait_for("Waiting for the database")
    assert world.receive("RESULT_QUEUE_NAME", 0.2) is None

    relay.open()

    assert world.result().request_id == request_id
    assert world.jobs.get(request_id).attempts == 1


def test_rotated_database_password_is_read_again(world: Any) -> None:
    """After a refused login, also where the settings of Redis and webhooks are wrong."""
    relay = world.relay("db/endpoint", world.database.port)
    relay.open()
    user, old, new = f"u_{world.bucket[2:]}", "old-Password-1", "new-Password-2"
    _as_admin(world, f"CREATE USER {user} IDENTIFIED BY '{old}'", f"GRANT ALL ON *.* TO {user}")
    world.set_parameter("db/username", user)
    world.set_parameter("db/password", old)
    webhooks = {"WEBHOOKS_ENABLED": "true", "WEBHOOK_SECRET_PARAM": "/nowhere/secret"}
    worker = world.start(
        REDIS_URL_PARAM="/nowhere/url", WEBHOOK_CA_FILE="/nowhere/ca.pem", **webhooks
    )
    worker.wait_for("This worker sends no webhooks")
    world.submit()
    world.result()

    _as_admin(world, f"ALTER USER {user} IDENTIFIED BY '{new}'")
    world.set_parameter("db/password", new)
    relay.cut()
    relay.open()
    world.submit()

    assert world.result().status == "completed"
    worker.wait_for("parameters not found: /nowhere/url")
    assert not [line for line in worker.lines if new in line]


def _as_admin(world: Any, *statements: str) -> None:
    database = world.database
    connection = pymysql.connect(
        host="127.0.0.1", port=database.port, user=database.user, password=database.password
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_absent_result_queue_is_made_by_the_first_result(world: Any) -> None:
    """ActiveMQ creates a queue on the first message, so no result is lost."""
    world.start(RESULT_QUEUE_NAME=f"{world.bucket}.unheard-of")
    world.environment["RESULT_QUEUE_NAME"] = f"{world.bucket}.unheard-of"
    world.submit()

    assert world.result().status == "completed"


def test_full_result_queue_delays_results_and_loses_none(
    make_world: Any, engines: Any, tmp_path: Any
) -> None:
    """The broker does not commit; the request stays and its stored result is sent later."""
    policy = (
        '<policyEntry queue="*.results" memoryLimit="8192" sendFailIfNoSpace="true">'
        "<pendingQueuePolicy><vmQueueCursor/></pendingQueuePolicy></policyEntry>"
        '<policyEntry queue="&gt;" producerFlowControl="false"/>'
    )
    xml = (
        '<broker xmlns="http://activemq.apache.org/schema/core" schedulerSupport="true">'
        f"<destinationPolicy><policyMap><policyEntries>{policy}</policyEntries></policyMap>"
        "</destinationPolicy></broker>"
    )
    broker = BrokerSpec("full", xml, [BrokerUser("grader", "a-Password-for-tests-3")])
    with running_broker(engines, tmp_path, broker) as running:
        world = make_world(running)
        worker = world.start()
        wanted = {world.submit() for _ in range(12)}
        worker.wait_for("a queue may be full")

        assert {world.result().request_id for _ in range(12)} == wanted
        assert {world.jobs.get(request_id).attempts for request_id in wanted} == {1}
        world.web.close()


def test_sigterm_lets_the_running_request_finish(world: Any) -> None:
    """After draining the exit code is 0, and no new request is started."""
    worker = world.start()
    request_id = world.submit(language="gate")
    worker.wait_for("Processing request")
    other = world.submit()
    worker.signal(signal.SIGTERM)
    worker.wait_for("Stopping")
    worker.pass_gate()

    assert worker.ended() == 0
    assert world.result().request_id == request_id
    assert world.jobs.get(other) is None
    world.start()
    assert world.result().request_id == other


def test_sigterm_ends_an_idle_worker(world: Any) -> None:
    """Also one that still waits for its database."""
    idle = world.start()
    idle.wait_for("Worker started")
    world.relay("db/endpoint", world.database.port)
    waiting = world.start()
    waiting.wait_for("Waiting for the database")
    for worker in (idle, waiting):
        worker.signal(signal.SIGTERM)

    assert (idle.ended(), waiting.ended()) == (0, 0)


@pytest.mark.parametrize("again", [True, False], ids=["second signal", "drain time over"])
def test_worker_that_must_leave_at_once_leaves_its_request(world: Any, again: bool) -> None:
    """
    After a second signal, or the drain time, another worker gets the message.

    The attempt is given back: it counts neither as one nor as a crash, of which only one is left.
    """
    worker = world.start(DRAIN_SECONDS="60" if again else "0")
    request_id = world.submit(language="gate")
    worker.wait_for("Processing request")
    worker.signal(signal.SIGTERM)
    if again:
        worker.wait_for("Stopping")
        worker.signal(signal.SIGTERM)

    assert worker.ended() == 143
    assert any("Request given back" in line for line in worker.lines)
    assert world.jobs.get(request_id).attempts == 0
    successor = world.start(MAX_ATTEMPTS="1", MAX_CRASHES="1")
    successor.wait_for(f"Processing request {request_id}")
    successor.pass_gate()
    assert world.result().request_id == request_id
    assert world.jobs.get(request_id).attempts == 1


def test_task_is_protected_from_scale_in_while_a_long_job_runs(world: Any) -> None:
    """The agent of ECS is asked when it is long, and again when it has ended."""
    with FakeAgent().running() as agent:
        worker = world.start(ECS_AGENT_URI=agent.uri)
        request_id = world.submit(language="gate")
        worker.wait_for(f"Processing request {request_id}")
        assert agent.asked()[2]["ProtectionEnabled"]
        worker.pass_gate()
        assert world.result().request_id == request_id
        assert not agent.asked()[2]["ProtectionEnabled"]


def test_agent_of_ecs_that_refuses_stops_no_job(world: Any) -> None:
    """One warning says what to allow."""
    with FakeAgent().running() as agent:
        agent.answer = DENIED
        worker = world.start(ECS_AGENT_URI=agent.uri)
        world.submit(language="gate")
        assert "enable_ecs_task_protection" in worker.wait_for("Scale-in protection not changed")
        worker.pass_gate()
        assert world.result().status == "completed"


def test_missing_variable_is_one_error_that_names_it(world: Any) -> None:
    """The error has the meaning of the variable."""
    del world.environment["GRADING_BUCKET"]
    worker = world.start()

    assert worker.ended() == 78
    assert "GRADING_BUCKET: is not set (bucket of" in worker.lines[-1]
