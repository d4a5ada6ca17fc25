"""A reviewed plan, and the passwords that its apply would write."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from zipfile import ZipFile

import pytest
from plans import item, plan_of

from gradectl.environment import Environment, load
from gradectl.errors import ConfigurationError, ExitCode, GradectlError, RefusedError
from gradectl.planning.plan import Plan
from gradectl.planning.review import check_reviewed, write_reviewed

ADDRESS = "aws_ssm_parameter.secret"
CREATED = plan_of(item(ADDRESS, {"value_wo": None, "value_wo_version": 1}))
CHANGED = plan_of(item(ADDRESS, {"value_wo_version": 2}, {"value_wo_version": 1}))
RETAGGED = plan_of(
    item(ADDRESS, {"value_wo_version": 1, "tags": {"a": "b"}}, {"value_wo_version": 1, "tags": {}})
)
UNKNOWN = plan_of(
    item("aws_db_instance.this", {}, after_unknown={"id": True, "password_wo_version": True})
)
WRITERS = pytest.mark.parametrize("plan", [CREATED, CHANGED, UNKNOWN])
PASSWORD = {"db_admin_password": "one-Password"}
OTHER = {"db_admin_password": "another-Password"}


@pytest.fixture(name="environment")
def _environment() -> Environment:
    return load(Path(__file__).resolve().parents[4], "production")


@WRITERS
def test_the_same_passwords_are_applied(
    plan: Plan, environment: Environment, tmp_path: Path
) -> None:
    """The file has fingerprints of them."""
    file = tmp_path / "reviewed.json"
    write_reviewed(file, environment, plan, PASSWORD)

    check_reviewed(file, environment, plan, PASSWORD)

    assert "one-Password" not in file.read_text()
    assert list(json.loads(file.read_text())["passwords"]) == list(PASSWORD)


@pytest.mark.parametrize(
    ("before", "now"), [(PASSWORD, OTHER), (PASSWORD, {}), ({}, OTHER)], ids=str
)
def test_other_passwords_are_refused(
    before: dict[str, str],
    now: dict[str, str],
    environment: Environment,
    tmp_path: Path,
) -> None:
    """Also one that is given only to the plan, or only to the apply; no value is shown."""
    file = tmp_path / "reviewed.json"
    write_reviewed(file, environment, CREATED, before)

    with pytest.raises(RefusedError) as caught:
        check_reviewed(file, environment, CREATED, now)

    assert caught.value.exit_code is ExitCode.REFUSED
    assert "other values of db_admin_password" in caught.value.what
    assert "Password" not in f"{caught.value}"


@pytest.mark.parametrize("passwords", [None, ["db_admin_password"]], ids=["missing", "list"])
def test_a_file_without_fingerprints_is_not_trusted(
    passwords: list[str] | None, environment: Environment, tmp_path: Path
) -> None:
    """It is as if no password had been given to its plan."""
    file = tmp_path / "reviewed.json"
    write_reviewed(file, environment, CREATED, PASSWORD)
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "passwords": passwords}))

    with pytest.raises(RefusedError):
        check_reviewed(file, environment, CREATED, PASSWORD)


def test_passwords_do_not_matter_where_none_is_written(
    environment: Environment, tmp_path: Path
) -> None:
    """Terraform then ignores them, and the file has no fingerprint that could be guessed."""
    file = tmp_path / "reviewed.json"
    write_reviewed(file, environment, RETAGGED, PASSWORD)

    check_reviewed(file, environment, RETAGGED, OTHER)

    assert json.loads(file.read_text())["passwords"] == {}


def test_equal_passwords_have_other_fingerprints(environment: Environment, tmp_path: Path) -> None:
    """So the file does not say which are equal, and a guess is for one of them."""
    file = tmp_path / "reviewed.json"
    write_reviewed(file, environment, CREATED, {"db_admin_password": "x", "mq_password": "x"})

    assert len(set(json.loads(file.read_text())["passwords"].values())) == 2


def test_an_older_file_is_replaced_and_then_readable_by_its_owner_only(
    environment: Environment, tmp_path: Path
) -> None:
    """Who has the old one open reads nothing of the new one; a link keeps its target."""
    file, link = tmp_path / "reviewed.json", tmp_path / "link.json"
    file.write_text("old")
    file.chmod(0o644)
    link.symlink_to(file.name)

    with file.open() as reader:
        write_reviewed(link, environment, RETAGGED, {})
        assert reader.read() == "old"

    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["kind"] == "reviewed-plan"
    assert sorted(tmp_path.iterdir()) == [link, file]


def test_what_cannot_be_written_is_an_error_with_a_next_step(
    environment: Environment, tmp_path: Path
) -> None:
    """The folder does not exist."""
    with pytest.raises(GradectlError, match="the reviewed plan cannot be written") as caught:
        write_reviewed(tmp_path / "none" / "x.json", environment, RETAGGED, {})

    assert caught.value.where == str(tmp_path / "none" / "x.json")
    assert caught.value.next_step


def test_a_plan_file_of_terraform_is_not_a_reviewed_plan(
    environment: Environment, tmp_path: Path
) -> None:
    """It is an archive; the message says why it is not applied."""
    file = tmp_path / "terraform.plan"
    with ZipFile(file, "w") as archive:
        archive.writestr("tfplan", "x")

    with pytest.raises(ConfigurationError) as caught:
        check_reviewed(file, environment, CREATED, PASSWORD)

    assert "a plan file of Terraform" in caught.value.what
    assert "gradectl plan ENVIRONMENT --out FILE" in str(caught.value.next_step)
