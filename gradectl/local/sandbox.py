"""A sandbox for a command that judges on this machine: an installed one, or one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gradectl.errors import ConfigurationError
from gradectl.local.layout import StackLayout
from gradectl.local.stack import Stack
from grader.errors import SettingsError
from grader.sandbox.temporary import installed_launcher

LAUNCHER_VARIABLE = "LAUNCHER_PATH"


@contextmanager
def open_sandbox(project_root: Path | None, environ: Mapping[str, str]) -> Iterator[Path]:
    """
    Give a sandbox launcher for the block.

    It is the one that LAUNCHER_PATH names, else that of the project's running local stack, else
    one that is built for the block, which takes root or sudo.

    Args:
        project_root: Folder of the project, where there is one.
        environ: The process environment.

    Raises:
        ConfigurationError: There is none, and none can be built.
    """
    named = environ.get(LAUNCHER_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise ConfigurationError("there is no sandbox launcher", where=named)
        yield Path(named)
        return
    stack = Stack.load(project_root) if project_root else None
    if stack is not None:
        yield StackLayout(stack.directory).launcher
        return
    with ExitStack() as opened:
        try:
            launcher = opened.enter_context(installed_launcher())
        except SettingsError as error:
            raise ConfigurationError(
                f"there is no sandbox to judge in, and none can be built: {error}",
                where=LAUNCHER_VARIABLE,
                next_step="gradectl local up, or run it as root, or name an installed launcher",
            ) from None
        yield launcher
