"""Everything a person or a script sees: data on stdout, talk on stderr. The only file with rich."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from gradectl.errors import RefusedError

SCHEMA_VERSION = 1
#: Width where there is no terminal: rich would cut and wrap at 80 columns.
_UNBOUNDED = 10_000


@dataclass(frozen=True)
class Table:
    """Rows for people; cells are shown as text, whatever they hold. Without rows, only a title."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


class Ui:
    """
    The two streams of one command.

    Args:
        output: `table`, `json` or `yaml`.
        environ: The process environment, for NO_COLOR, FORCE_COLOR, TERM and CI.
        may_ask: False when nothing may be asked.
        assume_yes: True when yes-or-no questions are answered already.
    """

    def __init__(
        self,
        output: str,
        environ: Mapping[str, str],
        *,
        may_ask: bool = True,
        assume_yes: bool = False,
    ) -> None:
        """Look at the streams and the environment once."""
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
        """Tell a person something; `style` is a colour or `bold`."""
        self._err.print(Text(printable(text), style=style), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Tell a person something that needs attention."""
        self.say(f"warning: {text}", "yellow")

    def write(self, text: str) -> None:
        """Give data that has a form of its own, such as JUnit's."""
        self._stdout.write(text)
        self._stdout.flush()

    def emit(self, kind: str, document: Mapping[str, Any], table: Table) -> None:
        """
        Give the data of the command.

        Args:
            kind: Name of the document's schema, kebab-case.
            document: The data for programs; `schema_version` and `kind` are added.
            table: The same for people.
        """
        full = {"schema_version": SCHEMA_VERSION, "kind": kind, **document}
        if self.output == "json":
            self._stdout.write(json.dumps(full, indent=2, default=str, ensure_ascii=False) + "\n")
        elif self.output == "yaml":
            plain = json.loads(json.dumps(full, default=str))
            self._stdout.write(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
        else:
            _show(self._out, table)
        self._stdout.flush()

    def say_table(self, table: Table) -> None:
        """Show rows to a person, before the data of the command is there."""
        _show(self._err, table)

    def confirm(self, question: str) -> None:
        """
        Ask for a yes.

        Raises:
            RefusedError: The answer was no, or there is nobody to ask.
        """
        if self._assume_yes:
            return
        if self._answer(f"{question} [y/N] ", "add --yes to answer it").lower() not in ("y", "yes"):
            text = "not confirmed, nothing was changed"
            raise RefusedError(text)

    def confirm_name(self, question: str, name: str, given: str | None) -> None:
        """
        Ask for a name to be typed, before something that cannot be undone.

        Args:
            question: What is about to happen.
            name: What must be typed.
            given: What was given with --confirm, if anything.

        Raises:
            RefusedError: Another name was typed, or there is nobody to ask.
        """
        hint = f"add --confirm {name}"
        answer = given if given is not None else self._answer(f"{question}\nType {name}: ", hint)
        if answer != name:
            text = f"{answer!r} is not {name!r}, nothing was changed"
            raise RefusedError(text, next_step=hint)

    def _answer(self, question: str, otherwise: str) -> str:
        """Read one line from the person, if there is one."""
        if not (self._may_ask and sys.stdin.isatty()):
            text = f"this needs an answer and nobody can be asked: {question.strip()}"
            raise RefusedError(text, next_step=otherwise)
        try:
            return self._err.input(Text(printable(question))).strip()
        except EOFError:
            return ""

    @contextmanager
    def live(self) -> Iterator[Callable[[Sequence[str]], None]]:
        """Give a function that shows lines in place on a terminal, and does nothing elsewhere."""
        if not self.animated:
            yield lambda _lines: None
            return
        with Live(console=self._err, auto_refresh=False, transient=True) as view:
            yield lambda lines: view.update(Text(printable("\n".join(lines))), refresh=True)


def printable(text: str) -> str:
    """Show control characters instead of obeying them: names and messages come from outside."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def _console(stream: TextIO, environ: Mapping[str, str]) -> Console:
    """Make a console that follows the conventions on colour and never cuts what is piped."""
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


def _show(console: Console, table: Table) -> None:
    """Print a table: no line without content, and no space at the end of any."""
    if table.title:  # a title of rich's own would be wrapped to the width of the table
        console.print(Text(printable(table.title), style="bold"), soft_wrap=True)
    if table.title and not table.rows:
        return
    with console.capture() as captured:
        console.print(_laid_out(table, console.width))
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def _laid_out(table: Table, width: int) -> RichTable:
    """
    Lay a table out without reading markup in its cells.

    Args:
        table: What to show.
        width: Columns of the terminal. Names in the first column stay whole where they take at
            most a third of it.
    """
    laid_out = RichTable(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    names = max((len(str(row[0])) for row in table.rows if row), default=0)
    for at, column in enumerate(table.columns):
        whole = at == 0 and names * 3 <= width
        # Folded, and not cut: an id that is cut cannot be used.
        laid_out.add_column(Text(column), overflow="fold", no_wrap=whole)
    for row in table.rows:
        laid_out.add_row(*(Text(printable(str(cell))) for cell in row))
    return laid_out
