"""After an apply the broker has exactly the wanted users, with passwords and groups."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.errors import ConfigurationError
from gradectl.planning.plan import Plan
from gradectl.secrets.broker_user_plan import VERSION_TAG
from gradectl.secrets.broker_users import preview_broker_users, sync_broker_users
from gradectl.ui import Ui

pytestmark = pytest.mark.engine

ROLES = ["operator", "web", "worker"]
VARIABLE = "TF_VAR_mq_user_passwords"
GROUPS = {
    "admin": ["grading-admins"],
    "operator": ["grading-operators"],
    "web": ["grading-web"],
    "worker": ["grading-workers"],
}


@dataclass
class Account:
    """An account with one broker, as Terraform leaves it."""

    aws: Aws
    mq: Any
    ssm: Any
    name: str
    broker_id: str = ""

    def create_broker(self, engine: str = "ACTIVEMQ") -> None:
        """Create a broker with one user, who has a random password and console access."""
        self.broker_id = self.mq.create_broker(
            BrokerName=self.name,
            EngineType=engine,
            EngineVersion="5.18",
            HostInstanceType="mq.t3.micro",
            DeploymentMode="SINGLE_INSTANCE",
            AutoMinorVersionUpgrade=True,
            PubliclyAccessible=False,
            Users=[{"Username": "admin", "Password": "throw-away", "ConsoleAccess": True}],
        )["BrokerId"]

    def keep(self, part: str, value: str) -> str:
        """Write a password to SSM; returns the parameter's name."""
        name = f"/{self.name}/{part}/password"
        self.ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
        return name

    def sync(self, **outputs: Any) -> bool:
        """Sync the users, as after an apply."""
        return sync_broker_users(
            self.aws, Ui("table", {}), self.name, {"broker_id": self.broker_id, **outputs}
        )

    def preview(self, **outputs: Any) -> Any:
        """Preview the sync, as in a dry run without Terraform changes."""
        settings = replace(self.aws.settings, dry_run=True)
        planned = {"broker_id": self.broker_id, **outputs}
        return preview_broker_users(
            Aws(settings), Ui("table", {}), self.name, Plan((), (), planned)
        )

    def groups(self) -> dict[str, list[str]]:
        """The groups of each user."""
        return groups(self.mq, self.broker_id)

    def tags(self) -> dict[str, str]:
        """The tags of the broker."""
        found: dict[str, str] = self.mq.describe_broker(BrokerId=self.broker_id)["Tags"]
        return found


def groups(mq: Any, broker_id: str) -> dict[str, list[str]]:
    """Ask Amazon MQ for each user."""
    names = [user["Username"] for user in mq.list_users(BrokerId=broker_id)["Users"]]
    return {name: mq.describe_user(BrokerId=broker_id, Username=name)["Groups"] for name in names}


@pytest.fixture
def account(moto_server: str) -> Account:
    """An account with a broker."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto_server,
            region_name="ap-northeast-2",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    aws = Aws(
        AwsSettings("ap-northeast-2", "123456789012", None, moto_server, "testing", "testing")
    )
    made = Account(aws, client("mq"), client("ssm"), f"u{uuid.uuid4().hex[:8]}")
    made.create_broker()
    return made


def kept(account: Account) -> dict[str, str]:
    """Write passwords for the admin and two roles to SSM, as a root does."""
    return {
        "admin": account.keep("mq", "password-of-admin"),
        "web": account.keep("mq-web", "password-of-web"),
        "worker": account.keep("mq-worker", "password-of-worker"),
    }


def test_users_are_created_once_with_their_groups(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also on an existing broker; with one reboot and one tag each."""
    users = kept(account)

    assert account.sync(broker_users=users) is True
    said = capsys.readouterr().err
    assert account.groups() == {name: GROUPS[name] for name in users}
    assert account.tags() == {
        VERSION_TAG: "1",
        "gradectl:user:web": "1",
        "gradectl:user:worker": "1",
    }
    admin = account.mq.describe_user(BrokerId=account.broker_id, Username="admin")
    assert admin["ConsoleAccess"] is True
    assert said.count("rebooting") == 1

    assert account.sync(broker_users=users) is False
    assert capsys.readouterr().err == ""


