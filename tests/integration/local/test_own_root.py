"""A root of one's own: after the sync no password of its Terraform state is accepted."""

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
#: The messaging part of examples/team, with the outputs of that root.
ROOT = """
provider "aws" {
  region                      = "ap-northeast-2"
  skip_credentials_validation = true
  ignore_tags { key_prefixes = ["gradectl:"] }
}

variable "password" {
  type      = string
  ephemeral = true
}

module "messaging" {
  source             = "MODULES/messaging"
  name               = "exams-grading-mq"
  users = {
    web    = { groups = ["grading-web"] }
    worker = { groups = ["grading-workers"] }
  }
  subnet_ids         = ["subnet-0123456789abcdef0"]
  security_group_ids = ["sg-0123456789abcdef0"]
}

module "parameters" {
  source           = "MODULES/parameters"
  environment_name = "exams"
  part             = "worker"
  values           = {}
  secret_versions  = { mq-password = 1 }
  secret_values    = { mq-password = var.password }
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
            "TF_VAR_password": PASSWORD,
        }

    def _run(self, command: list[str], code: int = 0, text: str = "") -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def terraform(self, *words: str) -> str:
        """Run Terraform."""
        return self._run([*locate(self.environ).command, *words])

    def sync(self, *words: str, code: int = 0, text: str = "") -> Any:
        """Run `gradectl broker-users sync` in a folder without environments/."""
        command = [sys.executable, "-m", "gradectl.cli", "broker-users", "sync", *words]
        return json.loads(self._run([*command, "--yes", "-o", "json"], code, text))

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
def _root(shared_account: Any, tmp_path: Path) -> Iterator[OwnRoot]:
    """An applied root."""
    outputs = [line for line in TEAM.read_text().splitlines() if line.startswith("output ")]
    text = ROOT.replace("OUTPUTS", "\n".join(outputs)).replace("MODULES", str(MODULES))
    (tmp_path / "main.tf").write_text(text)
    root = OwnRoot(tmp_path, shared_account.stack)
    root.terraform("init", "-no-color", "-input=false")
    root.terraform("apply", "-no-color", "-input=false", "-auto-approve")
    shared_account.settle()
    yield root
    shutil.rmtree(tmp_path / "plugin-cache", ignore_errors=True)


def test_after_the_sync_no_password_of_the_state_is_accepted(root: OwnRoot) -> None:
    """With the outputs of examples/team; the second sync and the next apply change nothing."""
    created = root.passwords()
    assert set(created) == {"admin", "web", "worker"}
    assert all(root.accepts(user, password) for user, password in created.items())
    outputs = root.terraform("output", "-json")

    first = root.sync("--outputs", "-", text=outputs)

    assert (first["update"], first["rebooted"]) == (["admin", "web", "worker"], True)
    assert not [user for user, password in created.items() if root.accepts(user, password)]
    assert root.accepts("worker", PASSWORD)
    assert root.passwords() == created
    assert PASSWORD not in (root.folder / "terraform.tfstate").read_text()
    assert root.sync("--outputs", "-", text=outputs)["rebooted"] is False
    again = root.terraform("plan", "-no-color", "-input=false")
    assert "No changes" in again
    partly = root.sync(
        *("--broker-id", first["broker_id"], "--user", "worker=/exams/worker/mq-password"), code=4
    )
    assert (partly["unnamed"], partly["rebooted"]) == (["admin", "web"], False)
