"""`gradectl function`: push, run, list and delete functions."""

from __future__ import annotations

import getpass
import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.environment import near
from gradectl.errors import DeadlineError, ExitCode, GradectlError, UsageError
from gradectl.functions.answer_table import answer_table, was_taken_for_submission
from gradectl.functions.folder import FunctionFolder, read_function
from gradectl.functions.listing import describe_function, function_table
from gradectl.job_table import jobs_of
from gradectl.options import group
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.client.client import send_request
from grader.client.functions import (
    StoredFunction,
    delete_function,
    make_function_request,
    stored_functions,
    stored_manifest,
    upload_function,
)
from grader.client.results import wait_for
from grader.contract.bucket import function_prefix
from grader.contract.functions import FunctionRequest, FunctionResult, FunctionStatus
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.errors import GraderError, NoResultError, RequestError
from grader.functions.memory_tip import MOST_RUNS

#: Default time limit of `run`.
_WAIT_SECONDS = 60.0
_NEWLINE = "\n"

function_id_argument = click.argument("function_id", metavar="NAME", help="Id of the function.")


@group("function", epilog="Example: gradectl function push examples/functions/hello-python")
def function() -> None:
    """Push, run and list functions: small programs that run by name."""


@function.command("push", epilog="Example: gradectl function push examples/functions/hello-python")
@click.argument(
    "directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of one function.",
)
@environment_option
@click.option("--id", "function_id", metavar="NAME", help="Its id; default: the folder's name.")
@pass_context(CloudContext)
def push(
    app: CloudContext, directory: Path, *, environment: str | None, function_id: str | None
) -> None:
    """
    Upload the function in DIRECTORY.

    DIRECTORY has function.yaml with the keys runtime and entry, and, if they are not the defaults,
    memory (256 MB) and timeout (5000 ms). All other files of DIRECTORY belong to the function.
    Workers run the new version within 2 seconds; runs that have begun finish with the old one.
    """
    folder = read_function(directory, function_id)
    target = select_environment(app, environment)
    app.announce(target.environment)
    state = _state(target, folder)
    if not app.options.dry_run:
        upload_function(target.objects, folder.manifest, folder.contents)
    manifest = folder.manifest
    document = {
        "environment": target.name,
        "function_id": manifest.function_id,
        "state": state,
        "dry_run": app.options.dry_run,
        "manifest": json.loads(manifest.to_json()),
    }
    pushed = "would be pushed" if app.options.dry_run else "pushed"
    columns = ("function", "runtime", "files", "memory MB", "timeout ms", "state")
    row = (
        *(manifest.function_id, manifest.runtime, len(manifest.files)),
        *(manifest.memory_mb, manifest.timeout_ms, f"{state}, {pushed}"),
    )
    app.ui.emit("function-push", document, Table(columns, [row]))
    app.ui.say(
        f"next: gradectl function run -e {target.name} {manifest.function_id} --input '{{}}'"
    )


def _state(target: EnvironmentClient, folder: FunctionFolder) -> str:
    """Compare with what is stored."""
    try:
        before = stored_manifest(target.objects, folder.manifest.function_id)
    except RequestError:
        return "repaired"
    if before is None:
        return "new"
    return "unchanged" if before == folder.manifest else "changed"


@function.command(
    "run", epilog="""Example: gradectl function run hello-python --input '{"name": "Ada"}'"""
)
@function_id_argument
@environment_option
@click.option(
    "-i",
    "--input",
    "given",
    default="null",
    metavar="JSON",
    help="Input as JSON, or @FILE for the content of a file; default: null.",
)
@click.option("--priority", is_flag=True, help=f"Send to {PRIORITY_QUEUE}.")
@click.option("--user", metavar="ID", help="User id of the request; default: your login name.")
@pass_context(CloudContext)
def run(  # noqa: PLR0913 - one parameter for each option
    app: CloudContext,
    function_id: str,
    *,
    environment: str | None,
    given: str,
    priority: bool,
    user: str | None,
) -> int:
    """
    Run a function in a worker, and show its answer.

    It waits up to --timeout seconds (default: 60) for the answer, and exits with 124 when there is
    none. The exit code is 0 if the function succeeded, otherwise 1.
    """
    queue = PRIORITY_QUEUE if priority else REQUESTS_QUEUE
    try:
        request = make_function_request(
            function_id, _input(given), user_id=_login_name() if user is None else user
        )
    except RequestError as error:
        text = error.what.replace("function_id", "NAME").replace("user_id", "--user")
        raise UsageError(text, where="gradectl function run") from error
    target = select_environment(app, environment)
    app.announce(target.environment)
    _check_exists(target, function_id)
    if app.options.dry_run:
        _emit_run(target, request, queue, None)
        return ExitCode.OK
    with target.broker("web") as broker:
        send_request(broker, queue, request)
    result = _wait(target, request)
    _emit_run(target, request, queue, result)
    if was_taken_for_submission(result):
        app.ui.say(f"the workers of {target.name} do not run functions")
        step = f"set enable_functions in its environment.yaml, then: gradectl apply {target.name}"
        app.ui.say(f"next: {step}")
    answer = result.result
    succeeded = answer is not None and answer.status is FunctionStatus.SUCCESS
    return ExitCode.OK if succeeded else ExitCode.ERROR