def test_a_change_of_one_password_touches_one_user(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when all parameters were rewritten, as Terraform does for a new version."""
    users = kept(account)
    account.sync(broker_users=users)
    account.keep("mq-web", "password-of-web")
    account.keep("mq-worker", "another-password")
    capsys.readouterr()

    assert account.sync(broker_users=users) is True

    said = capsys.readouterr().err
    assert f"updating user worker of broker {account.name}: password\n" in said
    assert "web" not in said
    assert "admin" not in said
    assert account.tags()["gradectl:user:web"] == "2"
    assert account.sync(broker_users=users) is False


def test_parameters_written_again_unchanged_reboot_nothing(account: Account) -> None:
    """The version is recorded, so that the next run need not compare."""
    users = kept(account)
    account.sync(broker_users=users)
    kept(account)

    assert account.sync(broker_users=users) is False
    assert set(account.tags().values()) == {"2"}


def test_a_version_that_ssm_no_longer_has_counts_as_changed(account: Account) -> None:
    """A password that cannot be compared is set again."""
    users = kept(account)
    account.sync(broker_users=users)
    arn = account.mq.describe_broker(BrokerId=account.broker_id)["BrokerArn"]
    account.mq.create_tags(ResourceArn=arn, Tags={"gradectl:user:web": "77"})

    assert account.sync(broker_users=users) is True
    assert account.tags()["gradectl:user:web"] == "1"


def test_unwanted_users_are_deleted_and_unmanaged_ones_stay(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only users that gradectl created are deleted; others are reported."""
    users = kept(account)
    account.sync(broker_users=users)
    account.mq.create_user(
        BrokerId=account.broker_id, Username="by-hand", Password="password-by-hand"
    )

    assert account.sync(broker_users={"admin": users["admin"]}) is True

    said = capsys.readouterr().err
    assert (
        f"deleting user web of broker {account.name}: no longer in the output broker_users" in said
    )
    assert "users not created by gradectl stay unchanged: by-hand" in said
    assert list(account.groups()) == ["admin", "by-hand"]
    assert account.tags() == {VERSION_TAG: "1"}


def test_a_group_that_was_changed_by_hand_is_corrected(account: Account) -> None:
    """The authorization map uses groups."""
    users = kept(account)
    account.sync(broker_users=users)
    account.mq.update_user(
        BrokerId=account.broker_id, Username="web", Groups=["grading-admins", "their-own"]
    )

    assert account.sync(broker_users=users) is True
    assert account.groups()["web"] == ["grading-web", "their-own"]


def test_a_root_that_names_no_users_gives_the_admin_its_password_once(account: Account) -> None:
    """As before roles existed: no group, and no user is deleted."""
    parameters = {"username": "admin", "password": "the-real-password"}
    for key, value in parameters.items():
        name = f"/{account.name}/mq/{key}"
        account.ssm.put_parameter(Name=name, Value=value, Type="SecureString")

    assert account.sync() is True
    assert account.tags() == {VERSION_TAG: "1"}
    assert account.sync() is False

    account.keep("mq", "a-newer-password")
    assert account.sync() is True
    assert account.groups() == {"admin": []}


def test_a_root_without_a_broker_needs_no_sync(account: Account) -> None:
    """For example with an existing broker; Terraform omits null outputs."""
    account.broker_id = ""

    assert account.sync(broker_users={}) is False


def test_users_of_rabbitmq_are_left_to_its_console(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Amazon MQ cannot change them, and an error would fail a successful apply."""
    account.create_broker("RABBITMQ")

    assert account.sync(broker_users=kept(account)) is False
    assert "RABBITMQ" in capsys.readouterr().err


def test_an_output_without_a_password_parameter_changes_nothing(account: Account) -> None:
    """A user must never get the value of another parameter."""
    with pytest.raises(ConfigurationError):
        account.sync(broker_users={"web": f"/{account.name}/greeting"})

    assert list(account.groups()) == ["admin"]


def test_a_preview_shows_the_changes_and_makes_none(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same users as the sync, which then does exactly that."""
    users = kept(account)

    assert account.preview(broker_users=users) == {
        "broker_exists": True,
        "create": ["web", "worker"],
        "update": ["admin"],
        "delete": [],
        "unmanaged": [],
        "reboot": True,
    }
    said = capsys.readouterr().err
    assert f"would create user web of broker {account.name}: group grading-web\n" in said
    assert f"would update user admin of broker {account.name}: password, group" in said
    assert f"would reboot broker {account.name} to apply the changes\n" in said
    assert account.groups() == {"admin": []}
    assert account.tags() == {}

    account.sync(broker_users=users)
    capsys.readouterr()
    shown = account.preview(broker_users=users)
    assert (shown["create"], shown["update"], shown["reboot"]) == ([], [], False)
    assert f"no changes on broker {account.name}" in capsys.readouterr().err


def test_a_preview_shows_users_that_would_be_deleted(account: Account) -> None:
    """And names those that gradectl did not create."""
    users = kept(account)
    account.sync(broker_users=users)
    account.mq.create_user(
        BrokerId=account.broker_id, Username="by-hand", Password="password-by-hand"
    )

    shown = account.preview(broker_users={"admin": users["admin"]})

    assert (shown["delete"], shown["unmanaged"]) == (["web", "worker"], ["by-hand"])
    assert set(account.groups()) == {"admin", "by-hand", "web", "worker"}


def dry_run(project: Any, published: Any, **variables: Any) -> Any:
    """The users in the document of a dry run, and what was printed for people."""
    project.configure(variables=variables)
    done = project.run("apply", project.name, "--dry-run", "-o", "json")
    assert done.returncode == 0, done.stderr
    return {**published(done.stdout)["broker_users"], "said": done.stderr}


def test_apply_creates_rotates_and_deletes_users_of_roles(project: Any, published: Any) -> None:
    """End to end: variable, Terraform, SSM, output, Amazon MQ; a dry run shows it, and reads."""
    mq, ssm = project.client("mq"), project.client("ssm")
    shown = dry_run(project, published, broker_roles=["web"])
    assert (shown["broker_exists"], shown["create"]) == (False, ["admin", "web"])
    assert "the broker does not exist yet" in shown["said"]
    brokers = mq.list_brokers()["BrokerSummaries"]
    assert project.name not in {each["BrokerName"] for each in brokers}

    applied = apply(project, broker_roles=ROLES)
    broker_id = applied["outputs"]["broker_id"]
    assert groups(mq, broker_id) == GROUPS
    first = passwords(ssm, project.name)
    assert len(set(first.values())) == 4
    assert dry_run(project, published, broker_roles=ROLES)["reboot"] is False

    secret = "Sentinel-${5d0c}%{7be1}f2a8"
    rotated = apply(
        project,
        environ={VARIABLE: json.dumps({"worker": secret})},
        broker_roles=ROLES,
        mq_user_passwords_version=2,
    )
    assert passwords(ssm, project.name) == {**first, "worker": secret}
    assert "updating user worker" in rotated["said"]
    assert rotated["said"].count("user ") == 1
    assert secret not in rotated["said"] + json.dumps(rotated["outputs"]) + project.state()

    removed = apply(project, broker_roles=["web"], mq_user_passwords_version=2)
    assert removed["said"].count("deleting user") == 2
    left = {name: GROUPS[name] for name in ("admin", "web")}
    assert groups(mq, broker_id) == left
    with pytest.raises(ClientError):
        mq.describe_user(BrokerId=broker_id, Username="worker")

    shown = dry_run(project, published, broker_roles=["worker"], mq_user_passwords_version=3)
    assert (shown["create"], shown["delete"]) == (["worker"], ["web"])
    assert groups(mq, broker_id) == left


def apply(project: Any, environ: Mapping[str, str] | None = None, **variables: Any) -> Any:
    """Apply with these variables; returns the document with the messages about the broker."""
    project.configure(variables=variables)
    done = project.run(
        "apply", project.name, "--yes", "--confirm", project.name, "-o", "json", **(environ or {})
    )
    assert done.returncode == 0, done.stderr
    spoken = [line for line in done.stderr.splitlines() if "of broker" in line or "reboot" in line]
    return {**json.loads(done.stdout), "said": "\n".join(spoken)}


def passwords(ssm: Any, environment: str) -> dict[str, str]:
    """The passwords in SSM, by user."""
    parts = {"admin": "mq", **{role: f"mq-{role}" for role in ROLES}}
    return {
        user: ssm.get_parameter(Name=f"/{environment}/{part}/password", WithDecryption=True)[
            "Parameter"
        ]["Value"]
        for user, part in parts.items()
    }
