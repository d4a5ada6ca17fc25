"""`gradectl revisions` and `gradectl rollback`, on an emulated ECS in this process."""

from __future__ import annotations

from typing import Any

import pytest

DIGESTS = ["sha256:" + letter * 64 for letter in "abc"]


@pytest.fixture
def account(dev: Any) -> Any:
    """A service of which two revisions completed a deployment, and a third is registered."""
    first, second, _third = (dev.register(f"worker@{digest}") for digest in DIGESTS)
    dev.create_service(first)
    dev.deploy(second)
    return dev


def deployed(account: Any) -> str:
    """The revision that the service deploys."""
    return str(account.service.task_definition).rpartition("/")[2]


def test_revisions_are_listed_with_image_and_state(account: Any) -> None:
    """Newest first."""
    found = account.gradectl("revisions", "dev", "-o", "json").document["revisions"]

    assert [(each["revision"], each["state"], each["image"]) for each in found] == [
        (3, "", f"worker@{DIGESTS[2]}"),
        (2, "running", f"worker@{DIGESTS[1]}"),
        (1, "good", f"worker@{DIGESTS[0]}"),
    ]
    assert found[0]["deployed_at"] is None
    assert found[1]["deployed_at"]


def test_before_the_first_apply_there_is_no_revision(dev: Any) -> None:
    """The title says what registers one."""
    result = dev.gradectl("revisions", "dev")

    assert result.code == 0, result.stderr
    assert "gradectl apply dev" in result.stdout


def test_a_rollback_deploys_the_latest_good_revision(account: Any) -> None:
    """It says what it changes, and that the next apply would undo it."""
    result = account.gradectl("rollback", "dev", "--yes", "--no-smoke", "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["from"] == "dev-grading-task:2"
    assert result.document["to"] == "dev-grading-task:1"
    assert result.document["rolled_back"] is True
    assert deployed(account) == "dev-grading-task:1"
    assert "environment dev" in result.stderr
    assert DIGESTS[0] in result.stderr
    assert "the next apply deploys dev-grading-task:2 again" in result.stderr
    assert "next: gradectl smoke dev" in result.stderr


def test_a_dry_run_of_a_rollback_changes_nothing(account: Any) -> None:
    """It shows the same changes."""
    result = account.gradectl("rollback", "dev", "--dry-run", "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["to"] == "dev-grading-task:1"
    assert result.document["rolled_back"] is False
    assert deployed(account) == "dev-grading-task:2"


def test_a_rollback_must_be_confirmed(account: Any) -> None:
    """Without a terminal it needs --yes."""
    result = account.gradectl("rollback", "dev", "--no-smoke")

    assert result.code == 5
    assert "--yes" in result.stderr
    assert deployed(account) == "dev-grading-task:2"


def test_a_named_revision_without_a_good_deployment_is_deployed_with_a_warning(
    account: Any,
) -> None:
    """ECS forgets deployments after 90 days, so the operator may know better."""
    result = account.gradectl("rollback", "dev", "dev-grading-task:3", "--yes", "--no-smoke")

    assert result.code == 0, result.stderr
    assert "no deployment of dev-grading-task:3 is known to have completed" in result.stderr
    assert deployed(account) == "dev-grading-task:3"


@pytest.mark.parametrize(
    ("revision", "code", "text"),
    [
        ("2", 5, "dev-grading-task:2 is the running revision"),
        ("9", 5, "revision 9 does not exist"),
        ("latest", 64, "'latest' is not a revision"),
    ],
)
def test_a_revision_that_cannot_be_deployed_is_refused(
    account: Any, revision: str, code: int, text: str
) -> None:
    """The next step lists those that can."""
    result = account.gradectl("rollback", "dev", revision, "--yes")

    assert result.code == code
    assert text in result.stderr
    assert "gradectl revisions dev" in result.stderr
    assert deployed(account) == "dev-grading-task:2"


def test_without_an_earlier_good_deployment_a_rollback_is_refused(dev: Any) -> None:
    """Also when other revisions exist that never ran."""
    dev.register("worker:1")
    dev.create_service(dev.register("worker:2"))

    result = dev.gradectl("rollback", "dev", "--yes")

    assert result.code == 5
    assert "no other revision has completed a deployment" in result.stderr


def test_without_a_service_there_is_nothing_to_roll_back(dev: Any) -> None:
    """The next step creates it."""
    result = dev.gradectl("rollback", "dev", "--yes")

    assert result.code == 1
    assert "service not found" in result.stderr
