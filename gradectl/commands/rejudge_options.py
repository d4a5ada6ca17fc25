"""Arguments and options of `gradectl rejudge`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from gradectl.errors import UsageError
from gradectl.monitoring.log_lines import seconds_of
from grader.contract.rejudging import REJUDGING_NAME
from grader.contract.verdicts import ErrorCode, Verdict
from grader.errors import RequestError
from grader.languages import LANGUAGES, find
from grader.ports.finished import JobConditions

_OUTCOMES = (*Verdict, *ErrorCode)


@dataclass(frozen=True)
class SelectedJobs:
    """
    The jobs that the options select.

    Args:
        conditions: For the database.
        request_ids: Only these; None for all.
        given: The options as they were given, by which the same command is recognized.
    """

    conditions: JobConditions
    request_ids: tuple[str, ...] | None = None
    given: dict[str, Any] = field(default_factory=dict)


def checked_name(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:  # noqa: ARG001 - click's signature
    """
    Return the name of a rejudging.

    Raises:
        UsageError: It has other characters than a name may have.
    """
    if name is None or REJUDGING_NAME.fullmatch(name):
        return name
    raise UsageError(
        f"{name!r} is not a valid name: use 1 to 32 characters of a-z, 0-9 and -, not starting"
        " with -",
        where="--name" if isinstance(param, click.Option) else "NAME",
        next_step="write one such as sum-again; gradectl rejudge list shows those that exist",
    )


#: NAME of a rejudging.
name_argument = click.argument(
    "name", callback=checked_name, help="Name of a rejudging, as start printed it."
)

#: The options of `selection_options`, in the order of the help.
_SELECTION = (
    click.option("-p", "--problem", "problems", multiple=True, metavar="ID", help="A problem."),
    click.option(
        "-l", "--language", "languages", multiple=True, metavar="NAME", help="A language."
    ),
    click.option("--user", "users", multiple=True, metavar="ID", help="A user."),
    click.option(
        "--verdict",
        "outcomes",
        multiple=True,
        metavar="CODE",
        help="A verdict such as WA, or the error code of failed requests; all of these options"
        " are repeatable.",
    ),
    click.option(
        "--since",
        metavar="TIME",
        help="Only submissions first claimed by a worker at or after TIME: an age (2h, 1d), a"
        " date, or a date with time; UTC without an offset.",
    ),
    click.option(
        "--until",
        metavar="TIME",
        help="Only those claimed before TIME; same formats as --since.",
    ),
    click.option(
        "--ids-from",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="Only the request ids in FILE, one a line.",
    ),
    click.option("--all", "every", is_flag=True, help="All finished submissions."),
)


def selection_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that select jobs, passed as one `SelectedJobs`."""

    @wraps(function)
    def with_selection(  # noqa: PLR0913 - one parameter an option
        *args: object,
        problems: tuple[str, ...],
        languages: tuple[str, ...],
        users: tuple[str, ...],
        outcomes: tuple[str, ...],
        since: str | None,
        until: str | None,
        ids_from: Path | None,
        every: bool,
        **others: object,
    ) -> int:
        conditions = JobConditions(
            problems=problems,
            languages=_with_aliases(languages),
            users=users,
            outcomes=_known_outcomes(outcomes),
            since=_moment(since, "--since"),
            until=_moment(until, "--until"),
        )
        request_ids = _read_ids(ids_from)
        given = {
            **asdict(conditions), "since": since, "until": until, "all": every,
            "ids": request_ids and sha256("\n".join(request_ids).encode()).hexdigest()[:16],
        }  # fmt: skip
        given = {key: value for key, value in given.items() if value}
        if not given or (every and len(given) > 1):
            _refuse(given)
        listed = {key: list(v) if isinstance(v, tuple) else v for key, v in given.items()}
        selected = SelectedJobs(conditions, request_ids, listed)
        return function(*args, selected=selected, **others)

    selecting: Callable[..., int] = with_selection
    for option in reversed(_SELECTION):
        selecting = option(selecting)
    return selecting


def _refuse(given: dict[str, Any]) -> None:
    """Ask for conditions, or for none."""
    text = "--all and a condition exclude each other" if given else "nothing selects submissions"
    hint = "add at least one of --problem, --language, --user, --verdict, --since, --until and"
    raise UsageError(
        text, where="gradectl rejudge start", next_step=f"{hint} --ids-from, or --all alone"
    )


def _with_aliases(languages: tuple[str, ...]) -> tuple[str, ...]:
    """Add the other names of languages, because a row has the one of the request."""
    found: list[str] = []
    for name in languages:
        try:
            language = find(name)
        except RequestError as error:
            known = ", ".join(each.name for each in LANGUAGES)
            raise UsageError(
                f"unknown language {name!r}", where="--language", next_step=f"one of {known}"
            ) from error
        found += [language.name, *language.aliases]
    return tuple(dict.fromkeys(found))


def _known_outcomes(outcomes: tuple[str, ...]) -> tuple[str, ...]:
    """Check verdicts and error codes, in any case."""
    wanted = tuple(each.upper() for each in outcomes)
    unknown = sorted(set(wanted) - set(_OUTCOMES))
    if unknown:
        raise UsageError(
            f"not a verdict or error code: {', '.join(unknown)}",
            where="--verdict",
            next_step=f"one of {', '.join(Verdict)}, or a code such as {ErrorCode.CHECKER_FAILED}",
        )
    return wanted


def _moment(text: str | None, option: str) -> datetime | None:
    """Parse a time, or an age."""
    if text is None:
        return None
    seconds = seconds_of(text)
    if seconds is not None:
        return datetime.now(UTC) - timedelta(seconds=seconds)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a time",
            where=option,
            next_step="write 2h, 1d, 2026-11-30 or 2026-11-30T14:00+09:00",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_ids(path: Path | None) -> tuple[str, ...] | None:
    """Read request ids, one a line."""
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "cannot be read as text", where=str(path), next_step="write one request id a line"
        ) from error
    found = tuple(sorted({line.strip() for line in lines if line.strip()}))
    if not found:
        raise UsageError("no request id in it", where=str(path), next_step="write one id a line")
    return found
