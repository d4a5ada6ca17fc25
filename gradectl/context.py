"""What a command is given: options, files and streams. The only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from gradectl import environment as environments
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError
from gradectl.options import GlobalOptions
from gradectl.ui import Ui


class AppContext:
    """
    One run of gradectl, for commands that need no AWS (see `gradectl.cloud` for the others).

    Args:
        options: The global options.
        environ: The process environment.
        directory: Where the search for the project starts.
    """

    def __init__(self, options: GlobalOptions, environ: Mapping[str, str], directory: Path) -> None:
        """Open the streams; nothing is read from disk yet."""
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
            ConfigurationError: There is none here or above.
        """
        if self.options.project:
            return self.options.project.resolve()
        for folder in (self._directory, *self._directory.parents):
            if (folder / environments.FOLDER).is_dir():
                return folder
        text = f"no folder {environments.FOLDER}/ here or in a folder above"
        raise ConfigurationError(
            text, where=str(self._directory), next_step="cd into the project, or give --project DIR"
        )

    def environment(self, name: str) -> Environment:
        """
        Read an environment of the project; `--region` wins over its file.

        Raises:
            ConfigurationError: It does not exist, or its file is wrong.
        """
        found = environments.load(self.project_root, name)
        if self.options.region:
            return found.model_copy(update={"region": self.options.region})
        return found

    def declared_environment(self, name: str) -> Environment:
        """
        Read an environment exactly as its file says, for what is written down or deployed.

        Raises:
            ConfigurationError: As `environment`, or `--region` wants it somewhere else.
        """
        found = environments.load(self.project_root, name)
        if self.options.region not in (None, found.region):
            text = f"it lives in {found.region}, and not in {self.options.region}"
            where = f"{environments.FOLDER}/{name}/{environments.FILE}"
            hint = "leave --region and GRADECTL_REGION out, or write another environment"
            raise ConfigurationError(text, where=where, next_step=hint)
        return found


def process_environment() -> dict[str, str]:
    """Copy the environment of this process."""
    return dict(os.environ)


def pass_app(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the `AppContext` as its first argument."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's arguments pass through
        options = click.get_current_context().ensure_object(GlobalOptions)
        return function(AppContext(options, process_environment(), Path.cwd()), *args, **kwargs)

    return wrapper
