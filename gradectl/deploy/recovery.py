"""Makes an environment usable again after Terraform or gradectl was killed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gradectl.deploy.deployment import Deployment
from gradectl.deploy.interrupted_run import StateLock, running_terraform
from gradectl.errors import GradectlError, RefusedError


@dataclass(frozen=True)
class Recovery:
    """
    What has to be done.

    Attributes:
        lock: The lock to release, if there is one.
        states: States that were not stored, oldest first.
        check_created: Whether an apply was killed, so that the state may lack resources.
    """

    lock: StateLock | None
    states: tuple[Path, ...]
    check_created: bool

    @property
    def steps(self) -> list[str]:
        """What it does, as phrases."""
        steps = [f"release the state lock {self.lock}"] if self.lock else []
        steps += [f"store the state in {path}" for path in self.states]
        if self.check_created:
            steps.append("import the resources that the killed apply created, where it has none")
        return steps


def plan_recovery(deployment: Deployment, lock_id: str | None) -> Recovery:
    """
    Look for what an interrupted run left; changes nothing.

    Args:
        deployment: The environment.
        lock_id: The lock that the user wants to release.

    Raises:
        RefusedError: The state is locked and `lock_id` is not that lock, or its run goes on.
    """
    lock, name = deployment.state_lock(), deployment.environment.name
    if lock and lock.id != lock_id:
        raise RefusedError(
            f"the state is locked: lock {lock}",
            where=name,
            next_step="wait for that run; only if it has ended:"
            f" gradectl recover {name} --lock {lock.id}",
        )
    running = running_terraform(deployment.settings.data_dir)
    if running is not None:
        raise RefusedError(
            f"Terraform still runs here for {name}: process {running}",
            where=name,
            next_step=f"wait until it ends; to stop it: kill -INT {running}",
        )
    created = bool(deployment.journal.read())
    return Recovery(lock, tuple(deployment.unsaved_states()), created)


def recover(deployment: Deployment, recovery: Recovery) -> list[str]:
    """
    Release the lock, store the states, and import resources that the state lacks.

    Returns:
        The addresses of imported resources.

    Raises:
        GradectlError: Terraform refused, for example a state that is older than the stored one;
            the file stays.
    """
    if recovery.lock:
        deployment.unlock(recovery.lock.id)
        deployment.app.ui.say(f"released the state lock {recovery.lock.id}")
    for path in recovery.states:
        deployment.push_state(path)
        deployment.app.ui.say(f"stored {path}")
    imported = _import_lost(deployment) if recovery.check_created else []
    deployment.journal.clear()
    return imported


def _import_lost(deployment: Deployment) -> list[str]:
    """Import the resources that the state lacks; one that cannot be imported is named."""
    ui, imported = deployment.app.ui, []
    for address, resource_id in deployment.lost_resources():
        try:
            deployment.import_resource(address, resource_id)
        except GradectlError as error:
            ui.warn(
                f"{address} exists with the id {resource_id} and was not imported: {error.what}"
            )
            continue
        ui.say(f"imported {address}")
        imported.append(address)
    return imported
