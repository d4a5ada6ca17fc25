"""A root of one's own: after the sync its workers run, and no password of its state is valid."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradectl.adapters.terraform.locate import locate
from gradectl.adapters.terraform.mirror import prepare
from gradectl.local.engines.activemq import broker_answers
from gradectl.local.engines.broker_xml import BrokerUser

pytestmark = pytest.mark.engine

MODULES = Path(__file__).resolve().parents[3] / "modules"
TEAM = Path(__file__).resolve().parents[3] / "examples" / "team" / "main.tf"
PASSWORD = "a-Password-of-the-worker-1"
DATABASE_PASSWORD = "database-password-1"  # of `Account.create_database`
#: The broker, parameters and workers of examples/team, with the outputs of that root.
ROOT = """
provider "aws" {
  region                      = "ap-northeast-2"
  max_retries                 = 2
  skip_credentials_validation = true
  ignore_tags { key_prefixes = ["gradectl:"] }
}

variable "passwords" {
  type      = object({ database = string, worker = string })
  ephemeral = true
}

variable "endpoints" {
  type = object({ broker = string, database = string })
}

resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc.this.id
  cidr_block = "10.0.1.0/24"
}

resource "aws_security_group" "this" {
  vpc_id = aws_vpc.this.id
}

module "messaging" {
  source             = "MODULES/messaging"
  name               = "exams-grading-mq"
  users = {
    web    = { groups = ["grading-web"] }
    worker = { groups = ["grading-workers"] }
  }
  subnet_ids         = [aws_subnet.this.id]
  security_group_ids = [aws_security_group.this.id]
}

module "parameters" {
  source           = "MODULES/parameters"
  environment_name = "exams"
  part             = "worker"
  secret_versions  = { db-password = 1, mq-password = 1 }
  secret_values    = { db-password = var.passwords.database, mq-password = var.passwords.worker }
  values = {
    db-endpoint = var.endpoints.database
    db-name     = "grading"
    db-username = "admin"
    mq-endpoint = var.endpoints.broker # the emulated API names another
    mq-username = "worker"
  }
}

module "ecs_grading" {
  source             = "MODULES/ecs-grading"
  environment_name   = "exams"
  region             = "ap-northeast-2"
  image              = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/worker:1.0"
  subnet_ids         = [aws_subnet.this.id]
  security_group_ids = [aws_security_group.this.id]
  queue              = { broker_node_names = module.messaging.node_names }
  task_policies      = { parameters = module.parameters.reader_policy_json }
  enable_autoscaling = false
  capacity           = { desired = 1 }
  environment = merge(
    { ENVIRONMENT = "exams", GRADING_BUCKET = "exams-files" },
    { LANGUAGES = "python", WARM_INTERPRETERS = "false" }, # starts sooner
    { for key, name in module.parameters.names : "${upper(replace(key, "-", "_"))}_PARAM" => name },
  )
}

