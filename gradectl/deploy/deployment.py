"""An environment with its account and its Terraform, for plan, apply and destroy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.terraform.events import Event, ResourceProgress
from gradectl.adapters.terraform.failures import ExistsError
from gradectl.adapters.terraform.locate import Binary, locate
from gradectl.adapters.terraform.mirror import prepare
from gradectl.adapters.terraform.root import RootSettings, Terraform
from gradectl.cloud import CloudContext
from gradectl.deploy.interrupted_run import Journal, StateLock, keep_unsaved, unsaved
from gradectl.deploy.progress import TerraformProgress
from gradectl.deploy.rendering import BACKEND, TFVARS, check_fresh
from gradectl.deploy.run_log import RunLog
from gradectl.environment import FOLDER, Environment
from gradectl.errors import (
    ConfigurationError,
    DeadlineError,
    EndingError,
    GradectlError,
    RefusedError,
    StoppedError,
)
from gradectl.planning.plan import Plan, parse_plan
from gradectl.secrets.passwords import password_variables
from grader.errors import GraderError

#: Folder for files that gradectl can recreate; ignored by git.
WORK_FOLDER = ".gradectl"
#: Folder of the logs of Terraform's runs, in that of the environment.
LOGS = "logs"
_LOCK_KEY = "terraform.tfstate.tflock"


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
            unlock_command=f"gradectl recover {name} --lock",
        )
        return cls(app, environment, aws, binary, settings)

    def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> Plan:
        """
        Compute the changes; the plan file stays ready for `apply`.

        Args:
            destroy: True to plan the deletion of everything.
            refresh_only: True to only compare the state with the account.

        Raises:
            RefusedError: An earlier state was not stored, so the stored one is out of date.
        """
        self._require_stored()
        with self._terraform() as terraform:
            terraform.init()
            terraform.plan(destroy=destroy, refresh_only=refresh_only)
            return parse_plan(terraform.show_plan())

    def apply(self) -> dict[str, Any]:
        """Execute the plan and return the outputs."""
        with self._terraform(applies=True) as terraform:
            terraform.apply()
            self.journal.clear()
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

    def state_lock(self) -> StateLock | None:
        """Read the lock of the state; None when it is not locked."""
        body = self.aws.exclusive_objects(self.environment.state_bucket).read(_LOCK_KEY)
        return StateLock.parse(body) if body else None

    def unlock(self, lock_id: str) -> None:
        """Release the state lock of a run that has ended."""
        with self._terraform() as terraform:
            terraform.init()
            terraform.unlock(lock_id)

    def unsaved_states(self) -> list[Path]:
        """The states that Terraform could not store, oldest first."""
        with self._terraform() as terraform:
            return unsaved(terraform.unsaved_state, self._folder)

    def push_state(self, path: Path) -> None:
        """Store a state, and delete its file."""
        with self._terraform() as terraform:
            terraform.init()
            terraform.push_state(path)
            path.unlink()
            self.journal.clear()

    def lost_resources(self) -> list[tuple[str, str]]:
        """Address and id of the resources that a killed apply created and the state lacks."""
        created = self.journal.read()
        if not created:
            return []
        with self._terraform() as terraform:
            terraform.init()
            stored = terraform.addresses()
        return [each for each in created if each[0] not in stored]

    def import_resource(self, address: str, resource_id: str) -> None:
        """Add a resource that exists to the state."""
        with self._terraform() as terraform:
            terraform.import_resource(address, resource_id)

    @property
    def journal(self) -> Journal:
        """The resources that an unfinished apply created."""
        return Journal(self._folder)

    @property
    def _folder(self) -> Path:
        """The folder of the environment for files of gradectl."""
        return self.settings.data_dir.parent

    def _require_stored(self) -> None:
        """Refuse to plan with a stored state that does not have the last changes."""
        left = self.unsaved_states()
        if left:
            text = "Terraform could not store an earlier state, so the stored one lacks its changes"
            where = str(left[-1])
        elif self.journal.read():
            text = "an apply was killed, so the state may lack resources that it created"
            where = self.environment.name
        else:
            return
        recover = f"gradectl recover {self.environment.name}"
        raise RefusedError(text, where=where, next_step=recover)

    @contextmanager
    def _terraform(self, *, applies: bool = False) -> Iterator[Terraform]:
        """Open Terraform with a progress display; errors name what it left behind."""
        with self.app.ui.live() as show:
            progress = TerraformProgress(self.app.ui, show)
            log = RunLog(self._folder / LOGS, {**self.settings.environ, **self.settings.secrets})

            def on_event(event: Event) -> None:
                log.event(event)
                if isinstance(event, ResourceProgress) and event.created:
                    self.journal.add(event.address, event.id)
                progress(event)

            terraform = Terraform(self.binary, self.settings, on_event)
            started = datetime.now(UTC)
            try:
                yield terraform
            except (GradectlError, StoppedError, DeadlineError) as error:
                is_stored = self._explain(error, terraform, started)
                if applies and is_stored:
                    self.journal.clear()
                log.write(f"failed: {error}")
                raise

    def _explain(self, error: EndingError, terraform: Terraform, started: datetime) -> bool:
        """
        Say what the run left, and how to go on.

        Returns:
            Whether Terraform ended by itself and stored its state. One that was killed cannot have
            released its lock, so a lock that cannot be read does not count as released.
        """
        if isinstance(error, ExistsError):
            error.next_step = f"gradectl import {self.environment.name}\n{error.next_step}"
        recover = f"gradectl recover {self.environment.name}"
        kept = keep_unsaved(terraform.unsaved_state, self._folder, datetime.now(UTC))
        try:
            lock, is_known = self.state_lock(), True
        except (GraderError, GradectlError):
            lock, is_known = None, False
        if lock and not lock.is_since(started):  # of another run
            lock = None
        if kept:
            error.what += f". The new state was not stored; it is in {kept}"
        if lock:
            error.what += f". The state is still locked: lock {lock.id}"
            recover += f" --lock {lock.id}"
        if kept or lock or terraform.killed:
            # A cause such as a missing permission comes first, because storing needs it too.
            has_cause = isinstance(error, GradectlError) and not (lock or terraform.killed)
            steps = [error.next_step, recover] if has_cause else [recover, error.next_step]
            error.next_step = "\n".join(filter(None, steps))
            return False
        return is_known


def _local_addresses(app: CloudContext, environment: Environment) -> dict[str, str]:
    """Variables with the addresses of the broker, database and Redis of the local stack."""
    stack = app.stack(environment)
    if stack is None:
        return {}
    return {
        "TF_VAR_mq_broker_endpoint_override": stack.broker_endpoint,
        "TF_VAR_db_endpoint_override": stack.db_endpoint,
        "TF_VAR_redis_endpoint_override": stack.redis_endpoint,
    }
