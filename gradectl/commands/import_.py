"""`gradectl import`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument, lock_timeout_option
from gradectl.context import pass_context
from gradectl.deploy.deployment import Deployment
from gradectl.options import command
from gradectl.planning.review import deployment_id
from gradectl.setup.import_file import ImportBlock, import_path, import_text
from gradectl.setup.importing import ImportSearch, search_imports
from gradectl.ui import Table


@command("import", epilog="Example: gradectl import dev")
@environment_argument
@lock_timeout_option
@pass_context(CloudContext)
def import_(app: CloudContext, environment: str, *, lock_timeout: int) -> None:
    """
    Write import blocks for resources that exist and that an apply would create again.

    They are found in the account by the names and values of the plan. The account is only read;
    the next apply imports them. The blocks are in environments/imports-ENVIRONMENT.tf, which other
    environments ignore. Run it again after the apply to delete the file. Secrets are not imported,
    because Terraform would write them into the plan.
    """
    deployment = Deployment.open(app, environment, lock_timeout_seconds=lock_timeout)
    path = import_path(app.project_root, environment)
    dry_run = app.options.dry_run

    def write(blocks: Sequence[ImportBlock]) -> None:
        if not dry_run:
            path.write_text(import_text(environment, blocks), encoding="utf-8")

    try:
        with _set_aside(path, restore=dry_run):
            finder = deployment.aws.existing
            search = search_imports(deployment.plan, finder, write, once=dry_run)
    finally:
        deployment.discard_plan()
    _show(deployment, path, search)


@contextmanager
def _set_aside(path: Path, *, restore: bool) -> Iterator[None]:
    """Remove the file of an earlier run for the block; an error brings it back."""
    earlier = path.read_text(encoding="utf-8") if path.is_file() else None
    path.unlink(missing_ok=True)
    done = False
    try:
        yield
        done = not restore
    finally:
        if not done:
            path.unlink(missing_ok=True)
            if earlier is not None:
                path.write_text(earlier, encoding="utf-8")


def _show(deployment: Deployment, path: Path, search: ImportSearch) -> None:
    """Write the result, and the next command."""
    app, name = deployment.app, deployment.environment.name
    file = str(path.relative_to(app.project_root))
    written = bool(search.blocks) and not app.options.dry_run
    for change in search.replaced:
        app.ui.warn(f"{change.address} would be imported and then replaced: {change.reason}")
    for each in search.left_out:
        app.ui.warn(f"{each.address} exists and is not imported: {each.reason}")
        app.ui.say(f"  {each.next_step}")
    document = {
        **deployment_id(deployment.environment),
        "file": file,
        "written": written,
        "imports": [{"address": one.address, "id": one.import_id} for one in search.blocks],
        "left_out": [
            {"address": one.address, "reason": one.reason, "next_step": one.next_step}
            for one in search.left_out
        ],
        "replaced": [change.address for change in search.replaced],
    }
    rows = [(one.address, one.import_id) for one in search.blocks]
    title = f"{len(rows)} to import" if rows else "nothing to import"
    app.ui.emit("import", document, Table(["resource", "ID"], rows, title=title))
    if app.options.dry_run:
        text = "the parts of these resources, such as rules, are found only when it writes"
        app.ui.say(f"{file} was not written; {text}")
    elif written:
        app.ui.say(f"{file} written; next: gradectl plan {name}")
    else:
        app.ui.say(f"next: gradectl apply {name}")
