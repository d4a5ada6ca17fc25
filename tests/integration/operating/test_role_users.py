"""In an environment with users per role, each command logs in as the least privileged one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

EXAMPLES = Path(__file__).parents[3] / "examples"
ROLES = ("operator", "web", "worker")


@pytest.fixture(scope="module")
def own_broker(guarded: Callable[[str], Any]) -> Any:
    """A broker with an authorization map; the environment has its admin."""
    return guarded("admin")


@pytest.fixture
def applied(
    make_applied: Callable[[], Any],
    guarded: Callable[[str], Any],
    launcher: Path,
    empty_queues: Callable[[Any], None],
) -> Iterator[Any]:
    """An environment with a user per role, and a worker that logs in as its own user."""
    environment = make_applied()
    for role in ROLES:
        store_credentials(environment, f"mq-{role}", guarded(role))
    variables = {
        **environment.worker_environment(launcher),
        "MQ_USERNAME_PARAM": f"/{environment.name}/mq-worker/username",
        "MQ_PASSWORD_PARAM": f"/{environment.name}/mq-worker/password",
    }
    with (environment.root / "worker.log").open("w") as log:
        command = [sys.executable, "-m", "grader", "worker"]
        worker = subprocess.Popen(command, env=variables, stderr=log)
        yield environment
        worker.terminate()
        worker.wait(30)
    environment.stack.close()
    empty_queues(environment.broker)


def store_credentials(applied: Any, part: str, user: Any) -> None:
    """Store the credentials of a user in SSM."""
    applied.set_parameter(f"{part}/username", user.user)
    applied.set_parameter(f"{part}/password", user.password)


def test_the_rights_of_a_worker_suffice(applied: Any) -> None:
    """The smoke test passes for both queues, also for dead letters, and leaves nothing behind."""
    result = applied.gradectl("smoke", applied.name, "--check", "poison", "--output", "json")

    assert result.code == 0, result.stderr
    assert [each["outcome"] for each in result.document["checks"]] == ["passed"]
    assert [each["passed"] for each in result.document["probes"]] == [True, True]
    assert result.document["left_behind"] == []
    assert applied.gradectl("queue", "list").code == 0


def test_reading_and_submitting_do_not_need_the_admin(
    applied: Any, guarded: Callable[[str], Any]
) -> None:
    """`queue` and `result` log in as operator, `submit` as web."""
    pushed = applied.gradectl("problem", "push", str(EXAMPLES / "problems" / "sum"))
    assert pushed.code == 0, pushed.stderr
    applied.set_parameter("mq/password", "a-Wrong-password-1")

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
    store_credentials(applied, "mq", guarded("admin"))


def test_a_missing_right_exits_with_77(applied: Any, guarded: Callable[[str], Any]) -> None:
    """
    The error names user and queue; the smoke test removes its objects.

    The web tier may count messages and reads none, so there is one to read.
    """
    before = applied.stored()
    applied.open_broker().send("grading-dlq", b"{}", {})
    store_credentials(applied, "mq", guarded("operator"))
    smoked = applied.gradectl("smoke", applied.name)
    store_credentials(applied, "mq-operator", guarded("web"))
    inspected = applied.gradectl("queue", "inspect", "grading-dlq")
    listed = applied.gradectl("queue", "list")
    store_credentials(applied, "mq", guarded("admin"))

    assert smoked.code == 77
    assert "user 'operator' may not write to queue://grading-requests" in smoked.stderr
    assert "authorization map" in smoked.stderr
    assert applied.stored() == before
    assert (inspected.code, listed.code) == (77, 77)
    assert "user 'web' may not" in inspected.stderr
    assert applied.broker.endpoint in inspected.stderr


def test_a_wrong_password_of_a_role_names_its_parameters(applied: Any) -> None:
    """There is no fallback to the admin."""
    applied.set_parameter("mq-operator/password", "a-Wrong-password-1")

    result = applied.gradectl("queue", "list")

    assert result.code == 77
    assert f"/{applied.name}/mq-operator/password" in result.stderr
    assert f"gradectl apply {applied.name}" in result.stderr
    assert "a-Wrong-password-1" not in result.stdout + result.stderr
