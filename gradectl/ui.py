"""Terminal output: data on stdout, messages on stderr. The only file that uses rich."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getpass
from typing import Any, TextIO

import yaml
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from gradectl.errors import RefusedError
from grader.text import escape_controls

SCHEMA_VERSION = 1
#: Width without a terminal, where rich would wrap at 80 columns.
_UNBOUNDED = 10_000
#: Behind each column; the last one has one column less.
_GAP = 2
#: Longer cells are cut in tables; such a cell is a text of somebody else and no id.
_LONGEST_CELL = 2_000
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Table:
    """
    A table for people; cells are shown as plain text. Without rows, only the title is shown.

    Where the columns do not fit the terminal without cutting words, each row becomes a block of
    lines with the first cell as its head. `text` follows below the table, its lines never wrapped.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""
    text: str = ""


class Ui:
    """
    The two streams of one command.

    Args:
        output: `table`, `json` or `yaml`.
        environ: The process environment, for NO_COLOR, FORCE_COLOR, TERM and CI.
        may_ask: False to never ask questions.
        assume_yes: True to answer yes-or-no questions with yes.
    """

    def __init__(
        self,
        output: str,
        environ: Mapping[str, str],
        *,
        may_ask: bool = True,
        assume_yes: bool = False,
    ) -> None:
        self.output = output
        self._stdout = sys.stdout
        self._out = _console(self._stdout, environ)
        self._err = _console(sys.stderr, environ)
        self._may_ask = may_ask
        self._assume_yes = assume_yes
        self.animated = self._err.is_terminal and not (
            self._err.is_dumb_terminal or environ.get("CI")
        )

    def say(self, text: str, style: str = "") -> None:
        """Print a message on stderr; `style` is a colour or `bold`."""
        self._err.print(Text(escape_controls(text), style=style), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning on stderr."""
        self.say(f"warning: {text}", "yellow")

    def write(self, text: str) -> None:
        """Write data in a format of its own, such as JUnit, to stdout."""
        self._stdout.write(text)
        self._stdout.flush()

    def write_line(self, text: str) -> None:
        """Write a line of data from elsewhere to stdout, with control characters escaped."""
        self.write(escape_controls(text) + "\n")

    def emit(self, kind: str, document: Mapping[str, Any], table: Table) -> None:
        """
        Write the data of the command to stdout, in the format of --output.

        Args:
            kind: Name of the document's schema, kebab-case.
            document: The data for programs; `schema_version` and `kind` are added.
            table: The data for people.
        """
        self.emit_exactly({"schema_version": SCHEMA_VERSION, "kind": kind, **document}, table)

    def emit_exactly(self, document: Mapping[str, Any], table: Table) -> None:
        """
        Write data as `emit` does, in a document whose members another program has fixed.

        Args:
            document: The data for programs; nothing is added.
            table: The data for people.
        """
        if self.output == "json":
            self._stdout.write(_json(document, indent=2) + "\n")
        elif self.output == "yaml":
            plain = json.loads(_json(document))
            self._stdout.write(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
        else:
            _show(self._out, table)
        self._stdout.flush()

    def stream(self, kind: str, document: Mapping[str, Any]) -> None:
        """Write one event of a long command to stdout as a line of JSON, with --output json."""
        if self.output == "json":
            full = {"schema_version": SCHEMA_VERSION, "kind": kind, **document}
            self.write(_json(full) + "\n")

    def say_table(self, table: Table) -> None:
        """Print a table on stderr."""
        _show(self._err, table)

    def confirm(self, question: str) -> None:
        """
        Ask for confirmation.

        Raises:
            RefusedError: The answer was no, or no question can be asked.
        """
        if self._assume_yes:
            return
        if self._answer(f"{question} [y/N] ", "add --yes to confirm it").lower() not in (
            "y",
            "yes",
        ):
            text = "not confirmed; nothing was changed"
            raise RefusedError(text, where=question, next_step="answer y, or add --yes")

    def offer(self, question: str) -> bool | None:
        """
        Ask whether to do something that can also be left.

        Returns:
            The answer; yes with --yes, None when no question can be asked.
        """
        if self._assume_yes:
            return True
        if not (self._may_ask and sys.stdin.isatty()):
            return None
        return self._answer(f"{question} [y/N] ", "add --yes").lower() in ("y", "yes")

    def confirm_name(self, question: str, name: str, given: str | None) -> None:
        """
        Ask the user to type a name, before an irreversible operation.

        Args:
            question: The operation.
            name: The name that must be typed.
            given: Value of --confirm; None to ask.

        Raises:
            RefusedError: Another name was typed, or no question can be asked.
        """
        hint = f"add --confirm {name}"
        answer = given if given is not None else self._answer(f"{question}\nType {name}: ", hint)
        if answer != name:
            text = f"{answer!r} is not {name!r}; nothing was changed"
            raise RefusedError(text, next_step=hint)

    def ask_secret(self, question: str, otherwise: str) -> str:
        """
        Ask for a secret, twice, without showing what is typed.

        Args:
            question: What to type.
            otherwise: The next step when no question can be asked.

        Raises:
            RefusedError: No question can be asked, nothing was typed, or the two answers differ.
        """
        if not (self._may_ask and sys.stdin.isatty()):
            text = "a secret is needed, but there is no terminal to ask for it"
            raise RefusedError(text, next_step=otherwise)
        try:
            first = getpass(escape_controls(f"{question}: "))
            same = not first or getpass("Again: ") == first
        except EOFError:
            first, same = "", True
        if not (first and same):
            text = "the two answers differ" if first else "nothing was typed"
            raise RefusedError(f"{text}; nothing was changed", next_step="run it again")
        return first

    def ask(self, question: str, otherwise: str) -> str:
        """
        Ask for a value.

        Args:
            question: The question, without a colon.
            otherwise: The option that answers it, for the error.

        Raises:
            RefusedError: No question can be asked.
        """
        return self._answer(f"{question}: ", otherwise)

    def _answer(self, question: str, otherwise: str) -> str:
        """Read one line from the terminal."""
        if not (self._may_ask and sys.stdin.isatty()):
            text = f"confirmation needed, but there is no terminal to ask: {question.strip()}"
            raise RefusedError(text, next_step=otherwise)
        try:
            return self._err.input(Text(escape_controls(question))).strip()
        except EOFError:
            return ""

    @contextmanager
    def live(self) -> Iterator[Callable[[Sequence[str]], None]]:
        """Yield a function that replaces the live lines; it does nothing without a terminal."""
        if not self.animated:
            yield lambda _lines: None
            return
        with Live(console=self._err, auto_refresh=False, transient=True) as view:
            yield lambda lines: view.update(Text(escape_controls("\n".join(lines))), refresh=True)


def _console(stream: TextIO, environ: Mapping[str, str]) -> Console:
    """Create a console that follows NO_COLOR and FORCE_COLOR and does not wrap piped output."""
    dumb = environ.get("TERM") == "dumb"
    plain = bool(environ.get("NO_COLOR")) or dumb
    forced = bool(environ.get("FORCE_COLOR")) and not plain
    return Console(
        file=stream,
        color_system=None if plain else ("standard" if forced else "auto"),
        no_color=plain,
        force_terminal=True if forced else stream.isatty(),
        width=None if stream.isatty() else _UNBOUNDED,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _json(document: Mapping[str, Any], indent: int | None = None) -> str:
    """
    Format a document as JSON that every parser reads and every stream can encode.

    NaN and infinities, which JSON lacks, become null; lone surrogates stay escaped.
    """
    try:
        text = json.dumps(document, indent=indent, default=str, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(document), indent=indent, default=str, ensure_ascii=False)
    return _SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Replace the numbers that JSON lacks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _show(console: Console, table: Table) -> None:
    """Print a table without empty lines and trailing spaces."""
    if table.title:  # rich would wrap its own title to the width of the table
        console.print(Text(escape_controls(table.title), style="bold"), soft_wrap=True)
    if table.rows or not table.title:
        _show_rows(console, table)
    if table.text:
        console.print(Text(escape_controls(table.text)), soft_wrap=True)


def _show_rows(console: Console, table: Table) -> None:
    cells = [[_cell(value) for value in row] for row in table.rows]
    widths = _widths(table.columns, cells, console.width)
    if widths is None:
        for row in cells:
            console.print(Text(_block(table.columns, row)), soft_wrap=True)
        return
    with console.capture() as captured:
        console.print(_laid_out(table.columns, cells, widths))
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def _cell(value: object) -> str:
    """Format a cell; a very long one is cut."""
    text = escape_controls(str(value))
    if len(text) <= _LONGEST_CELL:
        return text
    return f"{text[:_LONGEST_CELL]}... ({len(text)} characters)"


def _widths(
    columns: Sequence[str], cells: Sequence[Sequence[str]], available: int
) -> list[int] | None:
    """
    Distribute the width of the terminal.

    Returns:
        The width of each column, at least that of its longest word; None where these do not fit.
    """
    by_column = [[name, *(row[at] for row in cells)] for at, name in enumerate(columns)]
    least = [max((cell_len(word) for text in texts for word in text.split()), default=0)
             for texts in by_column]  # fmt: skip
    natural = [max((cell_len(line) for text in texts for line in text.split("\n")), default=0)
               for texts in by_column]  # fmt: skip
    left = available - (_GAP * len(columns) - 1) - sum(least)
    if left < 0:
        return None
    widths = list(least)
    open_columns = sorted(range(len(columns)), key=lambda at: natural[at] - least[at])
    for done, at in enumerate(open_columns):
        more = min(max(natural[at] - least[at], 0), left // (len(columns) - done))
        widths[at] += more
        left -= more
    return widths


def _block(columns: Sequence[str], row: Sequence[str]) -> str:
    """Format a row as lines; the first cell is the head, empty cells are omitted."""
    label = max(map(len, columns[1:]), default=0)
    lines = [row[0]]
    for name, text in zip(columns[1:], row[1:], strict=False):
        if text:
            indented = text.replace("\n", "\n" + " " * (label + 4))
            lines.append(f"  {name:<{label}}  {indented}")
    return "\n".join(lines)


def _laid_out(
    columns: Sequence[str], cells: Sequence[Sequence[str]], widths: Sequence[int]
) -> RichTable:
    """Convert a table to rich's type, without markup in its cells."""
    laid_out = RichTable(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        # Folded instead of cut: a shortened id is useless.
        laid_out.add_column(Text(column), overflow="fold", width=width)
    for row in cells:
        laid_out.add_row(*(Text(text) for text in row))
    return laid_out
