"""Workers on a broker with rights by group: enough rights, and missing ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.errors import AccessError

pytestmark = pytest.mark.engine

Guarded = Callable[[str], Any]
Open = Callable[[str], Connection]


@pytest.fixture
def world(make_world: Callable[..., Any], guarded: Guarded) -> Any:
    """An environment whose workers log in as `worker`."""
    made = make_world(guarded("admin"))
    log_in(made, guarded("worker"))
    return made


@pytest.fixture
def open_as(guarded: Guarded) -> Iterator[Open]:
    """Connect as a user."""
    opened: list[Connection] = []

    def open_it(name: str) -> Connection:
        broker = guarded(name)
        connection = connect(
            [broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file
        )
        opened.append(connection)
        return connection

    yield open_it
    for connection in opened:
        connection.close()


def log_in(world: Any, user: Any) -> None:
    """Set the login of the workers started afterwards."""
    world.set_parameter("mq/username", user.user)
    world.set_parameter("mq/password", user.password)


def test_the_rights_of_a_worker_are_enough_for_all_it_does(world: Any) -> None:
    """Both queues, a result, a delayed retry, a dead letter, and a browse."""
    worker = world.start(MAX_ATTEMPTS="3")
    first = world.submit(language="gate")
    worker.wait_for(f"Processing request {first}")
    waiting = world.submit()
    worker.wait_for(f"Prepared {waiting}")
    worker.pass_gate()
    assert {world.result().request_id for _ in range(2)} == {first, waiting}

    urgent = world.request(language="storm")
    world.send(str(urgent).replace("'", '"').encode(), queue="PRIORITY_QUEUE_NAME")
    assert world.result().status == "failed"
    assert world.dead_letter().headers["x-gradectl-attempt"] == "3"
    world.send(b"no request")
    assert world.dead_letter().body == b"no request"

    assert not [line for line in worker.lines if "Cannot" in line or "not authorized" in line]


def test_a_worker_that_may_not_read_requests_ends_with_77(world: Any, guarded: Guarded) -> None:
    """One error with address, user, queue and missing right."""
    log_in(world, guarded("stranger"))
    request_id = world.submit()
    worker = world.start()

    assert worker.ended() == 77
    last = worker.lines[-1]
    assert world.broker.endpoint in last
    assert f"user 'stranger' may not read from queue://{world.bucket}." in last
    assert "the right 'read'" in last
    assert "authorization map" in last
    log_in(world, guarded("worker"))
    world.start()
    assert world.result().request_id == request_id


def test_a_result_that_may_not_be_sent_is_not_lost(world: Any, guarded: Guarded) -> None:
    """The next worker sends the stored result; the request is graded once."""
    log_in(world, guarded("taker"))
    request_id = world.submit()
    worker = world.start()

    assert worker.ended() == 77
    assert f"may not write to queue://{world.bucket}.results" in worker.lines[-1]
    log_in(world, guarded("worker"))
    world.start()
    assert world.result().request_id == request_id
    assert world.jobs.get(request_id).attempts == 1
    assert world.nothing_more()


def test_health_is_bad_with_the_reason_while_another_consumer_finishes(
    world: Any, guarded: Guarded
) -> None:
    """The running job finishes, and the health page has the reason meanwhile."""
    log_in(world, guarded("taker"))
    worker = world.start(WORKER_SLOTS="2")
    held = world.submit(language="gate")
    worker.wait_for(f"Processing request {held}")
    world.submit()
    line = worker.wait_for("ERROR: Cannot work with this broker")

    status, checks = worker.health()
    worker.pass_gate()

    assert "may not write" in line
    assert status == 503
    assert any("may not write" in check["detail"] for check in checks.values())
    assert worker.ended() == 77


def test_a_refused_password_names_the_parameters_that_were_read(
    world: Any, guarded: Guarded
) -> None:
    """Each role has its own parameters, so the error names them."""
    world.set_parameter("mq/username", guarded("worker").user)
    world.set_parameter("mq/password", "not-the-Password-1")
    worker = world.start()

    assert worker.ended() == 77
    assert "user 'worker' was refused" in worker.lines[-1]
    assert worker.lines[-1].count(f"/{world.bucket}/mq/") == 2
    assert "gradectl broker-users sync" in worker.lines[-1]


def test_each_call_that_is_not_allowed_is_an_access_error(open_as: Open) -> None:
    """For reading, browsing, sending and creating."""
    with pytest.raises(AccessError, match="'web' may not read from queue://grading-requests"):
        listening(open_as("web"), "grading-requests").next_frame(10)
    with pytest.raises(AccessError, match="'web' may not read from queue://grading-dlq"):
        ActiveMQQueueInspector(open_as("web")).browse("grading-dlq")
    with pytest.raises(AccessError, match="'operator' may not write to queue://grading-requests"):
        open_as("operator").send("grading-requests", b"1")
    with pytest.raises(AccessError, match="'operator' may not create queue://new") as caught:
        listening(open_as("operator"), "new").next_frame(10)

    assert caught.value.exit_code == 77
    assert "the right 'admin'" in caught.value.next_step


def listening(connection: Connection, queue: str) -> Connection:
    """Subscribe; the broker answers only to refuse, and later."""
    connection.subscribe(queue)
    return connection


@pytest.mark.parametrize("number", range(5))
def test_a_refused_send_rolls_back_its_transaction(world: Any, open_as: Open, number: int) -> None:
    """The error has the reason, before or after the refused commit."""
    world.send(b"%d" % number)
    worker = listening(open_as("worker"), world.environment["QUEUE_NAME"])
    frame = worker.next_frame(10)

    def settle() -> None:
        with worker.transaction() as transaction:
            transaction.send("somewhere.else", b"result")
            transaction.ack(frame.ack_id)

    with pytest.raises(AccessError, match=r"'worker' may not write to queue://somewhere\.else"):
        settle()
    worker.close()
    assert world.receive("QUEUE_NAME").body == b"%d" % number


def test_an_operator_can_inspect_every_queue(world: Any, open_as: Open) -> None:
    """Inspecting needs only the right to read and statistics."""
    world.send(b"1")
    world.send(b"2", queue="DLQ_NAME")
    queues = [world.environment[name] for name in ("QUEUE_NAME", "DLQ_NAME")]
    inspector = ActiveMQQueueInspector(open_as("operator"))

    assert {each.size for each in inspector.statistics(queues).values()} == {1}
    assert [message.body for queue in queues for message in inspector.browse(queue)] == [b"1", b"2"]
