"""`gradectl render`."""

from __future__ import annotations

from pathlib import Path

import click

from gradectl.commands.arguments import environment_argument
from gradectl.context import AppContext, pass_context
from gradectl.deploy.rendering import outdated, rendered
from gradectl.errors import CheckFailedError
from gradectl.options import command
from gradectl.ui import Table


@command("render", epilog="Example: gradectl render local --check")
@environment_argument
@click.option(
    "--check", is_flag=True, help="Write nothing; exit code 4 when a file is out of date."
)
@pass_context(AppContext)
def render(app: AppContext, environment: str, *, check: bool) -> None:
    """Write the Terraform files of an environment from its environment.yaml."""
    root = app.project_root
    files = rendered(root, app.declared_environment(environment))
    stale = outdated(files)
    dry = check or app.options.dry_run
    if not dry:
        for path in stale:
            path.write_text(files[path], encoding="utf-8")
    rows = [(str(path.relative_to(root)), _state(path, stale, dry=dry)) for path in files]
    document = {"environment": environment, "files": [{"path": p, "state": s} for p, s in rows]}
    app.ui.emit("render", document, Table(["file", "state"], rows))
    if check and stale:
        text = "out of date: environment.yaml or release.json has changed"
        names = ", ".join(str(path.relative_to(root)) for path in stale)
        raise CheckFailedError(text, where=names, next_step=f"gradectl render {environment}")
    app.ui.say(f"next: gradectl deploy {environment} --dry-run")


def _state(path: Path, stale: list[Path], *, dry: bool) -> str:
    """What was done with one file."""
    if path not in stale:
        return "unchanged"
    return "out of date" if dry else "written"
