"""
The global options, accepted before or after the command's name, and the click classes for them.

Only click is imported here, so that `gradectl --help` starts fast.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

#: Prefix of the variables. Precedence: flag, GRADECTL_*, environment.yaml, default.
VARIABLE_PREFIX = "GRADECTL_"


@dataclass
class GlobalOptions:
    """Values of the global options; set while click parses."""

    output: str = "table"
    no_input: bool = False
    yes: bool = False
    dry_run: bool = False
    timeout: float | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    project: Path | None = None
    flags: set[str] = field(default_factory=set)  # names of those that a flag has set


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401 - click
    """Store a global option; a flag overrides a variable, and a later flag an earlier one."""
    name, options = param.name or "", ctx.ensure_object(GlobalOptions)
    given = ctx.get_parameter_source(name)
    if given is click.core.ParameterSource.COMMANDLINE:
        options.flags.add(name)
    elif given is click.core.ParameterSource.DEFAULT or name in options.flags:
        return
    setattr(options, name, value)


def _global_options() -> list[click.Parameter]:
    """Create the options; a click parameter belongs to one command."""

    def option(*names: str, variable: bool = True, **settings: Any) -> click.Option:  # noqa: ANN401 - passed on to click
        declared = VARIABLE_PREFIX + names[-1].lstrip("-").replace("-", "_").upper()
        settings["envvar"] = declared if variable else None
        return click.Option(list(names), expose_value=False, callback=_keep, **settings)

    formats = click.Choice(["table", "json", "yaml"])
    return [
        option("-o", "--output", type=formats, help="Format of the data on stdout."),
        option("--no-input", is_flag=True, help="Never ask; commands that need an answer fail."),
        option("--yes", is_flag=True, variable=False, help="Answer yes to yes-or-no questions."),
        option("--dry-run", is_flag=True, help="Show what would be done, and change nothing."),
        option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
               help="Stop gracefully after this time, with exit code 124."),
        option("--profile", help="AWS profile; overrides AWS_PROFILE."),
        option("--region", help="AWS region; overrides environment.yaml."),
        option("--endpoint-url", help="Address of the AWS API; overrides AWS_ENDPOINT_URL."),
        option("--project", type=click.Path(path_type=Path, exists=True, file_okay=False),
               help="Folder with environments/; default: this folder or the next one above it."),
    ]  # fmt: skip


def seconds_left() -> float | None:
    """Seconds until the --timeout of the command expires; None without one."""
    return signal.getitimer(signal.ITIMER_REAL)[0] or None


def extend_timeout(seconds: float) -> None:
    """Give what must not be cut off, such as a clean-up, this time, although --timeout expires."""
    left = seconds_left()
    if left is not None and left < seconds:
        signal.setitimer(signal.ITIMER_REAL, seconds)


class _WithGlobalOptions(click.Command):
    """Adds the global options and lists them in a section of their own."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - passed on to click
        super().__init__(*args, **settings)
        self.shared = _global_options()
        self.params.extend(self.shared)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the global ones."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        own = [param for param in options if param not in self.shared]
        for title, params in (("Options", own), ("Global options", self.shared)):
            rows = [row for param in params if (row := param.get_help_record(ctx))]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Command(_WithGlobalOptions):
    """A command of gradectl."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command returns
        """Start the timer of --timeout, then run the command."""
        timeout = ctx.ensure_object(GlobalOptions).timeout
        if timeout:
            signal.setitimer(signal.ITIMER_REAL, timeout)  # `gradectl.cli` handles the alarm
        return super().invoke(ctx)


class Group(_WithGlobalOptions, click.Group):
    """A group of commands, like `queue`."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


class LazyGroup(Group):
    """
    A group that imports a command's module only to run it.

    Args:
        package: Package in which each command is a module with an attribute of the same name, with
            underscores for hyphens, and behind a keyword of Python.
        lines: Command to its line of help.
    """

    def __init__(self, *args: Any, package: str, lines: dict[str, str], **settings: Any) -> None:  # noqa: ANN401 - passed on to click
        super().__init__(*args, **settings)
        self._package = package
        self._lines = lines

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names in the order of the table."""
        return list(self._lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of one command."""
        if cmd_name not in self._lines:
            return None
        attribute = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
        module = import_module(f"{self._package}.{attribute}")
        found: click.Command = getattr(module, attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a misspelt name, suggest similar ones."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            name = error.command_name
            raise click.exceptions.NoSuchCommand(name, possibilities=self._lines, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._lines.items()))


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Command]:  # noqa: ANN401 - passed on to click
    """Declare a command: `click.command` with the global options."""
    return click.command(name, cls=Command, **settings)


def group(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Group]:  # noqa: ANN401 - passed on to click
    """Declare a group of commands: `click.group` with the global options."""
    return click.group(name, cls=Group, **settings)
