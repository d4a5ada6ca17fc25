"""The prompt for a secret, on a real terminal: what is typed is not shown."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from dataclasses import dataclass

import pytest

_LOCAL_FLAGS = 3  # index in what tcgetattr returns
SECRET = "Typed-4be1d07c93fa"
ASK = """
import hashlib, sys
from gradectl.errors import EndingError
from gradectl.ui import Ui
ui = Ui("table", {})
try:
    value = ui.ask_secret("Value of /dev/mq/password", "--stdin")
except EndingError as error:
    print("refused:", error.what)
    sys.exit(error.exit_code)
print("got", len(value), hashlib.sha256(value.encode()).hexdigest())
"""


@dataclass(frozen=True)
class Dialogue:
    """The screen after a dialogue, the exit code, and whether the terminal shows what is typed."""

    screen: str
    code: int
    echo: bool


def type_in(*answers: bytes) -> Dialogue:
    """Answer the questions one after the other; each is answered when it is on the screen."""
    terminal, other = pty.openpty()
    command = ["setsid", "--ctty", "--wait", sys.executable, "-c", ASK]
    screen = b""
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other) as process:
        os.close(other)
        for question, answer in zip((b"password: ", b"Again: "), answers, strict=False):
            while question not in screen and (part := read(terminal)):
                screen += part
            os.write(terminal, answer)
        while part := read(terminal):
            screen += part
    echo = bool(termios.tcgetattr(terminal)[_LOCAL_FLAGS] & termios.ECHO)
    os.close(terminal)
    return Dialogue(screen.decode(), process.returncode, echo)


def read(terminal: int) -> bytes:
    """Read what is on the screen; empty when the program has ended."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_the_value_is_asked_twice_and_not_shown() -> None:
    """The screen may be recorded or shared."""
    typed = f"{SECRET}\n".encode()

    found = type_in(typed, typed)

    assert found.code == 0, found.screen
    assert f"got {len(SECRET)} " in found.screen
    assert SECRET not in found.screen


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ((f"{SECRET}\n".encode(), b"another\n"), 5, "the two answers differ"),
        ((b"\n",), 5, "nothing was typed"),
        ((b"\x04",), 5, "nothing was typed"),
    ],
    ids=["different", "empty", "end of input"],
)
def test_a_wrong_answer_changes_nothing(answers: list[bytes], code: int, words: str) -> None:
    """And says why, without the value."""
    found = type_in(*answers)

    assert found.code == code, found.screen
    assert words in found.screen
    assert SECRET not in found.screen


def test_ctrl_c_ends_the_question_and_restores_the_echo() -> None:
    """A terminal without echo would be useless afterwards."""
    found = type_in(b"\x03")

    assert found.code not in (0, 5)
    assert "KeyboardInterrupt" in found.screen
    assert found.echo
