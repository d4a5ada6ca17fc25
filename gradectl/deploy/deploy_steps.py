"""What each step of `gradectl deploy` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradectl.deploy.deployment import Deployment
from gradectl.deploy.pipeline import Work
from gradectl.deploy.verify.results import COLUMNS, rows
from gradectl.deploy.verify.runner import require_verified, verify
from gradectl.deploy.way_back import offer
from gradectl.errors import GradectlError
from gradectl.monitoring.environment_logs import lines_of_failed_workers, open_logs
from gradectl.monitoring.names import API, WORKERS, ResourceNames
from gradectl.planning.gate import confirm_changes
from gradectl.planning.gates import open_gates
from gradectl.planning.plan import Plan
from gradectl.planning.plan_report import replacements
from gradectl.planning.review import check_reviewed, table
from gradectl.planning.worker_image import require_image
from gradectl.rollouts.migration import migrate_database, plan_migration
from gradectl.rollouts.polling import pauses
from gradectl.rollouts.redeploy import redeploy_failed
from gradectl.rollouts.rollout import say_way_back, wait_until_stable
from gradectl.secrets.broker_users import preview_broker_users, sync_broker_users
from gradectl.secrets.passwords import given_passwords
from gradectl.secrets.redis_token import preview_redis_token, sync_redis_token
from gradectl.ui import Table
from grader.errors import GraderError

_WAIT_SECONDS = 600.0
_MIGRATE_SECONDS = 900.0
_LOG_SECONDS = 30.0


@dataclass(frozen=True)
class DeployOptions:
    """
    The options of one run.

    Attributes:
        dry_run: Whether nothing may be changed.
        reviewed: File of the reviewed plan, if there is one.
        confirm: Value of --confirm, for the loss of data.
        allow_loss: Resources whose data may be lost, besides those that the policy allows.
        builds_image: Whether the run builds the image, so that it may be missing before.
    """

    dry_run: bool = False
    reviewed: Path | None = None
    confirm: str | None = None
    allow_loss: Sequence[str] = ()
    builds_image: bool = False


class DeploySteps:
    """
    The steps of one run, which share the plan and the outputs.

    Args:
        deployment: The environment, ready for Terraform.
        options: The options of the run.
        image: Builds and pushes the image, and returns the outcome in a few words.
        smoke: Runs the smoke test, likewise.
    """

    def __init__(
        self,
        deployment: Deployment,
        options: DeployOptions,
        *,
        image: Callable[[], str],
        smoke: Callable[[], str],
    ) -> None:
        self._deployment = deployment
        self._options = options
        self._image = image
        self._smoke = smoke
        self._ui = deployment.app.ui
        self._plan: Plan | None = None
        self._outputs: dict[str, Any] | None = None

    @property
    def work(self) -> dict[str, Work]:
        """What each step does, by its name."""
        return {
            "verify": self.verify,
            "image": self._image,
            "plan": self.plan,
            "gate": self.gate,
            "apply": self.apply,
            "secrets": self.secrets,
            "migrate": self.migrate,
            "wait": self.wait,
            "smoke": self.smoke,
        }

    def verify(self) -> str:
        """Check what a deployment needs; reads only."""
        environment = self._deployment.environment
        report = verify(self._deployment.app, environment, builds_image=self._options.builds_image)
        self._ui.say_table(Table(COLUMNS, rows(report.results)))
        require_verified(report, environment.name)
        return report.headline

    def plan(self) -> str:
        """Compute and show the changes."""
        self._plan = self._deployment.plan()
        self._ui.say_table(table(self._plan))
        for line in replacements(self._plan):
            self._ui.say(line)
        return self._plan.headline

    def gate(self) -> str:
        """Compare the changes with the policy and the reviewed plan, or ask for confirmation."""
        plan, options = self._planned(), self._options
        environment = self._deployment.environment
        gates = open_gates(self._deployment.app.project_root, environment, plan, options.allow_loss)
        gates.show(self._ui)
        gates.enforce()
        if options.reviewed:
            given = given_passwords(self._deployment.app.environ)
            check_reviewed(options.reviewed, environment, plan, given)
            return "equal to the reviewed plan"
        if plan.empty:
            return "nothing to confirm"
        if options.dry_run:
            return "would ask for confirmation"
        confirm_changes(self._ui, environment.name, plan, options.confirm)
        return "confirmed"

    def apply(self) -> str:
        """Change the resources."""
        plan, dry_run = self._planned(), self._options.dry_run
        environment = self._deployment.environment
        if not (dry_run and self._options.builds_image):  # which a dry run only says
            require_image(plan, environment.name, emulated=environment.emulated)
        if dry_run:
            return f"would apply: {plan.headline}"
        if plan.empty:
            self._outputs = self._deployment.outputs()
            return "nothing to change"
        names = ResourceNames.of(environment)
        aws = self._deployment.aws
        say_way_back(aws, self._ui, names.cluster, names.service, names.container)
        self._outputs = self._deployment.apply()
        return plan.outcome

    def secrets(self) -> str:
        """Set the passwords of the broker's users, and the token of Redis."""
        aws, name = self._deployment.aws, self._deployment.environment.name
        if self._options.dry_run:
            if self._plan is None:
                return "would set those that differ"
            preview_broker_users(aws, self._ui, name, self._plan)
            preview_redis_token(aws, self._ui, self._plan)
            return "would set them as shown"
        outputs = self._applied()
        sync_redis_token(aws, self._ui, outputs)
        if not outputs.get("broker_id"):
            return "the environment has no broker of its own"
        rebooted = sync_broker_users(aws, self._ui, name, outputs)
        return "set; the broker was rebooted" if rebooted else "nothing to change"

    def migrate(self) -> str:
        """Migrate the database and set up its application user."""
        if self._options.dry_run:
            return "would migrate the database as a one-off task"
        if not self._applied().get("service_name"):
            return "the environment has no workers, whose image the migration needs"
        aws = self._deployment.aws
        migration = plan_migration(aws, self._deployment.environment)
        return f"{migrate_database(aws, self._ui, migration, _MIGRATE_SECONDS).command} succeeded"

    def wait(self) -> str:
        """Wait until the workers and the HTTP API run."""
        if self._options.dry_run:
            return "would wait for the workers and the HTTP API"
        outputs, deployment = self._applied(), self._deployment
        for each in (outputs, api_outputs(outputs)):
            redeploy_failed(deployment.aws, self._ui, each)
        running = wait_for_services(deployment, outputs)
        if not running:
            return "the environment has no workers"
        url = outputs.get("api_url")
        return f"{' and '.join(running)} run" + (f", at {url}" if url else "")

    def smoke(self) -> str:
        """Test the queues end to end; a failure names the way back."""
        if self._options.dry_run:
            return "would send one job through each request queue"
        try:
            return self._smoke()
        except (GradectlError, GraderError) as error:
            offered = offer(self._deployment.aws, self._deployment.environment)
            error.what = f"{error.what}\n{offered}"
            raise

    def _planned(self) -> Plan:
        """The plan; a run with a step that needs it begins with `plan`."""
        if self._plan is None:
            self._plan = self._deployment.plan()
        return self._plan

    def _applied(self) -> dict[str, Any]:
        """Outputs of the apply of this run, or else of the last one."""
        if self._outputs is None:
            self._outputs = self._deployment.outputs(initialise=True)
        return self._outputs


