"""An environment with its account and its Terraform, for plan, apply and destroy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.terraform.events import Event
from gradectl.adapters.terraform.locate import Binary, locate
from gradectl.adapters.terraform.mirror import prepare
from gradectl.adapters.terraform.root import RootSettings, Terraform
from gradectl.cloud import CloudContext
from gradectl.deploy.passwords import password_variables
from gradectl.deploy.plan import Plan, parse_plan
from gradectl.deploy.progress import TerraformProgress
from gradectl.deploy.rendering import BACKEND, TFVARS, check_fresh
from gradectl.deploy.run_log import RunLog
from gradectl.environment import FOLDER, Environment
from gradectl.errors import ConfigurationError, DeadlineError, GradectlError, StoppedError
from grader.errors import GraderError

#: Folder for files that gradectl can recreate; ignored by git.
WORK_FOLDER = ".gradectl"
#: Folder of the logs of Terraform's runs, in that of the environment.
LOGS = "logs"
_LOCK_KEY = "terraform.tfstate.tflock"
_LOCK_BYTES = 65536


@dataclass(frozen=True)
class Deployment:
    """An environment that passed all checks and is ready for Terraform."""

    app: CloudContext
    environment: Environment
    aws: Aws
    binary: Binary
    settings: RootSettings

    @classmethod
    def open(cls, app: CloudContext, name: str, *, lock_timeout_seconds: int) -> Deployment:
        """
        Check everything that can be checked before Terraform starts.

        Args:
            app: Context of the command.
            name: The environment.
            lock_timeout_seconds: How long to wait for the state lock of another run.

        Raises:
            ConfigurationError: The files are invalid or outdated, or there is no state bucket.
            RefusedError: The credentials belong to another account.
        """
        root = app.project_root
        environment = app.declared_environment(name)
        app.announce(environment)
        check_fresh(root, environment)
        binary = locate(app.environ)
        aws = app.aws(environment)
        if not aws.buckets.exists(environment.state_bucket):
            text = "the state bucket does not exist"
            where = f"s3://{environment.state_bucket}"
            raise ConfigurationError(text, where=where, next_step=f"gradectl bootstrap {name}")
        folder = root / FOLDER / name
        data_dir = root / WORK_FOLDER / name / "terraform"
        secrets = password_variables(name, app.environ, aws.parameters_if_any)
        inherited = app.child_environment(environment)
        settings = RootSettings(
            directory=root / FOLDER,
            data_dir=data_dir,
            var_file=folder / TFVARS,
            backend_file=folder / BACKEND,
            environ={
                **{key: value for key, value in inherited.items() if key not in secrets},
                **prepare(app.environ, data_dir, root / WORK_FOLDER / "plugin-cache"),
                **_local_addresses(app, environment),
            },
            secrets=secrets,
            lock_timeout_seconds=lock_timeout_seconds,
            lock=not app.options.dry_run,
        )
        return cls(app, environment, aws, binary, settings)

    def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> Plan:
        """
        Compute the changes; the plan file stays ready for `apply`.

        Args:
            destroy: True to plan the deletion of everything.
            refresh_only: True to only compare the state with the account.
        """
        with self._terraform() as terraform:
            terraform.init()
            terraform.plan(destroy=destroy, refresh_only=refresh_only)
            return parse_plan(terraform.show_plan())

    def apply(self) -> dict[str, Any]:
        """Execute the plan and return the outputs."""
        with self._terraform() as terraform:
            terraform.apply()
            return terraform.outputs()

    def outputs(self, *, initialise: bool = False) -> dict[str, Any]:
        """
        Read the outputs of the last apply.

        Args:
            initialise: True when neither `plan` nor `apply` ran before in this process.
        """
        with self._terraform() as terraform:
            if initialise:
                terraform.init()
            return terraform.outputs()

    def discard_plan(self) -> None:
        """Delete the plan file."""
        with self._terraform() as terraform:
            terraform.plan_file.unlink(missing_ok=True)

    @contextmanager
    def _terraform(self) -> Iterator[Terraform]:
        """Open Terraform with a progress display; errors name a lock that it left behind."""
        with self.app.ui.live() as show:
            progress = TerraformProgress(self.app.ui, show)
            folder = self.settings.data_dir.parent / LOGS
            log = RunLog(folder, {**self.settings.environ, **self.settings.secrets})

            def on_event(event: Event) -> None:
                log.event(event)
                progress(event)

            terraform = Terraform(self.binary, self.settings, on_event)
            try:
                yield terraform
            except GradectlError as error:
                log.write(f"failed: {error}")
                raise
            except (StoppedError, DeadlineError) as error:
                lock = self._lock_left()
                if lock:
                    error.what += f". The state is still locked: lock {lock}"
                    error.next_step = f"{terraform.unlock_command} {lock}"
                raise

    def _lock_left(self) -> str:
        """Read the id of the state lock; "" when there is none."""
        store = self.aws.object_store(self.environment.state_bucket)
        try:
            lock = json.loads(store.get(_LOCK_KEY, max_bytes=_LOCK_BYTES))
        except (GraderError, GradectlError, ValueError):
            return ""
        return str(lock.get("ID", ""))


def _local_addresses(app: CloudContext, environment: Environment) -> dict[str, str]:
    """Variables with the addresses of the broker and database of the local stack."""
    stack = app.stack(environment)
    if stack is None:
        return {}
    return {
        "TF_VAR_mq_broker_endpoint_override": stack.broker_endpoint,
        "TF_VAR_db_endpoint_override": stack.db_endpoint,
    }
