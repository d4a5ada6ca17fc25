"""
Grades a folder of students' repositories by the HTTP API, and writes grades.csv.

    python grade_course.py course.toml students/

Each folder in `students/` is one student: a git repository, of which the newest commit of the
branch that is checked out is graded, or a plain folder. A second run sends only what is new: the
state file next to the CSV knows what was sent, and a batch that was interrupted is repeated with
its key. Exit code: 0 graded, 2 a wrong call, 75 the API is away or results are missing.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.client import HttpGradingClient, Limits, Program, Source, open_http_client
from grader.client.http import LARGEST_BATCH, LARGEST_IN_BODY
from grader.client.submission import MAX_SOURCE_BYTES
from grader.contract.submissions import Submission
from grader.errors import GraderError, RequestError

COLUMNS = ("student", "problem", "verdict", "score", "commit", "submitted at", "note")
#: Sources of a batch, as base64 and with their fields below the largest body of the API, 2 MiB.
BATCH_BYTES = 1 << 20
ROW_BYTES = 512
#: A spreadsheet takes cells that begin with these for formulas.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Problem:
    """A problem of the course, and the file of a student's folder that is submitted for it."""

    id: str
    file: str
    language: str
    limits: Limits | None


@dataclass(frozen=True)
class Course:
    """The course; with `names_users` the student's folder is the user id."""

    problems: tuple[Problem, ...]
    names_users: bool


@dataclass(frozen=True)
class Task:
    """One program of one student; without a source there is a note that says why."""

    student: str
    problem: Problem
    commit: str
    source: bytes
    note: str = ""

    @property
    def key(self) -> str:
        """What makes it the same program for the same problem."""
        limits = self.problem.limits or Limits()
        parts = (
            *(self.student, self.commit, self.problem.id, self.problem.file),
            *(self.problem.language, str(limits.time_ms), str(limits.memory_mb)),
        )
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def read_course(path: Path) -> Course:
    """Read course.toml; raises `ValueError` for a field that is missing or wrong."""
    document = tomllib.loads(path.read_text("utf-8"))
    users = document.get("users", "student")
    if users not in ("student", "key"):
        raise ValueError(f"{path}: users: {users!r}; allowed are: student, key")
    problems = []
    for number, each in enumerate(document.get("problems", [])):
        missing = {"id", "file", "language"} - set(each)
        if missing:
            raise ValueError(f"{path}: problems.{number}: {', '.join(sorted(missing))} is missing")
        if Path(each["file"]).is_absolute() or ".." in Path(each["file"]).parts:
            raise ValueError(f"{path}: problems.{number}.file: must be inside the student's folder")
        if ("time_ms" in each) != ("memory_mb" in each):
            raise ValueError(f"{path}: problems.{number}: time_ms and memory_mb go together")
        is_limited = "time_ms" in each
        limits = Limits(int(each["time_ms"]), int(each["memory_mb"])) if is_limited else None
        problems.append(Problem(str(each["id"]), str(each["file"]), str(each["language"]), limits))
    if not problems:
        raise ValueError(f"{path}: it has no [[problems]]")
    return Course(tuple(problems), users == "student")


def find_tasks(course: Course, students: Path) -> Iterator[Task]:
    """Yield the programs of all students, in the order of their folders' names."""
    for folder in sorted(each for each in students.iterdir() if each.is_dir()):
        if folder.name.startswith("."):
            continue
        commit = git_commit(folder)
        for problem in course.problems:
            yield one_task(folder, problem, commit)


def one_task(folder: Path, problem: Problem, commit: str | None) -> Task:
    """Read the program of a student; of a repository that of its commit."""
    name = printable(folder.name)
    source = git_file(folder, commit, problem.file) if commit else plain_file(folder, problem.file)
    version = commit or (f"sha256:{hashlib.sha256(source).hexdigest()[:12]}" if source else "")
    if source is None:
        return Task(name, problem, version, b"", f"no file {problem.file}")
    if not 0 < len(source) <= MAX_SOURCE_BYTES:
        return Task(
            name, problem, version, b"", f"{len(source)} bytes; 1 to {MAX_SOURCE_BYTES} allowed"
        )
    return Task(name, problem, version, source)


