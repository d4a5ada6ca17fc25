"""Finds or builds a sandbox for commands that judge on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gradectl.errors import ConfigurationError
from gradectl.local.layout import StackLayout
from gradectl.local.stack import Stack
from grader.errors import SettingsError
from grader.sandbox.signals import interrupted_once
from grader.sandbox.temporary import installed_launcher

LAUNCHER_VARIABLE = "LAUNCHER_PATH"


@contextmanager
def open_sandbox(project_root: Path | None, environ: Mapping[str, str]) -> Iterator[Path]:
    """
    Provide a sandbox launcher for the block, which cleans up undisturbed when a signal ends it.

    In this order: the launcher in LAUNCHER_PATH, that of the project's running local stack, or one
    that is built for the block, which needs root or sudo.

    Args:
        project_root: Folder of the project, if there is one.
        environ: The process environment.

    Raises:
        ConfigurationError: No launcher exists, and none can be built.
    """
    with ExitStack() as opened:
        opened.enter_context(interrupted_once())
        yield _find_launcher(project_root, environ) or _build_launcher(opened)


def _find_launcher(project_root: Path | None, environ: Mapping[str, str]) -> Path | None:
    if named := environ.get(LAUNCHER_VARIABLE):
        if not Path(named).is_file():
            raise ConfigurationError("sandbox launcher not found", where=named)
        return Path(named)
    stack = Stack.load(project_root) if project_root else None
    return StackLayout(stack.directory).launcher if stack else None


def _build_launcher(opened: ExitStack) -> Path:
    try:
        return opened.enter_context(installed_launcher())
    except SettingsError as error:
        raise ConfigurationError(
            f"no sandbox is available, and none can be built: {error}",
            where=LAUNCHER_VARIABLE,
            next_step="gradectl local up, or run as root, or set it to an installed launcher",
        ) from None
