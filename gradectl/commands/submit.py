"""`gradectl submit`."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.environment import near
from gradectl.errors import DeadlineError, ExitCode, UsageError
from gradectl.options import command
from gradectl.submissions.result_table import result_table
from gradectl.submissions.submit import check_problem_exists, invalid_option, read_source_file
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.client.client import send_request
from grader.client.results import wait_for_result
from grader.client.submission import Limits, Source, make_request, upload_source
from grader.contract.messages import GradingRequest
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.contract.verdicts import Status
from grader.errors import NoResultError, RequestError
from grader.languages import LANGUAGES, find

#: Default time limit of --wait.
_WAIT_SECONDS = 300.0


@command("submit", epilog="Example: gradectl submit --problem sum --language python a.py --wait")
@click.argument("file", type=click.Path(path_type=Path), help="Source file of the program.")
@environment_option
@click.option("-p", "--problem", "problem_id", required=True, metavar="ID", help="Problem id.")
@click.option(
    "-l",
    "--language",
    required=True,
    metavar="NAME",
    help=f"One of: {', '.join(each.name for each in LANGUAGES)}.",
)
@click.option(
    "--any-language",
    is_flag=True,
    help="Also send languages that this version of gradectl does not know.",
)
@click.option("--wait", is_flag=True, help="Wait for the result and show it.")
@click.option("--priority", is_flag=True, help=f"Send to {PRIORITY_QUEUE}.")
@click.option(
    "--time-limit",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    metavar="MS",
    help="CPU milliseconds per test case.",
)
@click.option(
    "--memory-limit",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    metavar="MB",
    help="Memory per test case.",
)
@click.option("--user", metavar="ID", help="User id of the submission; default: your login name.")
@pass_context(CloudContext)
def submit(  # noqa: PLR0913 - one parameter for each option
    app: CloudContext,
    file: Path,
    *,
    environment: str | None,
    problem_id: str,
    language: str,
    any_language: bool,
    wait: bool,
    priority: bool,
    time_limit: int,
    memory_limit: int,
    user: str | None,
) -> int:
    """
    Submit the program in FILE for grading.

    It prints the request id. With --wait it waits up to --timeout seconds (default: 300) for the
    verdict, and exits with 124 when there is none. Any verdict is exit code 0; a request that could
    not be graded is 1.
    """
    source = read_source_file(file)
    if not any_language:
        _check_language(language)
    target = select_environment(app, environment)
    try:
        request = make_request(
            bucket=target.bucket,
            problem_id=problem_id,
            language=language,
            source=source,
            limits=Limits(time_limit, memory_limit),
            user_id=user or _login_name(),
        )
    except RequestError as error:
        raise invalid_option(error) from error
    queue = PRIORITY_QUEUE if priority else REQUESTS_QUEUE
    if not _send(target, request, source, queue):
        return _emit_request(target, request, queue, "would be sent")
    return _wait(target, request) if wait else _emit_request(target, request, queue, "sent")


def _send(target: EnvironmentClient, request: GradingRequest, source: Source, queue: str) -> bool:
    """Upload the source and send the request; returns False in a dry run."""
    target.app.announce(target.environment)
    check_problem_exists(target.objects, request.problem_id, target.name)
    if target.app.options.dry_run:
        return False
    with target.broker("web") as broker:  # reached before anything is stored
        try:
            upload_source(target.objects, request, source)
            send_request(broker, queue, request)
        except DeadlineError as error:
            text = "the --timeout expired; the request may have been sent"
            raise _expired(target, request, text) from error
    return True


def _expired(target: EnvironmentClient, request: GradingRequest, text: str) -> DeadlineError:
    """The error of an expired --timeout, with the command that looks for the request."""
    hint = f"gradectl result -e {target.name} {request.request_id}"
    return DeadlineError(text, where=request.request_id, next_step=hint)


def _login_name() -> str:
    """The login name; containers may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _check_language(language: str) -> None:
    """Reject languages that no worker of this version knows."""
    try:
        find(language)
    except RequestError as error:
        known = [name for each in LANGUAGES for name in (each.name, *each.aliases)]
        hint = near(language, known) or "add --any-language to send it anyway"
        raise UsageError(error.what, where="--language", next_step=hint) from error


def _emit_request(
    target: EnvironmentClient, request: GradingRequest, queue: str, state: str
) -> int:
    """Write the request id."""
    document = {
        "environment": target.name,
        "request_id": request.request_id,
        "queue": queue,
        "state": state,
        "request": json.loads(request.to_json()),
    }
    row = [request.request_id, queue, state]
    target.app.ui.emit("submit", document, Table(["request", "queue", "state"], [row]))
    if not target.app.options.dry_run:
        target.app.ui.say(f"next: gradectl result -e {target.name} {request.request_id}")
    return ExitCode.OK


def _wait(target: EnvironmentClient, request: GradingRequest) -> int:
    """Wait for the result and write it."""
    target.app.ui.say(f"sent {request.request_id}, waiting for its result")
    seconds = target.app.options.timeout or _WAIT_SECONDS
    try:
        result = wait_for_result(target.objects, request.request_id, seconds)
    except (NoResultError, DeadlineError) as error:
        text = f"no result within {seconds:g} s; the request stays queued"
        raise _expired(target, request, text) from error
    document = {
        "environment": target.name,
        "request_id": request.request_id,
        "result": json.loads(result.to_json()),
    }
    target.app.ui.emit("result", document, result_table(result))
    return ExitCode.OK if result.status is Status.COMPLETED else ExitCode.ERROR
