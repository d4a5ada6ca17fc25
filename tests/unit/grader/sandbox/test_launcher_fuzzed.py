"""The launcher under sanitizers, fuzzed with random messages."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandboxes import own_users

from grader.sandbox.build import SOURCES, Installation, write_headers
from grader.sandbox.launcher import Command, Message
from grader.sandbox.lock import take
from grader.sandbox.policy import POLICIES
from grader.sandbox.runs import Role, RunLimits

pytestmark = pytest.mark.engine

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
EXAMPLES = 60
TREES = 12
REFUSED = 70
REPLY_BYTES = 552
#: A random message may start a run of minutes; then the launcher is killed.
TIMEOUT_SECONDS = 1.5


@dataclass(frozen=True)
class Sanitized:
    """A launcher that reports undefined behaviour."""

    path: Path
    reports: Path
    first_user: int

    def exchange(
        self, messages: list[tuple[bytes, int]], seconds: float = TIMEOUT_SECONDS
    ) -> list[str]:
        """Send messages, each with a number of descriptors; returns the error of each reply."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(seconds)
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with theirs, lock, self.reports.open("ab") as reports:
            assert take(lock, range(self.first_user, self.first_user + 3))
            process = subprocess.Popen(
                [self.path, "serve", "0"],
                stdin=theirs.fileno(),
                stdout=lock.fileno(),
                stderr=reports,
                env={"ASAN_OPTIONS": "detect_leaks=0"},  # it may exit from anywhere
            )
        killed = False
        errors = []
        with ours, Path(os.devnull).open("r+b") as null:
            for message, descriptors in messages:
                try:
                    socket.send_fds(ours, [message], [null.fileno()] * descriptors)
                    reply = ours.recv(4096)
                except TimeoutError:
                    process.kill()
                    killed = True
                    break
                except ConnectionError:  # it refused an earlier message
                    break
                if reply:
                    assert len(reply) == REPLY_BYTES
                    errors.append(reply[40:].split(b"\0", 1)[0].decode(errors="backslashreplace"))
        assert process.wait(30) in {0, REFUSED} or killed
        return errors


@pytest.fixture(scope="module")
def sanitized() -> Iterator[Sanitized]:
    """The launcher with sanitizers; the tests run as root, so it is not setuid."""
    with TemporaryDirectory(prefix="grader-sandbox-") as name, own_users() as first_user:
        directory = Path(name)
        directory.chmod(0o711)
        boxes = directory / "boxes"
        boxes.mkdir(mode=0o711)
        path = directory / "launcher"
        wanted = Installation(path, boxes, uid_base=first_user, boxes=1)
        write_headers(wanted, directory)
        compiler = ("gcc", "-std=gnu17", *WARNINGS, *SANITIZERS)
        subprocess.run([*compiler, "-I", name, "-o", path, *SOURCES], check=True)
        yield Sanitized(path, directory / "reports", first_user)


LIMITS = st.builds(
    RunLimits,
    cpu_ms=st.sampled_from([0, 1, 50, 600_000]),
    wall_ms=st.sampled_from([0, 1, 50]),
    memory_mb=st.sampled_from([0, 1, 64, 1 << 16]),
    output_bytes=st.sampled_from([0, 1 << 20]),
    processes=st.sampled_from([0, 1, 16, 512]),
    bound_address_space=st.booleans(),
)
WORDS = st.sampled_from(["/usr/bin/true", "/usr/bin/sleep", "9", "", "x" * 4095, "/", "\x7f"])
MESSAGES = st.builds(
    Message,
    command=st.sampled_from(Command),
    role=st.sampled_from(Role),
    policy=st.integers(0, len(POLICIES)),
    limits=LIMITS,
    argv=st.lists(WORDS, max_size=4).map(tuple),
    pid=st.sampled_from([0, 1, 2, os.getpid(), 1 << 22]),
)


@st.composite
def mangled(draw: st.DrawFn) -> tuple[bytes, int]:
    """A valid message, or one with changed, missing or additional bytes."""
    message = bytearray(draw(MESSAGES).to_bytes())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.one_of(st.integers(0, 79), st.integers(0, len(message) - 1)))
        message[at] = draw(st.integers(0, 255))
    change = draw(st.sampled_from(["none", "none", "none", "cut", "more", "noise"]))
    if change == "cut":
        del message[draw(st.integers(1, len(message) - 1)) :]
    if change == "more":
        message += bytes(draw(st.sampled_from([1, 4096, 200_000 - len(message)])))
    if change == "noise":
        message = bytearray(draw(st.binary(min_size=1, max_size=200)))
    return bytes(message), draw(st.sampled_from([0, 1, 3, 3, 3, 3, 4, 8, 9, 30]))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(mangled(), min_size=1, max_size=4))
def test_any_message_is_executed_or_refused(
    sanitized: Sanitized, messages: list[tuple[bytes, int]]
) -> None:
    """No message leads to undefined behaviour or to an exit without an error."""
    errors = sanitized.exchange(messages)

    assert sanitized.reports.read_bytes() == b""
    assert all(": " in error for error in errors if error)


