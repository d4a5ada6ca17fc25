"""The context of one command: options, project and terminal. The only reader of os.environ."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gradectl import environment as environments
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, RefusedError
from gradectl.options import GlobalOptions
from gradectl.ui import Ui


class AppContext:
    """
    The context of commands that need no AWS; `gradectl.cloud` has the one of the others.

    Args:
        options: The global options.
        environ: The process environment.
        directory: The folder where the search for the project starts.
    """

    def __init__(self, options: GlobalOptions, environ: Mapping[str, str], directory: Path) -> None:
        self.options = options
        self.environ = environ
        self._directory = directory
        self.ui = Ui(
            options.output,
            environ,
            may_ask=not options.no_input,
            assume_yes=options.yes,
        )

    @property
    def project_root(self) -> Path:
        """
        The folder that holds environments/.

        Raises:
            ConfigurationError: Neither this folder nor one above it has such a folder.
        """
        if self.options.project:
            return self.options.project.resolve()
        for folder in (self._directory, *self._directory.parents):
            if (folder / environments.FOLDER).is_dir():
                return folder
        text = f"no folder {environments.FOLDER}/ here or in a folder above"
        raise ConfigurationError(
            text, where=str(self._directory), next_step="cd into the project, or add --project DIR"
        )

    def environment(self, name: str) -> Environment:
        """
        Read an environment of the project; `--region` overrides its file.

        Raises:
            ConfigurationError: The environment does not exist, or its file is invalid.
        """
        found = environments.load(self.project_root, name)
        if self.options.region:
            return found.model_copy(update={"region": self.options.region})
        return found

    def declared_environment(self, name: str) -> Environment:
        """
        Read an environment exactly as its file declares it, to render or deploy it.

        Raises:
            ConfigurationError: As for `environment`, or `--region` differs from the file.
            RefusedError: Another project has its Terraform.
        """
        found = environments.load(self.project_root, name)
        if found.external:
            text = "another project has the Terraform of this environment (terraform: external)"
            where = f"{environments.FOLDER}/{name}/{environments.FILE}"
            hint = f"deploy it there; here you can operate it, such as gradectl smoke {name}"
            raise RefusedError(text, where=where, next_step=hint)
        if self.options.region not in (None, found.region):
            text = f"this environment is in {found.region}, not in {self.options.region}"
            where = f"{environments.FOLDER}/{name}/{environments.FILE}"
            hint = "omit --region and GRADECTL_REGION, or create another environment"
            raise ConfigurationError(text, where=where, next_step=hint)
        return found


def process_environment() -> dict[str, str]:
    """Copy the environment of this process."""
    return dict(os.environ)


def pass_context(
    kind: Callable[[GlobalOptions, Mapping[str, str], Path], AppContext],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """
    Make a decorator that passes the context to a command as its first argument.

    Args:
        kind: Class of the context: `AppContext`, or `CloudContext` for commands that need AWS.
    """

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's arguments pass through
            options = click.get_current_context().ensure_object(GlobalOptions)
            return function(kind(options, process_environment(), Path.cwd()), *args, **kwargs)

        return wrapper

    return decorator
