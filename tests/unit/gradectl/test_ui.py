"""Data on stdout, messages on stderr, both unmodified."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest
import yaml

from gradectl.errors import RefusedError
from gradectl.ui import Table, Ui

TABLE = Table(["name"], [["[bold]a[/bold]"]], title="things")


class Terminal(io.StringIO):
    """A fake terminal with the width COLUMNS."""

    def isatty(self) -> bool:
        """Report a terminal."""
        return True


def ui(output: str = "table", environ: dict[str, str] | None = None, **settings: Any) -> Ui:
    return Ui(output, environ or {}, **settings)


def test_json_has_its_version_and_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs can identify the document."""
    ui("json").emit("things", {"name": "a"}, TABLE)

    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"schema_version": 1, "kind": "things", "name": "a"}
    assert captured.err == ""


def test_json_is_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would break lines at 80 columns where there is no terminal."""
    ui("json").emit("things", {"text": "x " * 500}, TABLE)

    assert "x " * 500 in capsys.readouterr().out


def test_yaml_holds_the_same_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the format differs."""
    ui("yaml").emit("things", {"name": "a"}, TABLE)

    assert yaml.safe_load(capsys.readouterr().out)["kind"] == "things"


def test_a_table_shows_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of queues or files may look like markup."""
    ui().emit("things", {}, TABLE)

    assert "[bold]a[/bold]" in capsys.readouterr().out


def test_a_long_row_is_not_cut_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    """Tools such as grep need whole lines."""
    ui().emit("things", {}, Table(["name"], [["y" * 500]]))

    assert "y" * 500 in capsys.readouterr().out


def test_a_table_in_a_log_has_no_blank_lines_and_no_trailing_spaces(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Logs and diffs stay readable."""
    ui().emit("things", {}, Table(["name", "why"], [["a", "x" * 90], ["b", ""]], title="things"))

    lines = capsys.readouterr().out.splitlines()
    assert [line[:7] for line in lines] == ["things", "name  w", "───────", "a     x", "b"]
    assert not [line for line in lines if line != line.rstrip()]


ID = "ID:ip-10-0-1-23-41234-1700000000000-3:2:-1:1:2503"
ROW = (ID, "2h 5m", "req_20240820120000_0f3c9a1b2c3d", "TIME: a reason of several words", 3)
COLUMNS = ("id", "age", "request", "about", "bytes")


def shown(monkeypatch: pytest.MonkeyPatch, width: int, table: Table) -> list[str]:
    """Return the lines of a table on a terminal of a width."""
    monkeypatch.setenv("COLUMNS", str(width))
    terminal = Terminal()
    with redirect_stdout(terminal):
        ui(environ={"NO_COLOR": "1"}).emit("things", {}, table)
    return terminal.getvalue().splitlines()


@pytest.mark.parametrize("width", range(20, 200, 12))
def test_no_word_is_cut_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Users copy ids; a table that does not fit becomes a block of lines for each row."""
    lines = shown(monkeypatch, width, Table(COLUMNS, [ROW, ROW]))

    words = " ".join(lines).split()
    for word in " ".join(map(str, ROW)).split():
        assert words.count(word) >= 2
    if "\u2500" in lines[1]:  # a table
        assert max(map(len, lines)) <= width
    else:
        assert lines[0] == ID
        assert all(line.startswith("  ") for line in lines[1 : len(COLUMNS)])


def test_the_counters_of_queues_fit_into_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual width of a terminal."""
    columns = ("queue", "waiting", "in flight", "delayed", "consumers", "in", "out", "oldest")
    row = ("grading-requests", 1_000_000, 4, 1_000, 10, 1_234_567, 1_234_567, "23h 59m")

    lines = shown(monkeypatch, 80, Table(columns, [row]))

    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("queue")
    assert "grading-requests  1000000  4" in lines[3]


def test_a_huge_cell_is_cut_and_a_text_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign text of a megabyte must not widen a table; a body can be copied in one piece."""
    table = Table(("name", "why"), [["a", "y" * 100_000]], text="z" * 100_000)

    lines = shown(monkeypatch, 80, table)

    assert lines[-1] == "z" * 100_000
    assert max(map(len, lines[:-1])) < 3_000
    assert any("(100000 characters)" in line for line in lines)


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_numbers_and_characters_that_json_lacks_give_valid_documents(
    capsysbinary: pytest.CaptureFixture[bytes], output: str
) -> None:
    """Bodies of messages and outputs of programs hold anything."""
    document = {"odd": [float("nan"), float("inf"), {"name": "\ud800\x00\u2028"}]}

    ui(output).emit("things", document, TABLE)

    text = capsysbinary.readouterr().out.decode()
    read = (
        json.loads(text, parse_constant=pytest.fail) if output == "json" else yaml.safe_load(text)
    )
    assert read["odd"][:2] == [None, None]
    if output == "json":
        assert read["odd"][2]["name"] == "\ud800\x00\u2028"


def test_a_table_without_rows_is_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    """A header without rows looks like lost output."""
    ui().emit("things", {}, Table(["name"], [], title="no things"))

    assert capsys.readouterr().out == "no things\n"


def test_a_table_on_stderr_has_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    """The plan above a question shows its counts."""
    ui().say_table(TABLE)

    captured = capsys.readouterr()
    assert captured.err.startswith("things\n")
    assert captured.out == ""


def test_messages_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout has only data and can be piped."""
    ui().say("hello")
    ui().warn("careful")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hello\nwarning: careful\n"


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_colour_follows_the_conventions(
    capsys: pytest.CaptureFixture[str], environ: dict[str, str], coloured: bool
) -> None:
    """NO_COLOR and dumb terminals override FORCE_COLOR; pipes have no colour by default."""
    ui(environ=environ).say("hello", "red")

    assert ("\x1b[" in capsys.readouterr().err) == coloured


def test_without_a_terminal_there_is_no_live_display() -> None:
    """Log files get plain lines."""
    assert not ui(environ={"CI": "true", "FORCE_COLOR": "1"}).animated
    assert not ui().animated


def test_yes_confirms() -> None:
    """--yes answers yes-or-no questions."""
    ui(assume_yes=True).confirm("Sure?")


def test_a_question_without_a_terminal_is_refused() -> None:
    """CI must not wait for an answer."""
    with pytest.raises(RefusedError) as caught:
        ui(may_ask=False).confirm("Sure?")

    assert "--yes" in caught.value.next_step


def test_an_offer_that_cannot_be_made_is_no_answer() -> None:
    """Without a terminal, the command goes on and says what is missing."""
    assert ui(may_ask=False).offer("Install it?") is None
    assert ui(assume_yes=True, may_ask=False).offer("Install it?") is True


def test_yes_does_not_confirm_a_name() -> None:
    """Irreversible operations require the name, even with --yes."""
    with pytest.raises(RefusedError) as caught:
        ui(assume_yes=True, may_ask=False).confirm_name("All is lost.", "dev", None)

    assert caught.value.next_step == "add --confirm dev"


def test_only_the_right_name_confirms() -> None:
    """The name is compared whole."""
    ui().confirm_name("All is lost.", "dev", "dev")
    with pytest.raises(RefusedError):
        ui().confirm_name("All is lost.", "dev", "de")


def test_output_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences in names and messages are shown as text."""
    shown = ui()
    shown.say("queue \x1b[31mred\x07\x9b")
    shown.emit("test", {}, Table(["a"], [["cell \x1b]0;title\x07"]], title="title \x1b[2J"))

    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert all(char.isprintable() or char in "\n\t" for char in text)
    assert "\\x1b[31mred" in text