#: Everything in it is chosen by chance: its name, its files, its descriptors and its children.
HOSTILE = """\
import ctypes, os, random, socket, sys
chance = random.Random(int(sys.argv[1]))
ctypes.CDLL(None).prctl(15, chance.randbytes(15).replace(b'\\0', b')'), 0, 0, 0)
kept = [chance.choice((os.pipe, socket.socketpair))() for _ in range(chance.randrange(20))]
def name(): return bytes(chance.choice(range(48, 256)) for _ in range(chance.randrange(1, 200)))
def link(made): os.symlink(chance.choice((b'..', b'/', b'/etc', made)), made)
def deep(made):
    for _ in range(chance.randrange(90)): os.mkdir(made); os.chdir(made)
kinds = (os.mkdir, os.mkfifo, link, deep, lambda made: os.link('first', made),
    lambda made: os.chmod(made, chance.choice((0, 0o111, 0o7777))),
    lambda made: os.chdir(b'..' if os.getcwd() != start else b'.'))
start, made = os.getcwd(), [b'first']
open('first', 'w').close()
for _ in range(chance.randrange(100)):
    made.append(chance.choice((name, lambda: chance.choice(made)))())
    try: chance.choice(kinds)(made[-1])
    except OSError: pass
for _ in range(chance.randrange(4)):
    if os.fork() == 0: os._exit(0)
"""


@settings(max_examples=TREES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 64))
def test_whatever_a_program_leaves_is_looked_at_and_removed(
    sanitized: Sanitized, seed: int
) -> None:
    """Names, trees, descriptors and children of any kind: no report, and nothing is left."""
    limits = RunLimits(10_000, 60_000, 256, 1 << 20, 16, bound_address_space=False)
    compiler = POLICIES.index(next(one for one in POLICIES if one.name == "compile"))
    argv = ("/usr/bin/python3", "-I", "-c", HOSTILE, str(seed))
    hostile = Message(Command.START, Role.COMPILE, compiler, limits, argv).to_bytes()

    assert sanitized.exchange([(hostile, 3), (hostile, 3)], seconds=60) == ["", ""]
    assert sanitized.exchange([(hostile, 3)], seconds=60) == [""]
    assert sanitized.reports.read_bytes() == b""
    assert list((sanitized.path.parent / "boxes/slot-0/trash").iterdir()) == []


#: Opens for writing, which the launcher answers: paths that change, without end, or not in memory.
OPENS = """\
import ctypes, mmap, os, random, sys, threading
chance, long = random.Random(int(sys.argv[1])), ctypes.c_long
call, number = ctypes.CDLL(None).syscall, 257 if os.uname().machine == 'x86_64' else 56
area = mmap.mmap(-1, 8192, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(area))
ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + 4096), long(4096), 0)
names = [b'/dev/null', b'/dev/stdout', b'/dev/fd/2', b'/proc/self/fd/1', b'/etc/shadow']
kinds = (1, 2, os.O_WRONLY | os.O_CLOEXEC, os.O_RDWR | os.O_TRUNC, os.O_APPEND | 1)
def change():
    for _ in range(200):
        at = chance.choice((0, 4000, 4076))
        area[at:at + 20] = (chance.choice(names) + chance.choice((b'\\0', b'x')) * 20)[:20]
def ask():
    for _ in range(60):
        inside = start + chance.choice((0, 4000, 4076, 4096 - chance.randrange(30)))
        where = chance.choice((inside, inside, inside, 0, 1 << 40, -1))
        fd = call(long(number), long(-100), long(where), long(chance.choice(kinds)), long(0))
        if fd > 2 and chance.random() < 0.8: os.close(fd)
threads = [threading.Thread(target=one) for one in (change, ask, ask)]
for one in threads: one.start()
"""


@settings(max_examples=TREES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 64))
def test_whatever_a_program_opens_for_writing_is_answered(sanitized: Sanitized, seed: int) -> None:
    """Nothing that it asks leads to undefined behaviour, or to a launcher that does not answer."""
    limits = RunLimits(10_000, 60_000, 256, 1 << 20, 16, bound_address_space=False)
    policy = POLICIES.index(next(one for one in POLICIES if one.name == "interpreted"))
    argv = ("/usr/bin/python3", "-I", "-c", OPENS, str(seed))
    asking = Message(Command.START, Role.RUN, policy, limits, argv).to_bytes()

    assert sanitized.exchange([(asking, 3), (asking, 3)], seconds=60) == ["", ""]
    assert sanitized.reports.read_bytes() == b""


@pytest.mark.exhaustive
def test_static_analysis_finds_nothing(tmp_path: Path) -> None:
    """Leaks, double frees, use after free and null pointers on any path through the sources."""
    wanted = Installation(tmp_path / "launcher", tmp_path / "boxes")
    write_headers(wanted, tmp_path)
    command = ("gcc", "-std=gnu17", "-O2", "-fanalyzer", *WARNINGS, "-I", tmp_path, "-c", *SOURCES)

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_the_box_works_afterwards(sanitized: Sanitized) -> None:
    """The next launcher sweeps processes of earlier ones."""
    limits = RunLimits(1000, 5000, 64, 1 << 20, 8, bound_address_space=False)
    right = Message(Command.START, Role.RUN, 2, limits, ("/usr/bin/true",)).to_bytes()
    wrong = struct.pack("=I", 9) + right[4:]

    assert sanitized.exchange([(right, 3), (right, 4), (wrong, 3)], seconds=60) == [
        "",
        "",
        "refused: command, role or policy",
    ]
    assert sanitized.exchange([]) == []  # in order, so that nothing is left to remove
    assert sanitized.reports.read_bytes() == b""
