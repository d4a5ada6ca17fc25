"""The launcher believes nobody: its messages are attacked here, its children elsewhere."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import grader.sandbox
from grader.errors import SandboxError, SettingsError
from grader.sandbox import Box
from grader.sandbox.cleanup import processes_of
from grader.sandbox.launcher import Command, Launcher, LauncherProcess, Message
from grader.sandbox.runs import Role, RunLimits

pytestmark = pytest.mark.engine

REFUSED = 70
SOURCE = Path(grader.sandbox.__file__).with_name("launcher.c")
LIMITS = RunLimits(1000, 5000, 64, 1 << 16, 8, bound_address_space=False)
GOOD = Message(Command.START, Role.COMPILE, 4, LIMITS, ("/usr/bin/true",))
NUMBERS_AT = struct.calcsize("=4I")
WORDS_AT = struct.calcsize("=4I8q")
WORD_BYTES = 4096


@pytest.fixture
def slot(launcher: Path) -> Iterator[int]:
    """A slot that nobody else uses."""
    with Box.claim(launcher) as box:
        yield box.number


class Talk:
    """
    A launcher, spoken to in bytes.

    Args:
        launcher: The program.
        slot: Which it serves.
        credentials: Whether each message brings who sent it.
    """

    def __init__(self, launcher: Path, slot: int, *, credentials: bool = False) -> None:
        """Start it."""
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(30)
        with theirs:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, credentials)
            self.process = subprocess.Popen(
                [launcher, "serve", str(slot)], stdin=theirs.fileno(), stdout=subprocess.DEVNULL
            )

    def say(self, message: bytes, descriptors: Sequence[int] = ()) -> str:
        """Say something; gives its words of refusal, "" when it did what it was told."""
        socket.send_fds(self.ours, [message], descriptors)
        reply = self.ours.recv(4096)
        return reply[40:].split(b"\0", 1)[0].decode()

    def close(self) -> int:
        """Hang up; gives its exit code."""
        self.ours.close()
        return self.process.wait(30)


@pytest.fixture
def talk(launcher: Path, slot: int) -> Iterator[Talk]:
    """A launcher of its own for each test."""
    talking = Talk(launcher, slot)
    yield talking
    talking.close()


@pytest.fixture
def null() -> Iterator[list[int]]:
    """What can be given as stdin, stdout and stderr."""
    with Path(os.devnull).open("r+b") as file:
        yield [file.fileno()] * 3


def patched(at: int, content: bytes) -> bytes:
    """A good message, a part of it replaced."""
    message = bytearray(GOOD.to_bytes())
    message[at : at + len(content)] = content
    return bytes(message)


def number(index: int, value: int) -> bytes:
    return patched(NUMBERS_AT + 8 * index, struct.pack("=q", value))


def word(index: int, value: int) -> bytes:
    return patched(4 * index, struct.pack("=I", value))


def test_its_code_is_short_enough_to_be_read() -> None:
    """It is the only privileged part: less than 400 lines that are neither blank nor comment."""
    text = re.sub(r"/\*.*?\*/", "", SOURCE.read_text(), flags=re.DOTALL)

    assert len([line for line in text.splitlines() if line.strip()]) < 400


def test_what_is_right_is_done(talk: Talk, null: list[int]) -> None:
    """The message on which the others are built is none that is refused."""
    assert talk.say(GOOD.to_bytes(), null) == ""
    assert talk.say(GOOD.to_bytes(), null) == ""
    assert talk.close() == 0


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (GOOD.to_bytes()[:-1], "length"),
        (GOOD.to_bytes() + b"\0", "length"),
        (GOOD.to_bytes()[:WORDS_AT], "length"),
        (GOOD.to_bytes()[: WORDS_AT - 1], "length"),
        (b"x", "length"),
        (word(3, 0), "length"),
        (word(3, 2), "length"),
        (word(3, 49), "length"),
        (word(3, 0xFFFFFFFF), "length"),
        (word(0, 4), "command, role or policy"),
        (word(0, 0xFFFFFFFF), "command, role or policy"),
        (word(1, 3), "command, role or policy"),
        (word(1, 0x80000000), "command, role or policy"),
        (word(2, 6), "command, role or policy"),
        (word(2, 0xFFFFFFFF), "command, role or policy"),
        *((number(index, -1), "number out of bounds") for index in range(8)),
        *((number(index, 1 << 62), "number out of bounds") for index in range(8)),
        (number(0, 600_001), "number out of bounds"),
        (number(1, 1_300_001), "number out of bounds"),
        *((number(index, (64 << 20) + 1), "number out of bounds") for index in (2, 3, 4)),
        (number(5, (1 << 32) + 1), "number out of bounds"),
        (number(6, 513), "number out of bounds"),
        (number(7, (1 << 22) + 1), "number out of bounds"),
        (patched(WORDS_AT, b"x" * WORD_BYTES), "unterminated word"),
        (GOOD.to_bytes()[:12] + bytes(4) + GOOD.to_bytes()[16:WORDS_AT], "no program"),
    ],
)
def test_each_part_of_a_message_has_bounds(
    launcher: Path, slot: int, null: list[int], message: bytes, words: str
) -> None:
    """What is outside is refused in words, and the launcher ends: the worker is broken."""
    talk = Talk(launcher, slot)

    assert talk.say(message, null) == f"refused: {words}"
    assert talk.close() == REFUSED


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_program_has_three_descriptors_at_least(talk: Talk, null: list[int], count: int) -> None:
    """It would otherwise have those of the launcher."""
    assert "no program" in talk.say(GOOD.to_bytes(), null[:count])


def test_too_many_descriptors_are_refused(talk: Talk, null: list[int]) -> None:
    """Those for which there is no room are never forgotten in silence."""
    assert "refused: too long" in talk.say(GOOD.to_bytes(), null * 3)


def test_a_message_that_is_too_long_is_refused(talk: Talk, null: list[int]) -> None:
    """What would not fit is not cut off."""
    message = GOOD.to_bytes().ljust(WORDS_AT + 48 * WORD_BYTES + 1, b"\0")

    assert "refused: too long" in talk.say(message, null)


def test_control_messages_of_another_kind_are_refused(launcher: Path, slot: int) -> None:
    """Credentials, which a socket can be made to bring, are no descriptors."""
    talk = Talk(launcher, slot, credentials=True)

    assert "of another kind" in talk.say(GOOD.to_bytes())
    assert talk.close() == REFUSED


def test_no_word_has_to_say_anything(talk: Talk, null: list[int]) -> None:
    """An empty argument is passed on, an empty program is one that is not there."""
    spoken = replace(GOOD, argv=("/usr/bin/printf", "", ""))

    assert talk.say(spoken.to_bytes(), null) == ""
    assert "No such file" in talk.say(replace(GOOD, argv=("",)).to_bytes(), null)


def test_a_second_server_takes_the_place_of_the_first(
    talk: Talk, launcher: Path, slot: int, null: list[int]
) -> None:
    """One that was forgotten would never be swept."""
    server = replace(GOOD, command=Command.SERVER, argv=("/usr/bin/sleep", "1000")).to_bytes()

    assert [talk.say(server, null), talk.say(server, null)] == ["", ""]
    assert len(processes_of(Launcher.open(launcher).users(slot))) == 1


def test_a_server_is_swept_with_everything_else(talk: Talk, null: list[int]) -> None:
    """Then there may be another one."""
    server = replace(GOOD, command=Command.SERVER, argv=("/usr/bin/sleep", "1000")).to_bytes()
    sweep = replace(GOOD, command=Command.SWEEP, argv=()).to_bytes()

    assert [talk.say(one, null) for one in (server, sweep, server)] == ["", "", ""]
    assert talk.close() == 0


@pytest.mark.parametrize("pid", [0, 1, 2, pytest.param(os.getpid(), id="of-the-test"), 1 << 22])
def test_a_process_that_is_not_its_child_only_runs_into_the_wall_limit(
    talk: Talk, null: list[int], pid: int
) -> None:
    """What a server names is not believed."""
    limits = replace(LIMITS, wall_ms=50)
    warm = Message(Command.WATCH, Role.RUN, 2, limits, pid=pid)
    socket.send_fds(talk.ours, [warm.to_bytes()], null)

    reason = struct.unpack_from("=i", talk.ours.recv(4096))[0]

    assert reason == 3


@pytest.mark.parametrize(
    "arguments",
    [
        *((), ("serve",), ("serve", "0", "0"), ("config", "x"), ("run",), ("Serve", "0")),
        *(("serve", slot) for slot in ("-1", "4", "99999999999999999999", "0x1", " 1", "", "1.5")),
        *(("serve", slot) for slot in ("+1", "1 ", "\n1", "x")),
    ],
)
def test_a_command_line_that_is_not_known_is_refused(
    launcher: Path, arguments: tuple[str, ...]
) -> None:
    """Whoever may execute it chooses a slot, and nothing else."""
    done = subprocess.run(
        [launcher, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == REFUSED
    assert done.stderr == "launcher: refused: usage: config | serve BOX\n"


def test_a_launcher_that_is_missing_says_how_to_get_one(tmp_path: Path) -> None:
    """The worker does not start without its sandbox."""
    with pytest.raises(SettingsError, match=r"python -m grader\.sandbox\.build"):
        Launcher.open(tmp_path / "launcher")


def test_a_launcher_that_is_something_else_says_so() -> None:
    """The setting may point to any file."""
    with pytest.raises(SettingsError, match="the sandbox launcher does not work"):
        Launcher.open(Path("/usr/bin/false"))


def test_it_says_what_was_compiled_into_it(launcher: Path) -> None:
    """Directory and users have one source, the binary."""
    opened = Launcher.open(launcher)

    assert opened.box_root == launcher.parent / "boxes"
    assert opened.boxes == 4
    assert list(opened.users(1)) == [opened.uid_base + 4 + role for role in range(3)]


def serve(launcher: Path, slot: int) -> LauncherProcess:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
        return Launcher.open(launcher).serve(slot, lock)


def test_a_refused_message_is_a_failure_of_the_sandbox(launcher: Path, slot: int) -> None:
    """It is worth another attempt and never the submission's fault."""
    process = serve(launcher, slot)

    with pytest.raises(SandboxError, match="launcher: refused: no program"):
        process.call(GOOD)
    with pytest.raises(SandboxError, match="the launcher has ended"):
        process.call(GOOD)
    process.close()


def test_a_launcher_that_is_gone_is_a_failure_of_the_sandbox(tmp_path: Path) -> None:
    """An image that is exchanged under a worker must not become a verdict."""
    known = Launcher(tmp_path / "launcher", tmp_path, 1, 1)

    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock,
        pytest.raises(SandboxError, match="cannot be started: No such file"),
    ):
        known.serve(0, lock)


def test_a_command_line_that_is_too_long_is_said_to_be(launcher: Path, slot: int) -> None:
    """Before anything is sent."""
    process = serve(launcher, slot)

    for argv in (("x",) * 49, ("x" * WORD_BYTES,)):
        with pytest.raises(SandboxError, match="the command line is too long"):
            process.call(replace(GOOD, argv=argv))
    process.close()


def test_it_says_when_it_is_not_privileged(launcher: Path) -> None:
    """A task with no_new_privs, or a mount with nosuid, would otherwise fail in riddles."""
    group = f"--regid={os.getegid()}"
    done = subprocess.run(
        ["setpriv", "--no-new-privs", "--reuid=99999", group, "--clear-groups", launcher, "config"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == REFUSED
    assert "not setuid root: nosuid mount or no_new_privs?" in done.stderr
