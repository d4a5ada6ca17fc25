"""`gradectl exec`."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click

from gradectl.adapters.aws.ecs_models import EcsTask
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.errors import ConfigurationError, GradectlError, RefusedError
from gradectl.monitoring.names import ResourceNames
from gradectl.options import command
from gradectl.processes.terminal import run_on_terminal
from gradectl.processes.tools import Tools
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table

_PLUGIN = "session-manager-plugin"
_INSTALL = "install the Session Manager plugin of AWS, 1.2.497.0 or newer"
#: The plugin reads the session, which holds a token, from this variable since this version.
_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
_OLDEST = (1, 2, 497, 0)
_SHELL = "/bin/sh"


@command("exec", epilog="Example: gradectl exec dev -- grader health")
@environment_argument
@click.argument("words", metavar="[COMMAND]...", nargs=-1, help="Command; default: a shell.")
@click.option("--task", "task_id", metavar="ID", help="Task of the worker; default: any.")
@pass_context(CloudContext)
def exec(  # noqa: A001 - the command line loads the attribute with the name of the command
    app: CloudContext, environment: str, *, words: tuple[str, ...], task_id: str | None
) -> int:
    """
    Run a command in a running worker of ENVIRONMENT, by ECS Exec.

    It is not read-only: the command has the rights of the worker, and what it changes stays until
    the task ends. ECS Exec must be enabled (enable_ecs_exec), and the Session Manager plugin must
    be installed. AWS logs the session. The exit code is that of the plugin.
    """
    target = select_environment(app, environment)
    app.announce(target.environment)
    if target.environment.emulated:
        text = "a local stack runs its workers as processes, so there is no container to enter"
        raise RefusedError(text, where=target.name, next_step="gradectl local status")
    names = ResourceNames.of(target.environment)
    task = _task(target, names, task_id)
    line = shlex.join(words) if words else _SHELL
    app.ui.warn(f"this is not read-only: {line} runs in task {task.task_id}")
    if app.options.dry_run:
        document = {"environment": target.name, "task": task.task_id, "command": line}
        app.ui.emit("exec", document, Table(("task", "command"), [[task.task_id, line]]))
        return 0
    plugin = _plugin(app)
    app.ui.confirm(f"Run it in {target.name}?")
    session = target.aws.services.execute(names.cluster, task.task_id, names.container, line)
    runtime = task.runtime_ids.get(names.container, "")
    request = {"Target": f"ecs:{names.cluster}_{task.task_id}_{runtime}"}
    region = target.environment.region
    arguments = [plugin, _VARIABLE, region, "StartSession", app.options.profile or ""]
    arguments += [json.dumps(request), f"https://ssm.{region}.amazonaws.com"]
    variables = {**app.child_environment(target.environment), _VARIABLE: json.dumps(session)}
    return run_on_terminal(arguments, variables)


def _task(target: EnvironmentClient, names: ResourceNames, wanted: str | None) -> EcsTask:
    """A running task of the service; with `wanted`, the one whose id begins or ends with it."""
    services = target.aws.services
    service = services.get(names.cluster, names.service)
    if not service.exec_enabled:
        raise ConfigurationError(
            "ECS Exec is disabled",
            where=f"ECS service {names.cluster}/{names.service}",
            next_step="set enable_ecs_exec: true in environment.yaml, then gradectl render"
            f" {target.name} and gradectl apply {target.name}",
        )
    running = [t for t in services.tasks(names.cluster, names.service) if t.state == "RUNNING"]
    found = [t for t in running if wanted is None or wanted in (t.task_id, t.task_id[-8:])]
    if not found:
        text = f"no running task {wanted!r}" if wanted else "no worker is running"
        listed = f"tasks: {', '.join(t.task_id for t in running)}" if running else ""
        raise GradectlError(
            text, where=names.service, next_step=listed or f"gradectl doctor {target.name}"
        )
    return found[0]


def _plugin(app: CloudContext) -> str:
    """
    Find the Session Manager plugin.

    Raises:
        ConfigurationError: It is missing, or so old that it needs the token in its command line.
    """
    tools = Tools(app.environ)
    path = tools.find(_PLUGIN)
    if path is None:
        raise ConfigurationError(f"{_PLUGIN} is not installed", where="PATH", next_step=_INSTALL)
    said = tools.run([path, "--version"], Path.cwd()).output.strip()
    version = tuple(int(part) for part in re.findall(r"\d+", said))
    if version < _OLDEST:
        text = f"{_PLUGIN} {said} takes the session's token on its command line"
        raise ConfigurationError(text, where=path, next_step=_INSTALL)
    return path
