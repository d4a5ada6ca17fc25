"""
Pauses the workers of an environment: they finish their jobs, and no new ones start.

Requests wait in the broker meanwhile. The number of workers before is kept in SSM until they are
resumed. Each step may be repeated, so after an interruption the same command goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from gradectl.adapters.aws.account import Aws
from gradectl.errors import GradectlError
from gradectl.monitoring.names import ResourceNames
from gradectl.monitoring.paused import PauseRecord, pause_parameter, read_pause


@dataclass(frozen=True)
class Pausing:
    """
    Pauses and resumes the service of the workers.

    Args:
        aws: The account.
        names: Names of the environment's resources.
    """

    aws: Aws
    names: ResourceNames

    def pause(self) -> PauseRecord:
        """
        Stop the workers and keep autoscaling from starting others; the first pause is kept.

        Raises:
            GradectlError: The service does not exist.
        """
        cluster, service = self.names.cluster, self.names.service
        desired = self.aws.services.get(cluster, service).desired
        environment = self.names.environment
        record = read_pause(self.aws, environment)
        if record is None:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            record = PauseRecord(now, self.aws.check_account(), desired)
            self.aws.parameter_store.create(pause_parameter(environment), record.to_json())
        if self._bounds() is not None:
            self.aws.scaling.suspend(cluster, service, suspended=True)
        self.aws.services.set_desired(cluster, service, 0)
        return record

    def resume(self) -> int:
        """
        Start as many workers as before, within the present bounds of autoscaling.

        Returns:
            The number of workers.

        Raises:
            GradectlError: They are not paused.
        """
        cluster, service = self.names.cluster, self.names.service
        environment = self.names.environment
        record = read_pause(self.aws, environment)
        if record is None:
            text, where = "the workers are not paused", f"environment {environment}"
            hint = f"gradectl status {environment}"
            raise GradectlError(text, where=where, next_step=hint)
        bounds = self._bounds()
        desired = min(max(record.desired, bounds[0]), bounds[1]) if bounds else record.desired
        self.aws.services.set_desired(cluster, service, desired)
        if bounds is not None:
            self.aws.scaling.suspend(cluster, service, suspended=False)
        self.aws.parameter_store.delete(pause_parameter(environment))
        return desired

    def forget(self) -> None:
        """Delete the record of a pause, if there is one, after the service was destroyed."""
        name = pause_parameter(self.names.environment)
        if self.aws.parameters_if_any([name]):
            self.aws.parameter_store.delete(name)

    def _bounds(self) -> tuple[int, int] | None:
        return self.aws.states.scaling_bounds(self.names.cluster, self.names.service)
