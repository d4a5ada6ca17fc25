"""Sends a test event from the network of the workers, as a one-off task."""

from __future__ import annotations

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.models import ServiceContainer
from gradectl.adapters.aws.tasks import OneOffTask
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, GradectlError
from gradectl.monitoring.names import ResourceNames
from gradectl.rollouts.one_off import OneOffRun, run_one_off
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.ui import Ui

_SENDING = "WEBHOOKS_ENABLED"
_NOT_DELIVERED = 1
WebhookTest = tuple[OneOffTask, ServiceContainer]


def plan_webhook_test(aws: Aws, environment: Environment, url: str) -> WebhookTest:
    """
    Decide what to run; reads only.

    Args:
        aws: The account.
        environment: The environment.
        url: The receiver.

    Raises:
        ConfigurationError: The service of the workers does not exist, or does not send webhooks.
    """
    names = ResourceNames.of(environment)
    where = f"ECS service {names.cluster}/{names.service}"
    container = aws.tasks.worker_container(names.cluster, names.service)
    if container is None:
        hint = f"gradectl apply {environment.name} creates it"
        text = "the service of the workers does not exist"
        raise ConfigurationError(text, where=where, next_step=hint)
    if container.environment.get(_SENDING, "").lower() != "true":
        text = f"the workers send no webhooks: {_SENDING} is not true"
        hint = (
            "set enable_webhooks in environment.yaml, and apply it; where `grader webhooks` sends"
            f" them, run `grader webhook-test {url}` there"
        )
        raise ConfigurationError(text, where=where, next_step=hint)
    task = OneOffTask(names.cluster, names.service, ("grader", "webhook-test", url))
    return task, container


def run_webhook_test(
    aws: Aws, ui: Ui, plan: WebhookTest, seconds: float, *, make_pause: MakePause = pauses
) -> OneOffRun:
    """
    Run the task; its lines are the steps of the test.

    Args:
        aws: The account.
        ui: The terminal.
        plan: From `plan_webhook_test`.
        seconds: How long to wait for the task.
        make_pause: Makes the pauses between two polls.

    Raises:
        GradectlError: The task did not start, did not end in time, or could not make the test.
    """
    done = run_one_off(aws, ui, plan, seconds, make_pause=make_pause)
    if done.exit_code not in (0, _NOT_DELIVERED):
        text = f"the test could not be made: exit code {done.exit_code}"
        hint = "its last log lines are above; gradectl secrets list shows the secrets"
        raise GradectlError(text, where=done.task_arn, next_step=hint)
    return done
