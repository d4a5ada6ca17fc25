"""Validation of the messages to the launcher."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from grader.errors import SandboxError, SettingsError
from grader.sandbox.build import SOURCES
from grader.sandbox.cleanup import processes_of
from grader.sandbox.launcher import Command, Launcher, LauncherProcess, Message
from grader.sandbox.lock import take
from grader.sandbox.runs import Role, RunLimits

pytestmark = pytest.mark.engine

REFUSED = 70
LIMITS = RunLimits(1000, 5000, 64, 1 << 16, 8, bound_address_space=False)
GOOD = Message(Command.START, Role.COMPILE, 4, LIMITS, ("/usr/bin/true",))
NUMBERS_AT = struct.calcsize("=4I")
WORDS_AT = struct.calcsize("=4I8q")
WORD_BYTES = 4096


@dataclass(frozen=True)
class Locked:
    """A locked box that no launcher serves."""

    number: int
    lock: socket.socket


@pytest.fixture
def box(launcher: Path) -> Iterator[Locked]:
    """The first free box."""
    known = Launcher.open(launcher)
    for number in range(known.boxes):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock:
            if take(lock, known.users(number)):
                yield Locked(number, lock)
                return
    pytest.fail("no box is free")


class RawLauncher:
    """
    A launcher that is sent raw bytes.

    Args:
        launcher: The program.
        box: The box it serves.
        credentials: Whether its socket receives credentials with each message.
    """

    def __init__(self, launcher: Path, box: Locked, *, credentials: bool = False) -> None:
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(30)
        with theirs:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, credentials)
            self.process = subprocess.Popen(
                [launcher, "serve", str(box.number)],
                stdin=theirs.fileno(),
                stdout=box.lock.fileno(),
            )

    def send(self, message: bytes, descriptors: Sequence[int] = ()) -> str:
        """Send a message; returns the error of the reply, "" for success."""
        socket.send_fds(self.ours, [message], descriptors)
        reply = self.ours.recv(4096)
        return reply[40:].split(b"\0", 1)[0].decode()

    def close(self) -> int:
        """Close the socket; returns the exit code."""
        self.ours.close()
        return self.process.wait(30)


@pytest.fixture
def raw(launcher: Path, box: Locked) -> Iterator[RawLauncher]:
    """A separate launcher for each test."""
    started = RawLauncher(launcher, box)
    yield started
    started.close()


@pytest.fixture
def null() -> Iterator[list[int]]:
    """Descriptors for stdin, stdout and stderr."""
    with Path(os.devnull).open("r+b") as file:
        yield [file.fileno()] * 3


def patched(at: int, content: bytes) -> bytes:
    """A valid message with a part of it replaced."""
    message = bytearray(GOOD.to_bytes())
    message[at : at + len(content)] = content
    return bytes(message)


def number(index: int, value: int) -> bytes:
    return patched(NUMBERS_AT + 8 * index, struct.pack("=q", value))


def word(index: int, value: int) -> bytes:
    return patched(4 * index, struct.pack("=I", value))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_each_part_is_short(source: Path) -> None:
    """The launcher is the only privileged part: each file can be read in one sitting."""
    text = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL)

    assert len([line for line in text.splitlines() if line.strip()]) < 200


def test_a_valid_message_is_accepted(raw: RawLauncher, null: list[int]) -> None:
    """The other tests change this message."""
    assert raw.send(GOOD.to_bytes(), null) == ""
    assert raw.send(GOOD.to_bytes(), null) == ""
    assert raw.close() == 0


@pytest.mark.parametrize(
    ("message", "error"),
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
        (word(0, 5), "command, role or policy"),
        (word(0, 0xFFFFFFFF), "command, role or policy"),
        (word(1, 3), "command, role or policy"),
        (word(1, 0x80000000), "command, role or policy"),
        (word(2, 5), "command, role or policy"),
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
def test_each_part_of_a_message_is_validated(
    launcher: Path, box: Locked, null: list[int], message: bytes, error: str
) -> None:
    """An invalid message gets an error, and the launcher exits."""
    raw = RawLauncher(launcher, box)

    assert raw.send(message, null) == f"refused: {error}"
    assert raw.close() == REFUSED


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_program_needs_three_descriptors(raw: RawLauncher, null: list[int], count: int) -> None:
    """Otherwise it would inherit those of the launcher."""
    assert "no program" in raw.send(GOOD.to_bytes(), null[:count])


def test_too_many_descriptors_are_refused(raw: RawLauncher, null: list[int]) -> None:
    """They are not dropped silently."""
    assert "refused: too long" in raw.send(GOOD.to_bytes(), null * 3)


def test_a_message_that_is_too_long_is_refused(raw: RawLauncher, null: list[int]) -> None:
    """It is not truncated."""
    message = GOOD.to_bytes().ljust(WORDS_AT + 48 * WORD_BYTES + 1, b"\0")

    assert "refused: too long" in raw.send(message, null)


def test_control_messages_of_another_kind_are_refused(launcher: Path, box: Locked) -> None:
    """Credentials are not descriptors."""
    raw = RawLauncher(launcher, box, credentials=True)

    assert "of another kind" in raw.send(GOOD.to_bytes())
    assert raw.close() == REFUSED


def test_words_may_be_empty(raw: RawLauncher, null: list[int]) -> None:
    """An empty argument is passed on; an empty program does not exist."""
    empty = replace(GOOD, argv=("/usr/bin/printf", "", ""))

    assert raw.send(empty.to_bytes(), null) == ""
    assert "No such file" in raw.send(replace(GOOD, argv=("",)).to_bytes(), null)


def test_a_second_server_replaces_the_first(
    raw: RawLauncher, launcher: Path, box: Locked, null: list[int]
) -> None:
    """Otherwise the first would never be swept."""
    argv = ("/usr/bin/sh", "-c", "echo started; exec sleep 1000")
    server = replace(GOOD, command=Command.SERVER, argv=argv).to_bytes()
    reading, writing = os.pipe()

    assert raw.send(server, null) == ""
    assert raw.send(server, [null[0], writing, null[2]]) == ""
    os.close(writing)
    with os.fdopen(reading) as output:  # the reply does not wait for the second
        assert output.readline() == "started\n"
    assert len(processes_of(Launcher.open(launcher).users(box.number))) == 1


def test_a_server_is_swept_with_all_processes(raw: RawLauncher, null: list[int]) -> None:
    """Then another one can be started."""
    server = replace(GOOD, command=Command.SERVER, argv=("/usr/bin/sleep", "1000")).to_bytes()
    sweep = replace(GOOD, command=Command.SWEEP, argv=()).to_bytes()

    assert [raw.send(one, null) for one in (server, sweep, server)] == ["", "", ""]
    assert raw.close() == 0


@pytest.mark.parametrize("pid", [0, 1, 2, pytest.param(os.getpid(), id="of-the-test"), 1 << 22])
def test_a_process_that_is_not_its_child_exceeds_the_wall_time(
    raw: RawLauncher, null: list[int], pid: int
) -> None:
    """Process ids from a server are not trusted."""
    limits = replace(LIMITS, wall_ms=50)
    warm = Message(Command.WATCH, Role.RUN, 2, limits, pid=pid)
    socket.send_fds(raw.ours, [warm.to_bytes()], null)

    reason = struct.unpack_from("=i", raw.ours.recv(4096))[0]

    assert reason == 3


@pytest.mark.parametrize(
    "arguments",
    [
        *((), ("serve",), ("serve", "0", "0"), ("config", "x"), ("run",), ("Serve", "0")),
        *(("serve", box) for box in ("-1", "4", "99999999999999999999", "0x1", " 1", "", "1.5")),
        *(("serve", box) for box in ("+1", "1 ", "\n1", "x")),
    ],
)
def test_an_unknown_command_line_is_refused(launcher: Path, arguments: tuple[str, ...]) -> None:
    """The caller can choose a box and nothing else."""
    done = subprocess.run(
        [launcher, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert done.returncode == REFUSED
    assert done.stderr == "launcher: refused: usage: config | serve BOX\n"


def test_a_missing_launcher_is_an_error_with_the_install_command(tmp_path: Path) -> None:
    """The worker does not start without a sandbox."""
    with pytest.raises(SettingsError, match=r"python -m grader\.sandbox\.build"):
        Launcher.open(tmp_path / "launcher")


def test_a_program_that_is_not_a_launcher_is_an_error() -> None:
    """LAUNCHER_PATH may name any file."""
    with pytest.raises(SettingsError, match="the sandbox launcher does not work"):
        Launcher.open(Path("/usr/bin/false"))


def test_it_prints_its_settings(launcher: Path) -> None:
    """Box root and users are read from the binary."""
    opened = Launcher.open(launcher)

    assert opened.box_root == launcher.parent / "boxes"
    assert opened.boxes == 4
    assert list(opened.users(1)) == [opened.uid_base + 4 + role for role in range(3)]


def serve(launcher: Path, box: Locked) -> LauncherProcess:
    return Launcher.open(launcher).serve(box.number, box.lock)


def test_a_refused_message_is_a_temporary_error(launcher: Path, box: Locked) -> None:
    """It never becomes a verdict."""
    process = serve(launcher, box)

    with pytest.raises(SandboxError, match="launcher: refused: no program"):
        process.call(GOOD)
    with pytest.raises(SandboxError, match="the launcher has ended"):
        process.call(GOOD)
    process.close()


def test_a_launcher_removed_meanwhile_is_a_temporary_error(tmp_path: Path) -> None:
    """It never becomes a verdict."""
    known = Launcher(tmp_path / "launcher", tmp_path, 1, 1)

    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lock,
        pytest.raises(SandboxError, match="cannot be started: No such file"),
    ):
        known.serve(0, lock)


def test_a_command_line_that_is_too_long_is_refused(launcher: Path, box: Locked) -> None:
    """It is not sent."""
    process = serve(launcher, box)

    for argv in (("x",) * 49, ("x" * WORD_BYTES,)):
        with pytest.raises(SandboxError, match="the command line is too long"):
            process.call(replace(GOOD, argv=argv))
    process.close()


def test_an_unprivileged_launcher_names_the_cause(launcher: Path) -> None:
    """A task with no_new_privs or a mount with nosuid."""
    group = f"--regid={os.getegid()}"
    done = subprocess.run(
        ["setpriv", "--no-new-privs", "--reuid=99999", group, "--clear-groups", launcher, "config"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == REFUSED
    assert "not setuid root: nosuid mount or no_new_privs?" in done.stderr
