"""`gradectl secrets`: the SSM parameters of an environment."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gradectl.adapters.aws.account import Aws
from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.environment import Environment
from gradectl.errors import CheckFailedError, RefusedError, UsageError
from gradectl.options import group
from gradectl.queues.message_view import age
from gradectl.secrets.catalogue import NeededParameter, ParameterState, find_secret
from gradectl.secrets.rotation import Rotation, is_broker_secret, plan_rotation
from gradectl.secrets.rotation import rotate as rotate_secrets
from gradectl.secrets.stored import generated, observe, read_secret_file, trimmed
from gradectl.secrets.stored import seed as seed_secrets
from gradectl.ui import Table

_COLUMNS = ("parameter", "type", "version", "age", "state")
_MOST_CHARACTERS = 8192


@group("secrets", epilog="Example: gradectl secrets check dev")
def secrets() -> None:
    """
    List, check, store and rotate the secrets of an environment.

    SSM Parameter Store holds them as SecureStrings. No command takes a value as an argument, and
    only `show --reveal` prints one.
    """


@secrets.command("list", epilog="Example: gradectl secrets list dev")
@environment_argument
@pass_context(CloudContext)
def list_secrets(app: CloudContext, environment: str) -> None:
    """Show the SSM parameters that ENVIRONMENT needs, without their values."""
    found = app.environment(environment)
    states = observe(app.aws(found), found)
    _show(app, found, states)
    if any(each.problem for each in states):
        app.ui.say(f"next: gradectl secrets check {environment}")


@secrets.command("check", epilog="Example: gradectl secrets check dev --output json")
@environment_argument
@pass_context(CloudContext)
def check(app: CloudContext, environment: str) -> None:
    """
    Check that all SSM parameters exist, and that the secrets are SecureStrings.

    Exit code 4 when one is missing or not encrypted. It reads no value.
    """
    found = app.environment(environment)
    states = observe(app.aws(found), found)
    _show(app, found, states)
    wrong = [each for each in states if each.problem]
    if wrong:
        raise CheckFailedError(
            "\n".join(f"{each.needed.name}: {each.problem}" for each in wrong),
            where="SSM Parameter Store",
            next_step=_repair(environment, wrong),
        )


def _repair(environment: str, wrong: Sequence[ParameterState]) -> str:
    """The command that corrects missing or unencrypted parameters."""
    if all(each.needed.secret and each.found is None for each in wrong):
        return f"gradectl secrets seed {environment} --generate"
    if all(each.found is not None for each in wrong):
        return f"delete it (aws ssm delete-parameter), then: gradectl apply {environment}"
    return f"gradectl apply {environment}"


def _show(app: CloudContext, environment: Environment, states: Sequence[ParameterState]) -> None:
    """Write one row for each parameter."""
    now = datetime.now(UTC)
    document = {
        "environment": environment.name,
        "parameters": [_document(each, now) for each in states],
    }
    rows = [_row(each, now) for each in states]
    app.ui.emit("secrets", document, Table(_COLUMNS, rows, f"parameters of {environment.name}"))


def _document(state: ParameterState, now: datetime) -> dict[str, Any]:
    """A parameter for programs."""
    found = state.found
    return {
        "name": state.needed.name,
        "secret": state.needed.secret,
        "exists": found is not None,
        "type": found.kind if found else None,
        "version": found.version if found else None,
        "modified": found.modified.isoformat() if found else None,
        "age_seconds": int((now - found.modified).total_seconds()) if found else None,
        "problem": state.problem,
    }


def _row(state: ParameterState, now: datetime) -> list[object]:
    """A parameter for people."""
    found = state.found
    if found is None:
        return [state.needed.name, "-", "-", "-", state.problem]
    old = age(max(0.0, (now - found.modified).total_seconds()))
    return [state.needed.name, found.kind, found.version, old, state.problem or "ok"]


@secrets.command("seed", epilog="Example: gradectl secrets seed dev mq-web --stdin < value")
@environment_argument
@click.argument("names", nargs=-1, metavar="[NAME]...", help="Secrets, such as mq-web; see list.")
@click.option("--stdin", is_flag=True, help="Read the value from standard input.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the value from a file that only its owner can read (mode 600).",
)
@click.option("--generate", is_flag=True, help="Generate values; without NAME for all missing.")
@click.option("--overwrite", is_flag=True, help="Also replace secrets that exist.")
@pass_context(CloudContext)
def seed(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    names: tuple[str, ...],
    stdin: bool,
    file: Path | None,
    generate: bool,
    overwrite: bool,
) -> None:
    """
    Store secrets of ENVIRONMENT in SSM.

    The value comes from standard input, a private file, a prompt, or is generated; never from an
    argument. Only missing secrets are stored, unless --overwrite is given. The new password of a
    broker user takes effect with `gradectl broker-users sync`.
    """
    if sum([stdin, file is not None, generate]) > 1:
        text = "choose one of --stdin, --file and --generate"
        raise UsageError(text, where="gradectl secrets seed", next_step="remove the others")
    found = app.environment(environment)
    app.announce(found)
    aws = app.aws(found)
    wanted = _wanted(app, found, observe(aws, found), names, overwrite=overwrite)
    if not generate and len(wanted) > 1:
        text = "several secrets need --generate: one value is not used twice"
        raise UsageError(text, where="NAME", next_step="add --generate, or give one NAME")

    def value_of(parameter: NeededParameter) -> str:
        if generate:
            return generated(parameter)
        return _given(app, parameter, file, stdin=stdin)

    if app.options.dry_run:
        stored = []
        for each in wanted:
            app.ui.say(f"would write {each.needed.name}")
    else:
        stored = seed_secrets(aws, found, wanted, value_of)
    document = {
        "environment": environment,
        "stored": [
            {"name": each.parameter.name, "version": each.version, "created": each.created}
            for each in stored
        ],
    }
    rows = [(each.parameter.name, each.version) for each in stored]
    app.ui.emit("secrets-seed", document, Table(("stored", "version"), rows))
    _say_next(app, environment, [each.parameter for each in stored])


def _wanted(
    app: CloudContext,
    environment: Environment,
    states: Sequence[ParameterState],
    names: Sequence[str],
    *,
    overwrite: bool,
) -> list[ParameterState]:
    """Choose the secrets to store; refuses to replace one that exists."""
    chosen = _named(states, names) if names else [each for each in states if each.needed.secret]
    existing = [each.needed.name for each in chosen if each.found]
    if names and existing and not overwrite:
        raise RefusedError(
            f"it exists: {', '.join(existing)}; nothing was changed",
            where="SSM Parameter Store",
            next_step="add --overwrite to replace it, or: gradectl secrets rotate"
            f" {environment.name} {names[0]}",
        )
    if existing and overwrite:
        app.ui.confirm(f"Replace {', '.join(existing)}?")
        return chosen
    return [each for each in chosen if each.found is None]


def _named(states: Sequence[ParameterState], names: Sequence[str]) -> list[ParameterState]:
    """Find the secrets of the command line, each once."""
    by_name = {each.needed.name: each for each in states}
    found = [find_secret([each.needed for each in states], name).name for name in names]
    return [by_name[name] for name in dict.fromkeys(found)]


def _given(app: CloudContext, parameter: NeededParameter, file: Path | None, *, stdin: bool) -> str:
    """Read a value from the file, from standard input, or from the terminal."""
    if file:
        return read_secret_file(file)
    if stdin:
        return trimmed(sys.stdin.read(_MOST_CHARACTERS))
    return app.ui.ask_secret(f"New value of {parameter.name}", "add --stdin, --file or --generate")


def _say_next(app: CloudContext, environment: str, stored: Sequence[NeededParameter]) -> None:
    """Say how the stored secrets take effect."""
    if any(is_broker_secret(each) for each in stored):
        app.ui.say(f"next: gradectl broker-users sync {environment}")
    if any(each.part in ("db-app", "db-web") for each in stored):
        app.ui.say(f"next: gradectl db migrate {environment}")
    if any(each.part == "redis" for each in stored):
        app.ui.say(f"next: gradectl apply {environment}, which gives Redis the token")


@secrets.command("rotate", epilog="Example: gradectl secrets rotate dev mq-worker")
@environment_argument
@click.argument("names", nargs=-1, metavar="[NAME]...", help="Secrets; default: all of the broker.")
@pass_context(CloudContext)
def rotate(app: CloudContext, environment: str, *, names: tuple[str, ...]) -> None:
    """
    Give secrets of ENVIRONMENT new generated values, and put them into effect.

    The value is written to SSM first, then set on the broker, which reboots once, and the workers
    that use it are replaced. Messages stay in the broker, and running jobs finish. If it is
    interrupted, the error has the command that finishes it.
    """
    found = app.environment(environment)
    app.announce(found)
    aws = app.aws(found)
    states = observe(aws, found)
    chosen = (
        _named(states, names)
        if names
        else [each for each in states if is_broker_secret(each.needed)]
    )
    rotation = plan_rotation(aws, found, chosen)
    for each in rotation.states:
        app.ui.say(f"new value: {each.needed.name}")
    for text in rotation.effects:
        app.ui.say(f"- {text}")
    if app.options.dry_run:
        _emit_rotated(app, rotation, {}, rebooted=False, replaced=False)
        return
    app.ui.confirm(f"Rotate {len(rotation.states)} secrets of {environment}?")
    done = rotate_secrets(aws, app.ui, rotation)
    _emit_rotated(
        app, rotation, done.versions, rebooted=done.broker_rebooted, replaced=done.workers_replaced
    )
    app.ui.say("programs that keep a copy of a password, such as the web tier, need the new one")
    app.ui.say(f"next: gradectl smoke {environment}")


def _emit_rotated(
    app: CloudContext,
    rotation: Rotation,
    versions: dict[str, int],
    *,
    rebooted: bool,
    replaced: bool,
) -> None:
    """Write what was rotated."""
    document = {
        "environment": rotation.environment.name,
        "rotated": [{"name": name, "version": version} for name, version in versions.items()],
        "broker_rebooted": rebooted,
        "workers_replaced": replaced,
    }
    rows = list(versions.items())
    app.ui.emit("secrets-rotate", document, Table(("rotated", "version"), rows))


@secrets.command("show", epilog="Example: gradectl secrets show dev mq-operator --reveal")
@environment_argument
@click.argument("name", help="A secret, such as mq-operator; see list.")
@click.option("--reveal", is_flag=True, help="Print the value in clear text on stdout.")
@pass_context(CloudContext)
def show(app: CloudContext, environment: str, *, name: str, reveal: bool) -> None:
    """Print the value of the secret NAME; only with --reveal."""
    found = app.environment(environment)
    aws = app.aws(found)
    (state,) = _named(observe(aws, found), [name])
    if not reveal:
        text = "the value would be printed in clear text, and the terminal may keep it"
        hint = f"gradectl secrets show {environment} {name} --reveal"
        raise RefusedError(text, where=state.needed.name, next_step=hint)
    value = _read(aws, state.needed)
    app.ui.warn(f"printing {state.needed.name} in clear text; CloudTrail records this access")
    document = {"environment": environment, "name": state.needed.name, "value": value}
    if app.ui.output == "table":
        app.ui.write(value + "\n")
    else:
        app.ui.emit("secret", document, Table((), ()))


def _read(aws: Aws, parameter: NeededParameter) -> str:
    """Read a value."""
    return aws.parameters([parameter.name])[parameter.name]
