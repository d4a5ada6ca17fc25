"""`gradectl validate`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gradectl import __version__
from gradectl.context import AppContext, pass_context
from gradectl.errors import CheckFailedError, UsageError
from gradectl.options import command
from gradectl.ui import Table, Ui
from gradectl.validation.baseline import Baseline, read_baseline
from gradectl.validation.catalogue import NAMES
from gradectl.validation.findings import (
    Finding,
    Fix,
    Validation,
    document,
    grouped,
    listed,
    rows,
)
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
@click.option(
    "--baseline",
    "baseline_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Errors listed in FILE do not fail; entries that are no longer needed are reported.",
)
@click.option(
    "--update-baseline",
    is_flag=True,
    help="Write the errors of this run to the file of --baseline.",
)
@click.option(
    "--fix",
    "fixes",
    is_flag=True,
    help="First correct what has one answer: fmt, rendered, reference; shows each changed file.",
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
    baseline_file: Path | None,
    update_baseline: bool,
    fixes: bool,
) -> None:
    """
    Check the Terraform configuration in PATH.

    PATH is this repository, or your own root that uses the modules; default: the current folder.
    Nothing is written there, except with --fix. It needs no AWS account, and no network when the
    providers are in a mirror or in the plugin cache. Exit code 4 when a check finds an error.

    Where checkov is missing, it offers to install it; without a terminal, its check fails.
    """
    selection = CheckSelection(only, skip, changed_since)
    baseline = _baseline(baseline_file, selection, update=update_baseline)
    request = _Request(path or app.options.project or Path.cwd(), selection, baseline)
    fixed = _fix(app, request) if fixes else []
    with open_context(request.path, app.environ, Path.cwd()) as context:
        session = Session(context, selection, baseline)
        if not app.options.dry_run:
            _offer(app.ui, session)
            _watch(app.ui, session.run(cores()))
        validation = session.validation(fixed)
    if baseline and update_baseline and not app.options.dry_run:
        known, added, removed = baseline.update(session.complete)
        app.ui.say(f"{baseline_file}: {_errors(known)} known; {added} added, {removed} removed")
        for name in session.incomplete:
            text = f"{baseline_file}: the entries of {name} were not updated"
            app.ui.warn(f"{text}: it could not look at everything; correct that, and run it again")
    _emit(app, validation, format_name)
    _summarise(app, validation)
    if validation.failed:
        raise _failure(validation, [*([path] if path else []), *_again(baseline_file)])


@dataclass(frozen=True)
class _Request:
    """What is checked."""

    path: Path
    selection: CheckSelection
    baseline: Baseline | None


def _baseline(file: Path | None, selection: CheckSelection, *, update: bool) -> Baseline | None:
    """Read the baseline, if one is named."""
    if update and not file:
        text = "--update-baseline needs the name of the file"
        raise UsageError(text, where="--baseline", next_step="add --baseline FILE")
    if update and selection.changed_since:
        text = "--update-baseline needs a run over all files"
        raise UsageError(text, where="--changed-since", next_step="omit --changed-since")
    return read_baseline(file, NAMES, recording=update) if file else None


def _fix(app: AppContext, request: _Request) -> list[Fix]:
    """Correct what has one answer; each changed file is named as soon as it is written."""
    done: list[Fix] = []
    with open_context(request.path, app.environ, Path.cwd()) as context:
        session = Session(context, request.selection)
        for fix in session.fix(dry_run=app.options.dry_run):
            done.append(fix)
            if fix.state == "outside":
                app.ui.warn(f"{fix.path}: outside of the checked folder, so left alone")
            else:
                app.ui.say(f"{fix.state} {fix.path} ({fix.check})")
    if not done:
        app.ui.say("nothing to fix")
    return done


def _offer(ui: Ui, session: Session) -> None:
    """Offer to install missing programs; a check without its program fails, unless left out."""
    for name, item in list(session.installations.items()):
        question = f"{item.program} is not installed. Install it into {item.folder}?"
        answer = ui.offer(question)
        if answer:
            ui.say(f"installing {item.program} into {item.folder}")
            item.run(lambda line: ui.say(f"  {line}"))
        elif answer is None:
            ui.warn(f"{item.program} is not installed; next: {item.command}")
        else:
            session.leave_out(name, f"not installed; next: {item.command}")


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
                shown = (one for one in event.case.findings if not one.known)
                new = [one for one in shown if one not in printed]
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
        for line in _lines(validation):
            app.ui.write_line(line)
        app.ui.emit("validate", {}, table)
    else:
        app.ui.output = "json" if format_name == "json" else app.ui.output
        app.ui.emit("validate", document(validation), table)
        app.ui.say_table(table)
    if validation.known:
        text = f"not listed: {_errors(validation.known)} known from {validation.baseline}"
        app.ui.say(f"{text}; --output json has all")


def _errors(number: int) -> str:
    """Count errors."""
    return "1 error" if number == 1 else f"{number} errors"


def _lines(validation: Validation) -> Sequence[str]:
    """Format each finding once, in the style of compilers."""
    return [
        f"{finding.location}: {finding.severity}: {finding.rule + ': ' if finding.rule else ''}"
        f"{' '.join(finding.message.split())} [{', '.join(checks)}]"
        for finding, checks in listed(validation.checks).items()
    ]


def _table(validation: Validation) -> Table:
    """The table of all checks."""
    return Table(_COLUMNS, rows(validation))


def _summarise(app: AppContext, validation: Validation) -> None:
    """Append to the job summary of GitHub Actions, where there is one."""
    page = app.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(markdown(validation))


def _again(baseline: Path | None) -> list[str | Path]:
    """The words that name the baseline."""
    return ["--baseline", baseline] if baseline else []


def _failure(validation: Validation, given: Sequence[str | Path]) -> CheckFailedError:
    """Count the errors, and show the command that repeats only the failed checks."""
    found = [one for one in grouped(validation.failed) if one.fails]
    names = [check.name for check in validation.failed]
    text = f"{_errors(len(found))} from {', '.join(names)}"
    words = ["gradectl", "validate", *map(str, given)]
    words += [word for name in names for word in ("--only", name)]
    return CheckFailedError(text, where=found[0].location, next_step=shlex.join(words))
