"""`gradectl validate`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click

from gradectl import __version__
from gradectl.context import AppContext, pass_context
from gradectl.errors import CheckFailedError
from gradectl.options import command
from gradectl.ui import Table, Ui
from gradectl.validation.catalogue import NAMES
from gradectl.validation.findings import Finding, Validation, document, grouped, rows
from gradectl.validation.formats import github, junit, markdown, sarif
from gradectl.validation.runner import Event, Finished, Started
from gradectl.validation.session import CheckSelection, Session, cores, open_context

_FORMATS = ("text", "json", "junit", "sarif", "github")
_COLUMNS = ("check", "result", "time", "over")
_COLOURS = {"error": "red", "warning": "yellow", "note": ""}


@command("validate", epilog="Example: gradectl validate --skip checkov --changed-since main")
@click.argument(
    "path",
    required=False,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder to check, with its subfolders; default: the current one.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    help="Format of the findings on stdout; --output json is --format json.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(NAMES),
    metavar="NAME",
    help="Run only this check; repeatable.",
)
@click.option(
    "--skip",
    multiple=True,
    type=click.Choice(NAMES),
    metavar="NAME",
    help="Skip this check; repeatable.",
)
@click.option(
    "--changed-since",
    metavar="REF",
    help="Check only files that changed since the merge base with REF.",
)
@pass_context(AppContext)
def validate(  # noqa: PLR0913 - one argument for each option
    app: AppContext,
    path: Path | None,
    *,
    format_name: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    changed_since: str | None,
) -> None:
    """
    Check the Terraform configuration in PATH.

    PATH is this repository, or your own root that uses the modules; default: the current folder.
    Nothing is written there. It needs no AWS account, and no network when the providers are in a
    mirror or in the plugin cache. Exit code 4 when a check finds an error.
    """
    here = Path.cwd()
    with open_context(path or app.options.project or here, app.environ, here) as context:
        session = Session(context, CheckSelection(only, skip, changed_since))
        if not app.options.dry_run:
            _watch(app.ui, session.run(cores()))
        validation = session.validation()
    _emit(app, validation, format_name)
    _summarise(app, validation)
    if validation.failed:
        raise _failure(validation, path)


def _watch(ui: Ui, events: Iterable[Event]) -> None:
    """Print findings as they occur, and show the running jobs on a terminal."""
    printed: set[Finding] = set()
    running: list[str] = []
    with ui.live() as show:
        for event in events:
            name = f"{event.task.check} {event.task.job.subject}"
            if isinstance(event, Started):
                running.append(name)
            elif isinstance(event, Finished):
                running.remove(name)
                new = [one for one in event.case.findings if one not in printed]
                printed.update(new)
                _print_worst(ui, event.task.check, new)
            show([f"  {line}" for line in running])


def _print_worst(ui: Ui, check: str, found: Sequence[Finding]) -> None:
    """Print the worst finding of one subject; all findings follow at the end."""
    worst = sorted(found, key=lambda one: list(_COLOURS).index(one.severity))
    if worst:
        more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
        ui.say(f"{worst[0].severity} {check}: {worst[0]}{more}", _COLOURS[worst[0].severity])


def _emit(app: AppContext, validation: Validation, format_name: str | None) -> None:
    """Write the findings to stdout, and the table once."""
    table = _table(validation)
    writers: dict[str, Callable[[], str]] = {
        "junit": lambda: junit(validation),
        "sarif": lambda: sarif(validation, __version__),
        "github": lambda: github(validation),
    }
    if format_name in writers:
        app.ui.write(writers[format_name]())
        app.ui.say_table(table)
    elif app.ui.output == "table" and format_name != "json":
        app.ui.write("".join(f"{line}\n" for line in _lines(validation)))
        app.ui.emit("validate", {}, table)
    else:
        app.ui.output = "json" if format_name == "json" else app.ui.output
        app.ui.emit("validate", document(validation), table)
        app.ui.say_table(table)


def _lines(validation: Validation) -> Sequence[str]:
    """Format each finding once, in the style of compilers."""
    return [
        f"{finding.location}: {finding.severity}: {finding.rule + ': ' if finding.rule else ''}"
        f"{' '.join(finding.message.split())} [{', '.join(checks)}]"
        for finding, checks in grouped(validation.checks).items()
    ]


def _table(validation: Validation) -> Table:
    """The table of all checks."""
    return Table(_COLUMNS, rows(validation.checks))


def _summarise(app: AppContext, validation: Validation) -> None:
    """Append to the job summary of GitHub Actions, where there is one."""
    page = app.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(markdown(validation))


def _failure(validation: Validation, path: Path | None) -> CheckFailedError:
    """Count the errors, and show the command that repeats only the failed checks."""
    found = [one for one in grouped(validation.failed) if one.severity == "error"]
    names = [check.name for check in validation.failed]
    text = f"{len(found)} {'errors' if len(found) > 1 else 'error'} from {', '.join(names)}"
    words = ["gradectl validate", *([str(path)] if path else []), *(f"--only {x}" for x in names)]
    return CheckFailedError(text, where=found[0].location, next_step=" ".join(words))