def _input(given: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read the value of --input."""
    where = "--input"
    try:
        text = given
        if given.startswith("@"):
            where = given[1:]
            text = Path(where).read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise UsageError(text, where=where, next_step="--input @FILE reads a file") from error
    except (ValueError, RecursionError) as error:
        hint = """quote it for the shell, such as --input '{"name": "Ada"}'"""
        raise UsageError(f"not JSON: {error}", where=where, next_step=hint) from error


def _refuse_constant(name: str) -> float:
    text = f"{name} is not a number of JSON"
    raise ValueError(text)


def _login_name() -> str:
    """The login name; containers may have none."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return "unknown"


def _check_exists(target: EnvironmentClient, function_id: str) -> None:
    """Raise `GradectlError` if a function does not exist."""
    with suppress(RequestError):  # an invalid one fails in the worker, with its reason
        if stored_manifest(target.objects, function_id) is None:
            known = [each.function_id for each in stored_functions(target.objects)]
            hint = f"gradectl function push -e {target.name} DIRECTORY"
            raise GradectlError(
                f"function {function_id!r} not found",
                where=f"{function_prefix(function_id)} in the bucket of {target.name}",
                next_step=near(function_id, known) or hint,
            )


def _wait(target: EnvironmentClient, request: FunctionRequest) -> FunctionResult:
    """Wait for the answer."""
    request_id = request.request_id
    seconds = target.app.options.timeout or _WAIT_SECONDS
    try:
        return wait_for(target.objects, request_id, seconds, model=FunctionResult)
    except (NoResultError, DeadlineError) as error:
        raise DeadlineError(
            f"no answer within {seconds:g} s; the request stays queued",
            where=request_id,
            next_step=f"gradectl result -e {target.name} {request_id}",
        ) from error


def _emit_run(
    target: EnvironmentClient, request: FunctionRequest, queue: str, result: FunctionResult | None
) -> None:
    document = {
        "environment": target.name,
        "request_id": request.request_id,
        "queue": queue,
        "dry_run": target.app.options.dry_run,
        "request": json.loads(request.to_json()),
        "result": json.loads(result.to_json()) if result else None,
    }
    row = (request.request_id, queue, "would be sent")
    table = answer_table(result) if result else Table(("request", "queue", "state"), [row])
    target.app.ui.emit("function-run", document, table)


@function.command("list", epilog="Example: gradectl function list --environment exams")
@environment_option
@pass_context(CloudContext)
def list_functions(app: CloudContext, *, environment: str | None) -> None:
    """
    List the functions with their limits and what their last 20 successful runs used.

    Suggested memory is the next of 16, 32, 64, ... MB above 1.3 times the highest peak. Without a
    connection to the database, runs and suggestions are missing.
    """
    target = select_environment(app, environment)
    found = list(stored_functions(target.objects))
    peaks = _peaks(target, found)
    functions = [describe_function(each, peaks.get(each.function_id)) for each in found]
    document = {"environment": target.name, "functions": functions}
    app.ui.emit("function-list", document, function_table(functions, target.name))


def _peaks(target: EnvironmentClient, found: list[StoredFunction]) -> dict[str, list[int]]:
    """Read the peaks of the last runs; without the database, none is known."""
    if not found:
        return {}
    try:
        with jobs_of(target) as jobs:
            read = partial(jobs.peaks_mb, most=MOST_RUNS)
            return {each.function_id: read(each.function_id) for each in found}
    except (GradectlError, GraderError) as error:
        target.app.ui.warn(f"last runs are not known: {str(error).split(_NEWLINE, maxsplit=1)[0]}")
        return {}


@function.command("delete", epilog="Example: gradectl function delete hello-python")
@function_id_argument
@environment_option
@pass_context(CloudContext)
def delete(app: CloudContext, function_id: str, *, environment: str | None) -> None:
    """
    Delete a function with all its files.

    Requests for it are then answered with NOT_FOUND; runs that have begun finish.
    """
    target = select_environment(app, environment)
    app.announce(target.environment)
    _check_exists(target, function_id)
    if app.options.dry_run:
        count = sum(1 for _ in target.objects.list(function_prefix(function_id)))
    else:
        app.ui.confirm(f"Delete the function {function_id} of {target.name}?")
        count = delete_function(target.objects, function_id)
    deleted = "would be deleted" if app.options.dry_run else "deleted"
    document = {
        "environment": target.name,
        "function_id": function_id,
        "dry_run": app.options.dry_run,
        "objects": count,
    }
    table = Table(("function", "objects", "state"), [(function_id, count, deleted)])
    app.ui.emit("function-delete", document, table)
