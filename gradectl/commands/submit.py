"""`gradectl submit`."""

from __future__ import annotations

import getpass
import json
import secrets
from collections.abc import Sequence
from pathlib import Path

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_option
from gradectl.context import pass_context
from gradectl.environment import near
from gradectl.errors import DeadlineError, EndingError, ExitCode, GradectlError, UsageError
from gradectl.options import command
from gradectl.submissions.batch import Batch, Entry, unfinished
from gradectl.submissions.folder import Program, read_folder
from gradectl.submissions.result_table import headline, result_table
from gradectl.submissions.submit import check_problem_exists, invalid_option, read_source_file
from gradectl.target import EnvironmentClient, select_environment
from gradectl.ui import Table
from grader.client.client import send_request
from grader.client.results import stored_result, wait_for_result
from grader.client.submission import Limits, Source, make_request, upload_source
from grader.contract.messages import GradingRequest
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.contract.verdicts import Status
from grader.errors import GraderError, NoResultError, RequestError
from grader.languages import LANGUAGES, find

#: Default time limit of --wait.
_WAIT_SECONDS = 300.0
#: The language of a file extension; of several, the newest, as for `cpp`.
LANGUAGE_OF = {each.extension: each.name for each in LANGUAGES}


@command("submit", epilog="Example: gradectl submit --problem sum --language python a.py --wait")
@click.argument(
    "file", type=click.Path(path_type=Path), help="Source file of the program, or a folder of them."
)
@environment_option
@click.option(
    "-p",
    "--problem",
    "problem_id",
    metavar="ID",
    help="Problem id; without it, each sub-folder of a folder is named after its problem.",
)
@click.option(
    "-l",
    "--language",
    metavar="NAME",
    help=f"One of: {', '.join(each.name for each in LANGUAGES)}. Default: by the extension.",
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
@click.option("--again", is_flag=True, help="Grade the files of a folder anew, with new ids.")
@pass_context(CloudContext)
def submit(  # noqa: PLR0913 - one parameter for each option
    app: CloudContext,
    file: Path,
    *,
    environment: str | None,
    problem_id: str | None,
    language: str | None,
    any_language: bool,
    wait: bool,
    priority: bool,
    time_limit: int,
    memory_limit: int,
    user: str | None,
    again: bool,
) -> int:
    """
    Submit the program in FILE for grading, or every program of a folder.

    It prints the request id. With --wait it waits up to --timeout seconds (default: 300) for the
    verdict, and exits with 124 when there is none. Any verdict is exit code 0; a request that could
    not be graded is 1.

    A folder has the files of one --problem, or a sub-folder PROBLEM for each problem. When a file
    cannot be submitted, nothing is sent. With --wait at most 16 requests are without a result at a
    time, and 300 seconds without any result end the command. Repeated, it sends only what has no
    result yet: a file that did not change keeps its request id, unless --again is given.
    """
    queue = PRIORITY_QUEUE if priority else REQUESTS_QUEUE
    limits, user_id = Limits(time_limit, memory_limit), user or _login_name()
    if language and not any_language:
        _check_language(language)
    if file.is_dir():
        programs = read_folder(file, LANGUAGE_OF, problem_id, language)
        target = select_environment(app, environment)
        salt = secrets.token_hex(8) if again else ""
        entries = [_entry(target, each, limits, user_id, salt) for each in programs]
        return _submit_all(target, entries, queue, wait=wait)
    source, problem_id, language = _one(file, problem_id, language)
    target = select_environment(app, environment)
    request = _request(
        target, limits, user_id, source=source, problem_id=problem_id, language=language
    )
    if not _send(target, request, source, queue):
        return _emit_request(target, request, queue, "would be sent")
    return _wait(target, request) if wait else _emit_request(target, request, queue, "sent")


def _one(file: Path, problem_id: str | None, language: str | None) -> tuple[Source, str, str]:
    """Read a single source file; its problem must be given, its language may be."""
    source = read_source_file(file)
    language = language or LANGUAGE_OF.get(source.extension)
    if problem_id is None or language is None:
        option = "--problem" if problem_id is None else "--language"
        raise UsageError(f"{option} is missing", where=str(file), next_step=f"add {option}")
    return source, problem_id, language


def _request(  # noqa: PLR0913 - the values of a submission
    target: EnvironmentClient,
    limits: Limits,
    user_id: str,
    *,
    source: Source,
    problem_id: str,
    language: str,
    request_id: str | None = None,
) -> GradingRequest:
    """Make the request of a submission."""
    try:
        return make_request(
            bucket=target.bucket,
            problem_id=problem_id,
            language=language,
            source=source,
            limits=limits,
            user_id=user_id,
            request_id=request_id,
        )
    except RequestError as error:
        raise invalid_option(error) from error


def _entry(
    target: EnvironmentClient, program: Program, limits: Limits, user_id: str, salt: str
) -> Entry:
    """Make the submission of one program of a folder."""
    request = _request(
        target,
        limits,
        user_id,
        source=program.source,
        problem_id=program.problem_id,
        language=program.language,
        request_id=program.request_id(user_id, limits, salt),
    )
    return Entry(program, request)


def _submit_all(
    target: EnvironmentClient, entries: Sequence[Entry], queue: str, *, wait: bool
) -> int:
    """Submit the programs of a folder, and sum up."""
    target.app.announce(target.environment)
    store = target.objects
    for problem_id in sorted({each.request.problem_id for each in entries}):
        check_problem_exists(store, problem_id, target.name)
    if target.app.options.dry_run:
        _emit_all(target, entries, queue, "would be sent")
        return ExitCode.OK
    numbers = {each.program.name: number for number, each in enumerate(entries, 1)}
    with target.broker("web") as broker:

        def send(entry: Entry) -> None:
            upload_source(store, entry.request, entry.program.source)
            send_request(broker, queue, entry.request)

        def tell(entry: Entry) -> None:
            about = f"sent as {entry.request.request_id}"
            if entry.result:
                about = headline(entry.result) + ("" if entry.sent else ", graded before")
            name = entry.program.name
            target.app.ui.say(f"{numbers[name]} of {len(entries)}: {name}: {about}")

        batch = Batch(send, lambda request_id: stored_result(store, request_id), tell)
        try:
            batch.run(entries, wait=wait)
        except (EndingError, KeyboardInterrupt, GraderError, GradectlError):
            _say_how_to_go_on(target, entries)
            raise
    _emit_all(target, entries, queue)
    if not wait:
        _say_how_to_go_on(target, entries)
    failed = any(each.result and each.result.status is not Status.COMPLETED for each in entries)
    return ExitCode.ERROR if failed else ExitCode.OK


def _say_how_to_go_on(target: EnvironmentClient, entries: Sequence[Entry]) -> None:
    """Name the requests without a result, and the command that goes on."""
    sent = " ".join(unfinished(entries))
    if sent:
        target.app.ui.say(f"sent, without a result yet: {sent}")
        target.app.ui.say(f"next: gradectl result -e {target.name} {sent}")
    target.app.ui.say("without --again, the same command sends only what has no result yet")


def _emit_all(
    target: EnvironmentClient, entries: Sequence[Entry], queue: str, state: str = ""
) -> None:
    """Write a line for each program of a folder."""
    rows = []
    for each in entries:
        grade, error = (each.result.result, each.result.error) if each.result else (None, None)
        outcome = grade.verdict if grade else (error.code if error else state or each.state)
        score = grade.score if grade else ""
        rows.append((each.program.name, each.request.request_id, outcome, score))
    graded = sum(each.result is not None for each in entries)
    title = f"{graded} of {len(entries)} programs of {target.name} have a result"
    document = {
        "environment": target.name,
        "queue": queue,
        "submissions": [
            {
                "file": each.program.name,
                "request_id": each.request.request_id,
                "state": state or each.state,
                "request": json.loads(each.request.to_json()),
                "result": json.loads(each.result.to_json()) if each.result else None,
            }
            for each in entries
        ],
    }
    table = Table(("file", "request", "verdict", "score"), rows, title)
    target.app.ui.emit("submissions", document, table)


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