def git_commit(folder: Path) -> str | None:
    """Return the newest commit of a repository; None for a plain folder."""
    if not (folder / ".git").exists():
        return None
    return git(folder, "rev-parse", "--verify", "HEAD").decode().strip() or None


def git_file(folder: Path, commit: str, file: str) -> bytes | None:
    """Return a file of a commit; None without one, also for a link or a folder."""
    entry = git(folder, "ls-tree", "-z", commit, "--", f":(literal){file}").decode(errors="replace")
    mode, _, rest = entry.partition(" ")
    if not mode.startswith("100"):
        return None
    return git(folder, "cat-file", "blob", rest.split()[1])


def git(folder: Path, *arguments: str) -> bytes:
    """Run git on a student's repository, which may not run programs; b"" if git fails."""
    done = subprocess.run(
        ["git", f"--git-dir={folder / '.git'}", "-c", "core.hooksPath=/dev/null", *arguments],
        env={**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"},
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else b""


def plain_file(folder: Path, file: str) -> bytes | None:
    """Return a file of a plain folder; None without one, and for one outside it by a link."""
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    with path.open("rb") as opened:
        return opened.read(MAX_SOURCE_BYTES + 1)


class State:
    """What was sent: request id and batch id by key, and the batch that was not answered yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        self.sent: dict[str, list[str]] = found.get("sent", {})
        self.pending: dict[str, Any] | None = found.get("pending")

    def save(self) -> None:
        """Replace the file as a whole."""
        new = self._path.with_name(self._path.name + ".new")
        new.write_text(json.dumps({"sent": self.sent, "pending": self.pending}), "utf-8")
        new.replace(self._path)


def program_of(task: Task, *, names_users: bool) -> Program:
    """Make the program of a task."""
    name = Path(task.problem.file).name
    return Program(
        task.problem.id,
        task.problem.language,
        Source(name, task.source),
        task.student if names_users else None,
        task.problem.limits,
    )


def send(client: HttpGradingClient, tasks: Iterable[Task], state: State, course: Course) -> int:
    """Send what was not sent yet; returns how many."""
    before = len(state.sent)
    finish_pending(client, state)
    new = [task for task in tasks if task.source and task.key not in state.sent]
    large = [task for task in new if len(task.source) > LARGEST_IN_BODY]
    for task in large:
        program = program_of(task, names_users=course.names_users)
        request_id = client.submit(
            *(program.problem_id, program.language, program.source),
            user_id=program.user_id,
            limits=program.limits,
            request_id=task.key,
        )
        state.sent[task.key] = [request_id, ""]
        state.save()
    for batch in batches(task for task in new if len(task.source) <= LARGEST_IN_BODY):
        programs = [program_of(task, names_users=course.names_users) for task in batch]
        state.pending = {
            "key": hashlib.sha256("".join(task.key for task in batch).encode()).hexdigest(),
            "keys": [task.key for task in batch],
            "programs": [stored(program) for program in programs],
        }
        state.save()  # before it is sent, so that an interrupted run repeats the same batch
        finish_pending(client, state)
    return len(state.sent) - before


def finish_pending(client: HttpGradingClient, state: State) -> None:
    """Send the batch of the state; a repetition has the same key, so it is sent once."""
    if state.pending is None:
        return
    programs = [restored(each) for each in state.pending["programs"]]
    try:
        sent = client.submit_batch(programs, batch_key=state.pending["key"])
    except RequestError:  # refused as a whole: it would be refused again, also after a correction
        state.pending = None
        state.save()
        raise
    for key, request_id in zip(state.pending["keys"], sent.request_ids, strict=True):
        state.sent[key] = [request_id, sent.batch_id]
    state.pending = None
    state.save()


def stored(program: Program) -> dict[str, Any]:
    """Write a program for the state file."""
    source, limits = program.source, program.limits
    if not isinstance(source, Source):
        raise TypeError("a program of a course has a file")
    return {
        "problem": program.problem_id,
        "language": program.language,
        "file": source.name,
        "content": base64.b64encode(source.content).decode(),
        "user": program.user_id,
        "limits": [limits.time_ms, limits.memory_mb] if limits else None,
    }


def restored(found: Mapping[str, Any]) -> Program:
    """Read a program of the state file."""
    source = Source(found["file"], base64.b64decode(found["content"]))
    limits = Limits(*found["limits"]) if found["limits"] else None
    return Program(found["problem"], found["language"], source, found["user"], limits)


def batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Divide tasks into batches that the API takes."""
    batch: list[Task] = []
    size = 0
    for task in tasks:
        cost = len(task.source) + ROW_BYTES
        if batch and (len(batch) == LARGEST_BATCH or size + cost > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(task)
        size += cost
    if batch:
        yield batch


def read_results(
    client: HttpGradingClient, sent: Iterable[list[str]], seconds: float
) -> dict[str, Submission]:
    """
    Wait until all are final, or the time is over; one call for each batch.

    Args:
        client: The API.
        sent: Request id and batch id of each submission.
        seconds: Longest wait.

    Returns:
        The last state of each, by request id.
    """
    found: dict[str, Submission] = {}
    deadline = time.monotonic() + seconds
    waiting = {each[0]: each[1] for each in sent}
    while waiting:
        for batch_id in set(waiting.values()) - {""}:
            found.update((each.request_id, each) for each in client.batch(batch_id).submissions)
        for request_id in [each for each, batch_id in waiting.items() if not batch_id]:
            document = client.submission(request_id)
            if isinstance(document, Submission):
                found[request_id] = document
        waiting = {
            each: batch_id
            for each, batch_id in waiting.items()
            if each not in found or not found[each].status.is_final
        }
        if not waiting or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return found


def row_of(task: Task, found: Submission | None) -> tuple[str, ...]:
    """Make a row of the CSV."""
    about = (task.student, task.problem.id)
    if not task.source:
        return (*about, "MISSING", "0", task.commit, "", task.note)
    at = found.submitted_at if found else None
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
    if found is not None and found.result is not None:
        result = found.result
        return (*about, str(result.verdict), str(result.score), task.commit, moment, "")
    if found is not None and found.error is not None:
        return (*about, "FAILED", "", task.commit, moment, found.error.message)
    note = f"{found.status}; run it again" if found else "not found; run it again"
    return (*about, "WAITING", "", task.commit, moment, note)


def write_csv(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Write the rows as a whole; cells that a spreadsheet would take for a formula are text."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([defused(cell) for cell in row] for row in rows)
    new.replace(path)


def defused(cell: str) -> str:
    """Put an apostrophe in front of a cell that would be a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def printable(name: str) -> str:
    """Replace what is not text in a file name."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for char in os.fsencode(name).decode(errors="replace")
    )


def summary(rows: Iterable[tuple[str, ...]]) -> str:
    """Count the verdicts of each problem."""
    counts: dict[str, Counter[str]] = {}
    for _, problem, verdict, *_ in rows:
        counts.setdefault(problem, Counter())[verdict] += 1
    return "\n".join(
        f"{problem}: " + ", ".join(f"{verdict} {count}" for verdict, count in sorted(each.items()))
        for problem, each in sorted(counts.items())
    )


def main(
    arguments: list[str],
    open_client: Callable[..., AbstractContextManager[HttpGradingClient]] = open_http_client,
) -> int:
    """Grade a course; returns the exit code."""
    parser = argparse.ArgumentParser(description="Grade a folder of students' repositories.")
    parser.add_argument("course", type=Path, help="course.toml")
    parser.add_argument("students", type=Path, help="folder with one folder for each student")
    parser.add_argument("--output", type=Path, default=Path("grades.csv"), help="the CSV")
    parser.add_argument("--wait", type=float, default=600.0, metavar="SECONDS", help="for results")
    options = parser.parse_args(arguments)
    url, key = os.environ.get("GRADING_API", ""), os.environ.get("GRADING_API_KEY", "")
    try:
        course = read_course(options.course)
        tasks = list(find_tasks(course, options.students))
        state = State(options.output.with_suffix(".state.json"))
        with open_client(url, api_key=key, ca_file=os.environ.get("GRADING_CA_FILE")) as client:
            count = send(client, tasks, state, course)
            print(f"{count} sent, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", file=sys.stderr)
            sent = [state.sent[task.key] for task in tasks if task.source]
            found = read_results(client, sent, options.wait)
        rows = [row_of(task, found.get(state.sent.get(task.key, [""])[0])) for task in tasks]
        write_csv(options.output, rows)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except GraderError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(summary(rows))
    return 75 if any(row[2] == "WAITING" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
