"""In an environment with users of roles, each command logs in as the one that may do no more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.adapters.activemq.connection import connect

pytestmark = pytest.mark.engine

EXAMPLES = Path(__file__).parents[3] / "examples"
ROLES = ("operator", "web", "worker")


@pytest.fixture(scope="module")
def own_broker(guarded: Callable[[str], Any]) -> Any:
    """A broker with an authorization map, whose admin the environment knows."""
    return guarded("admin")


@pytest.fixture
def applied(
    make_applied: Callable[[], Any], guarded: Callable[[str], Any], launcher: Path
) -> Iterator[Any]:
    """An environment whose roles have users, with a worker that logs in as its own."""
    made = make_applied()
    for role in ROLES:
        log_in(made, f"mq-{role}", guarded(role))
    environment = {
        **made.worker_environment(launcher),
        "MQ_USERNAME_PARAM": f"/{made.name}/mq-worker/username",
        "MQ_PASSWORD_PARAM": f"/{made.name}/mq-worker/password",
    }
    with (made.root / "worker.log").open("w") as log:
        command = [sys.executable, "-m", "grader", "worker"]
        worker = subprocess.Popen(command, env=environment, stderr=log)
        yield made
        worker.terminate()
        worker.wait(30)
    made.stack.close()
    empty(made.broker)


def log_in(applied: Any, part: str, user: Any) -> None:
    """Keep the login of a user in SSM."""
    applied.set_parameter(f"{part}/username", user.user)
    applied.set_parameter(f"{part}/password", user.password)


def empty(broker: Any) -> None:
    """Take everything out of the queues."""
    connection = connect([broker.endpoint], broker.user, broker.password, ca_file=broker.ca_file)
    for queue in ("requests", "priority", "results", "dlq"):
        connection.subscribe(f"grading-{queue}")
    while (frame := connection.next_frame(0.3)) is not None:
        connection.ack(frame)
    connection.close()


def test_the_smoke_test_proves_that_the_rights_of_a_worker_are_enough(applied: Any) -> None:
    """Requests on both queues, results, and nothing of it left behind."""
    said = applied.gradectl("smoke", applied.name, "--output", "json")

    assert said.code == 0, said.stderr
    assert [each["passed"] for each in said.document["probes"]] == [True, True]
    assert said.document["left_behind"] == []
    assert applied.gradectl("queue", "list").code == 0


def test_reading_and_submitting_do_without_the_admin(
    applied: Any, guarded: Callable[[str], Any]
) -> None:
    """Its password may be wrong: `queue` and `result` are an operator's, `submit` is the web's."""
    pushed = applied.gradectl("problem", "push", str(EXAMPLES / "problems" / "sum"))
    assert pushed.code == 0, pushed.stderr
    applied.set_parameter("mq/password", "nobody-has-this-1")

    program = str(EXAMPLES / "submissions" / "sum" / "accepted.py")
    submitted = applied.gradectl(
        *("submit", "--problem", "sum", "--language", "python", program),
        *("--wait", "--output", "json", "--timeout", "60"),
    )
    assert submitted.code == 0, submitted.stderr
    request_id = submitted.document["request_id"]
    assert applied.gradectl("queue", "list").code == 0
    inspected = applied.gradectl("queue", "inspect", "grading-results", "--output", "json")
    assert [each["request_id"] for each in inspected.document["messages"]] == [request_id]
    found = applied.gradectl("result", request_id, "--output", "json")
    assert found.document["not_asked"] == []
    assert applied.gradectl("smoke", applied.name).code == 77
    log_in(applied, "mq", guarded("admin"))


def test_a_user_that_lacks_a_right_is_one_error_with_77(
    applied: Any, guarded: Callable[[str], Any]
) -> None:
    """Where, what, and what to do; the smoke test takes away what it had made."""
    before = applied.stored()
    log_in(applied, "mq", guarded("operator"))
    smoked = applied.gradectl("smoke", applied.name)
    log_in(applied, "mq-operator", guarded("web"))
    inspected = applied.gradectl("queue", "inspect", "grading-dlq")
    listed = applied.gradectl("queue", "list")
    log_in(applied, "mq", guarded("admin"))

    assert smoked.code == 77
    assert "user 'operator' may not write to queue://grading-requests" in smoked.stderr
    assert "authorization map" in smoked.stderr
    assert applied.stored() == before
    assert (inspected.code, listed.code) == (77, 77)
    assert "user 'web' may not" in inspected.stderr
    assert applied.broker.endpoint in inspected.stderr


def test_a_wrong_password_of_a_role_names_its_parameters(applied: Any) -> None:
    """The admin's are not tried instead: what can be read must not depend on a mistake."""
    applied.set_parameter("mq-operator/password", "a-Wrong-password-1")

    said = applied.gradectl("queue", "list")

    assert said.code == 77
    assert f"/{applied.name}/mq-operator/password" in said.stderr
    assert f"gradectl apply {applied.name}" in said.stderr
    assert "a-Wrong-password-1" not in said.stdout + said.stderr
