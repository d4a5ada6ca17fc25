"""ECS services run as processes with the settings of their task definition."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ended import has_ended

pytestmark = pytest.mark.engine

CRASHING = "print('no memory left', flush=True); raise SystemExit(7)"


def test_a_service_follows_its_desired_count(account: Any) -> None:
    """Zero, two, one: the counts of ECS show the running processes."""
    account.create_service(account.register(), 0)
    assert account.settle() == {}

    account.update_service(desiredCount=2)
    two = account.settle()
    assert len(two) == 2
    assert account.counts() == (2, 2)

    account.update_service(desiredCount=1)
    one = account.settle()
    assert account.counts() == (1, 1)
    (gone,) = two.keys() - one.keys()
    assert has_ended(two[gone].pid or 0)
    assert one.items() <= two.items()


def test_a_task_gets_the_variables_of_its_definition_and_of_the_platform(account: Any) -> None:
    """Its environment, the values of its secrets, and a fixed list from the platform."""
    account.client("ssm").put_parameter(
        Name="/local/db/password", Value="from-ssm", Type="SecureString"
    )
    secrets = [{"name": "DB_PASSWORD", "valueFrom": "/local/db/password"}]
    account.create_service(account.register(secrets=secrets), 1)
    (task,) = account.settle().values()

    environment = json.loads(task.log_file.read_text().splitlines()[0])

    assert task.health == "healthy"
    assert environment["QUEUE_NAME"] == "grading-requests"
    assert environment["DB_PASSWORD"] == "from-ssm"
    assert environment.keys() - {"QUEUE_NAME", "DB_PASSWORD"} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_SECRET_ACCESS_KEY",
        "HEALTH_PORT",
        "LANG",
        "LAUNCHER_PATH",
        "PATH",
        "SSL_CERT_FILE",
        "TMPDIR",
    }


def test_a_task_starts_once_its_missing_secret_exists(account: Any) -> None:
    """The error names the secret; as on ECS, the start is retried."""
    secrets = [{"name": "DB_PASSWORD", "valueFrom": "/local/db/password"}]
    account.create_service(account.register(secrets=secrets), 1)
    services = account.until(lambda found: any(each.state == "failed" for each in found))
    assert "/local/db/password" in services[0].message

    account.client("ssm").put_parameter(Name="/local/db/password", Value="x", Type="String")
    assert len(account.settle()) == 1


def test_a_new_task_definition_replaces_all_tasks(account: Any) -> None:
    """No task of the old deployment is left."""
    account.create_service(account.register(), 2)
    old = account.settle()

    account.update_service(taskDefinition=account.register(environment=[]))
    new = account.settle()

    assert len(new) == 2
    assert not old.keys() & new.keys()
    assert all(has_ended(each.pid or 0) for each in old.values())


def test_a_crashed_task_is_restarted_and_shows_its_output(account: Any) -> None:
    """As ECS does; the message has the end of its log."""
    account.create_service(account.register(CRASHING), 1)

    (task,) = account.until(lambda found: any(each.restarts > 0 for each in found))
    (failed,) = account.until(lambda found: found[0].state == "failed")

    assert task.log_file == failed.log_file
    assert "exited with status 7" in failed.message
    assert "no memory left" in failed.message
