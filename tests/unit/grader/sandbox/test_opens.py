"""Opens for writing in policies without files: the launcher answers them."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyseccomp
import pytest
from sandboxes import own_users

from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.filters import ALLOW
from grader.sandbox.policy import number_of
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

pytestmark = pytest.mark.engine

PYTHON = find("python")
LIMITS = RunLimits(5000, 60_000, 128, 1 << 16, 16, bound_address_space=True)
HONEST = """\
import os, subprocess, sys
with open('/dev/null', 'w') as nothing:
    print('lost', file=nothing)
with open(os.devnull, 'r+b', 0) as nothing:
    assert nothing.read() == b''
done = subprocess.run(['echo', 'lost'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
assert done.returncode == 0
subprocess.run(['sh', '-c', 'echo lost >/dev/null; echo of a shell >/dev/stderr'], check=True)
print('first', flush=True)
for name in ('/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'):
    with open(name, 'w') as output:
        print(name, file=output)
with open('/dev/stderr', 'a') as errors:
    print('of python', file=errors)
print('last', os.get_inheritable(os.open('/dev/null', os.O_WRONLY)))
"""
OUTPUT = b"first\n/dev/stdout\n/dev/fd/1\n/proc/self/fd/1\nlast False\n"
#: Paths that look like the ones that are allowed, or are something else.
REFUSED = """\
import ctypes, os
paths = ['/dev/nul', '/dev/null/', '/dev/nullx', '//dev/null', 'null', '', '/dev/zero', '/dev/full',
         '/dev/tty', '/dev/ptmx', '/dev/fd/0', '/dev/stdin', '/proc/self/fd/0', '/dev/fd/10',
         '/proc/self/mem', '/proc/self/oom_score_adj', '/proc/self/fd/../mem', 'left', '/tmp/left',
         f'/proc/{os.getppid()}/fd/1', '/dev/null' + 'x' * 4000]
for path in paths:
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT, 3):
        try: print('open', path, os.open(path, flags))
        except OSError as error:
            if error.errno != 13: print(path, flags, error)
libc = ctypes.CDLL(None, use_errno=True)
for address in (0, 1, 2**47, -1):
    if libc.open(ctypes.c_void_p(address), os.O_WRONLY) != -1 or ctypes.get_errno() != 13:
        print('open', address)
for call in (lambda: os.truncate('/dev/shm', 0), lambda: os.open('/etc/passwd', os.O_TRUNC)):
    try: print('open', call())
    except OSError: pass
print('safe')
"""
#: More opens than the launcher answers in a run.
MANY = """\
import os
def attempt(path):
    try: os.close(os.open(path, os.O_WRONLY))
    except OSError as error: return error.errno
    return 0
answers = [attempt('/dev/null' if number % 2 else 'left') for number in range(700)]
print(answers[:4], answers[-1], sorted(set(answers)))
"""


@pytest.fixture
def without_landlock() -> Iterator[Box]:
    """A box of a kernel that has no Landlock."""
    with TemporaryDirectory(prefix="grader-sandbox-") as name, own_users() as first_user:
        Path(name).chmod(0o711)
        wanted = Installation(
            output=Path(name, "launcher"),
            box_root=Path(name, "boxes"),
            uid_base=first_user,
            boxes=1,
            worker_gid=os.getegid(),
            landlock=False,
        )
        install(wanted)
        with Box.claim(wanted.output) as box:
            yield box
        uninstall(wanted)


def run(
    box: Box, directory: Path, program: str, *, warm: bool = False
) -> tuple[RunOutcome, bytes, bytes]:
    """Run a Python program; returns its outcome, stdout and stderr."""
    stored = box.directory / Role.RUN / "solution.py"
    stored.unlink(missing_ok=True)
    box.store(Role.RUN, "solution.py", program.encode())
    spec = RunSpec(
        role=Role.RUN,
        policy=PYTHON.policy,
        argv=PYTHON.run_argv,
        limits=LIMITS,
        stdin=Path(os.devnull),
        stdout=directory / "stdout",
        stderr=directory / "stderr",
        server_argv=PYTHON.server_argv if warm else (),
    )
    outcome = box.run(spec)
    return outcome, spec.stdout.read_bytes(), spec.stderr.read_bytes()


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_the_null_device_and_the_output_can_be_opened_by_name(
    box: Box, tmp_path: Path, warm: bool
) -> None:
    """As subprocess.DEVNULL and redirections of a shell do; also in the second case."""
    for _ in range(2):
        outcome, stdout, stderr = run(box, tmp_path, HONEST, warm=warm)

        assert (stdout, stderr) == (OUTPUT, b"of a shell\nof python\n")
        assert outcome.succeeded
        box.clean()


def test_landlock_is_not_needed_for_it(without_landlock: Box, tmp_path: Path) -> None:
    """Many hosts do not have it."""
    outcome, stdout, stderr = run(without_landlock, tmp_path, HONEST)

    assert (stdout, stderr) == (OUTPUT, b"of a shell\nof python\n")
    assert outcome.succeeded


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_every_other_path_is_refused(box: Box, tmp_path: Path, warm: bool) -> None:
    """With EACCES, also where the path is not in the memory of the program."""
    outcome, stdout, stderr = run(box, tmp_path, REFUSED, warm=warm)
    box.clean()

    assert (stdout, stderr) == (b"safe\n", b"")
    assert outcome.succeeded


def test_the_launcher_answers_a_bounded_number_of_opens(box: Box, tmp_path: Path) -> None:
    """Answers take time of the launcher, which no limit counts; the next run is answered again."""
    _, stdout, _ = run(box, tmp_path, MANY)

    assert stdout == b"[13, 0, 13, 0] 38 [0, 13, 38]\n"
    assert run(box, tmp_path, HONEST)[0].succeeded


def test_below_another_listener_every_open_for_writing_fails(
    launcher: Path, tmp_path: Path
) -> None:
    """The kernel allows one listener above a process; some container engines have one."""
    program = (
        "import os\n"
        "for path in ('/dev/null', 'left'):\n"
        "    try: print(os.open(path, os.O_WRONLY))\n"
        "    except OSError as error: print(error.errno)\n"
    )
    child = os.fork()
    if child == 0:
        code = 1
        try:
            listen_to_everything()
            with Box.claim(launcher) as box:
                outcome, stdout, _ = run(box, tmp_path, program)
            code = 0 if outcome.succeeded and stdout == b"38\n38\n" else 2
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def listen_to_everything() -> None:
    """Load a filter with a listener that allows all calls."""
    libc = ctypes.CDLL(None, use_errno=True)
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, ALLOW), 8)
    program = struct.pack("HxxxxxxQ", 1, ctypes.addressof(instruction))
    number = number_of("seccomp", pyseccomp.system_arch())
    no_new_privileges, set_filter, new_listener = 38, 1, 8
    assert number is not None
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.syscall(number, set_filter, new_listener, program) >= 0