OUTPUTS
"""


class OwnRoot:
    """A root with its state in a file, applied to a running stack."""

    def __init__(self, folder: Path, stack: Any) -> None:
        self.folder, self.stack = folder, stack
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "TF_")) and name != "GRADECTL_ENDPOINT_URL"
        }
        self.environ = {
            **inherited,
            **prepare(inherited, folder / ".terraform", folder / "plugin-cache"),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL": stack.endpoint_url,
            "AWS_REGION": "ap-northeast-2",
            "TF_VAR_endpoints": json.dumps(
                {"broker": stack.broker_endpoint, "database": stack.db_endpoint}
            ),
            "TF_VAR_passwords": json.dumps({"database": DATABASE_PASSWORD, "worker": PASSWORD}),
        }

    def _run(
        self, command: list[str], code: int = 0, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=900,  # a limit for a hung command, not a measurement
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def terraform(self, *words: str) -> str:
        """Run Terraform."""
        return self._run([*locate(self.environ).command, *words]).stdout

    def sync(self, *words: str, code: int = 0, text: str = "") -> tuple[Any, str]:
        """Run `gradectl broker-users sync` in a folder without environments/; data and talk."""
        command = [sys.executable, "-m", "gradectl.cli", "broker-users", "sync", *words]
        done = self._run([*command, "--yes", "-o", "json"], code, text)
        return json.loads(done.stdout), done.stderr

    def passwords(self) -> dict[str, str]:
        """The password of each user in the state."""
        state = json.loads((self.folder / "terraform.tfstate").read_text())
        return {
            user["username"]: user["password"]
            for resource in state["resources"]
            if resource["type"] == "aws_mq_broker"
            for user in resource["instances"][0]["attributes"]["user"]
        }

    def accepts(self, user: str, password: str) -> bool:
        """Whether the broker accepts a login."""
        port = int(self.stack.broker_endpoint.rpartition(":")[2])
        return broker_answers(port, self.stack.ca_file, BrokerUser(user, password))


@pytest.fixture(name="root")
def _root(account_of_workers: Any, tmp_path: Path) -> Iterator[OwnRoot]:
    """An applied root, in an account with a database; its workers stop and are started again."""
    account_of_workers.create_database()
    outputs = [line for line in TEAM.read_text().splitlines() if line.startswith("output ")]
    text = ROOT.replace("OUTPUTS", "\n".join(outputs)).replace("MODULES", str(MODULES))
    (tmp_path / "main.tf").write_text(text)
    root = OwnRoot(tmp_path, account_of_workers.stack)
    root.terraform("init", "-no-color", "-input=false")
    root.terraform("apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=30")
    account_of_workers.until(lambda found: any(each.restarts for each in found))
    yield root
    shutil.rmtree(tmp_path / "plugin-cache", ignore_errors=True)


def rollout(account: Any) -> tuple[str, int]:
    """State of the service's deployment, and the number of its workers that are healthy."""
    where = {"cluster": "exams-grading-cluster", "services": ["exams-grading-service"]}
    (service,) = account.client("ecs").describe_services(**where)["services"]
    return service["deployments"][0]["rolloutState"], service["runningCount"]


def test_after_the_sync_workers_run_and_no_password_of_the_state_is_accepted(
    root: OwnRoot, account_of_workers: Any
) -> None:
    """With the outputs of examples/team; the second sync and the next apply change nothing."""
    created = root.passwords()
    assert set(created) == {"admin", "web", "worker"}
    assert all(root.accepts(user, password) for user, password in created.items())
    assert rollout(account_of_workers)[0] == "IN_PROGRESS"
    outputs = root.terraform("output", "-json")

    first, said = root.sync("--outputs", "-", text=outputs)

    assert (first["update"], first["rebooted"]) == (["admin", "web", "worker"], True)
    assert "would deploy exams-grading-task:1 again" in said
    by_itself = "exams-grading-task:1 no longer has to be deployed again"  # during the reboot
    ended = "1 of 1 workers are running" if first["redeployed"] else by_itself
    assert ended in said
    assert rollout(account_of_workers) == ("COMPLETED", 1)
    assert not [user for user, password in created.items() if root.accepts(user, password)]
    assert root.accepts("worker", PASSWORD)
    assert root.passwords() == created
    assert PASSWORD not in (root.folder / "terraform.tfstate").read_text()
    second, _ = root.sync("--outputs", "-", text=outputs)
    assert (second["rebooted"], second["redeployed"]) == (False, None)
    again = root.terraform("plan", "-no-color", "-input=false")
    assert "No changes" in again
    partly, said = root.sync(
        *("--broker-id", first["broker_id"], "--user", "worker=/exams/worker/mq-password"), code=4
    )
    assert (partly["unnamed"], partly["rebooted"]) == (["admin", "web"], False)
    assert "aws ecs update-service --cluster CLUSTER --service SERVICE" in said