def api_outputs(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Name the service of the HTTP API as outputs name that of the workers; {} without one."""
    if not outputs.get("api_service_name"):
        return {}
    return {
        "cluster_name": outputs["cluster_name"],
        "service_name": outputs["api_service_name"],
        "task_definition_arn": outputs.get("api_task_definition_arn"),
        "environment_name": outputs.get("environment_name"),
    }


def wait_for_services(deployment: Deployment, outputs: Mapping[str, Any]) -> list[str]:
    """
    Wait until the workers and the HTTP API of the last deployment run.

    Args:
        deployment: The environment.
        outputs: Outputs of the root.

    Returns:
        What runs, for sentences; empty when the root has no service.

    Raises:
        GradectlError: They did not start in time; the error has the reasons and the last log lines.
    """
    app, aws, environment = deployment.app, deployment.aws, deployment.environment
    services = {"the workers": (WORKERS, outputs), "the HTTP API": (API, api_outputs(outputs))}
    running = []
    for name, (kind, found) in services.items():
        tasks = "workers" if kind == WORKERS else f"tasks of {name}"
        if "service_name" in found:
            logs = open_logs(app, environment, aws, pauses(_LOG_SECONDS), kind)
            lines = lines_of_failed_workers(logs)
            wait_until_stable(aws, app.ui, found, _WAIT_SECONDS, last_log_lines=lines, tasks=tasks)
            running.append(name)
    return running
