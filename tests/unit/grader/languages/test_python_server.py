"""A warm Python and a cold one: the same program says and does the same in both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec, StopReason

pytestmark = pytest.mark.engine

LANGUAGE = find("python")
LIMITS = RunLimits(
    cpu_ms=10_000,
    wall_ms=60_000,
    memory_mb=128,
    output_bytes=1 << 22,
    processes=16,
    bound_address_space=True,
)
STDIN = b"3 4\nsecond line\n\xff\xfe not text\n"

ODD_PROGRAMS = {
    "nothing": "",
    "a sum": "print(sum(map(int, input().split())))",
    "no newline at the end": "print('x', end='')",
    "bytes": "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])",
    "input to the end": "while True: print(input())",
    "invalid text": "import sys; print(sys.stdin.read())",
    "descriptors": "import os; print(os.read(0, 5), os.listdir('/proc/self/fd'))",
    "exit 7": "import sys; sys.exit(7)",
    "exit -1": "import sys; sys.exit(-1)",
    "exit 256": "import sys; sys.exit(256)",
    "exit with a huge number": "import sys; sys.exit(1 << 70)",
    "exit True": "import sys; sys.exit(True)",
    "exit with words": "import sys; print('a'); sys.exit('words')",
    "exit with a tuple": "import sys; sys.exit((1, 2))",
    "exit with a float": "raise SystemExit(1.5)",
    "exit None": "print('a'); exit()",
    "exit at once": "import os; print('lost'); os._exit(3)",
    "exit in a function": "def f(): quit(4)\nf()",
    "an exception": "def f(x): return 1 / x\nprint('a')\nf(0)",
    "a chain of exceptions": (
        "def f():\n"
        "    try: {}['a']\n"
        "    except KeyError as error: raise ValueError('b') from error\n"
        "try: f()\n"
        "except ValueError: undefined\n"
    ),
    "an exception of its own": (
        "class Odd(Exception):\n    def __str__(self): return 'odd'\nraise Odd"
    ),
    "an exception group": "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "a broken exception": "class Odd(Exception):\n    def __str__(self): return 1 / 0\nraise Odd",
    "an exit that is broken": (
        "class Odd:\n    def __str__(self): return 'o'\nraise SystemExit(Odd())"
    ),
    "no Python": "print('a'\nprint('b')",
    "no Python later": "exec('a b')",
    "a warning while it is compiled": "print('\\d')",
    "another encoding": "# -*- coding: latin-1 -*-\nprint(len('\xe9'))",
    "an interrupt": "raise KeyboardInterrupt",
    "an interrupt by itself": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "an alarm": "import signal; signal.alarm(1); signal.pause()",
    "an abort": "import os; os.abort()",
    "a segmentation fault": "import ctypes; ctypes.string_at(0)",
    "an except hook": (
        "import sys\nsys.excepthook = lambda *a: print(a[0], a[2].tb_frame.f_lineno)\n1/0"
    ),
    "a hook that exits": "import sys\nsys.excepthook = lambda *a: sys.exit(9)\n1/0",
    "its name and file": "print(__name__, __file__, __doc__, __spec__)",
    "its globals": "print(list(globals()), type(__loader__), __builtins__, __annotations__)",
    "its arguments": "import sys; print(sys.argv, sys.orig_argv[1:])",
    "its modules": "import sys; print(sorted(sys.modules))",
    "its main": "import sys; print(sys.modules['__main__'].__dict__ is globals())",
    "its flags": "import sys; print(sys.flags, sys.path, sys.warnoptions, sys._xoptions)",
    "its streams": (
        "import sys\n"
        "for s in (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__):\n"
        "    print(s, s.line_buffering, s.write_through, s.errors, s.seekable(), s.isatty())"
    ),
    "its environment": "import os; print(os.environ, os.getcwd(), os.umask(0))",
    "its limits": (
        "import resource as r\n"
        "print([r.getrlimit(getattr(r, n)) for n in sorted(dir(r))\n"
        "       if n.startswith('RLIMIT') and n != 'RLIMIT_NPROC'])"
    ),
    "its session": "import os; print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid())",
    "its signals": "import signal\nprint([signal.getsignal(s) for s in signal.valid_signals()])",
    "its threads": (
        "import threading as t; print(t.main_thread() is t.current_thread(), t.enumerate())"
    ),
    "its collector": "import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug())",
    "a socket module": "import _socket, socket; print(socket.socketpair()[0].family)",
    "atexit and the end": (
        "import atexit\n"
        "class A:\n"
        "    def __del__(self): print('del', name, other)\n"
        "name = 'n'; a = A(); other = 'o'\n"
        "atexit.register(print, 'first'); atexit.register(lambda: 1 / 0)\n"
        "print('main')"
    ),
    "destructors in order": (
        "class A:\n"
        "    def __init__(self, n): self.n = n\n"
        "    def __del__(self): print('del', self.n)\n"
        "_x = A(1); b = A(2); c = [A(3), A(4)]; d = A(5); d.me = d\n"
    ),
    "a destructor without a cycle": (
        "class A: pass\nf = open(1, 'w', closefd=False)\nf.write('kept till the end')"
    ),
    "a stream of its own": (
        "import io, sys\n"
        "sys.stdout = io.TextIOWrapper(open(1, 'wb', closefd=False), line_buffering=False)\n"
        "print('by the wrapper')"
    ),
    "a stream that cannot be flushed": (
        "import sys\n"
        "class S:\n"
        "    closed = False\n"
        "    def write(self, s): return len(s)\n"
        "    def flush(self): raise ValueError('no')\n"
        "sys.stdout = S()\n"
    ),
    "no stdout": "import sys; sys.stdout = None; print('x')",
    "stdout closed": "import sys; sys.stdout.close()",
    "stdout closed below": "import os; print('x'); os.close(1)",
    "stderr closed": "import sys; print('x'); sys.stderr.close()",
    "stdin closed": "import sys; sys.stdin.close(); input()",
    "threads that nobody joins": (
        "import threading\n"
        "early = threading.Event()\n"
        "threading.Thread(target=lambda: (early.wait(), print('late'))).start()\n"
        "print('early'); early.set()"
    ),
    "a thread that fails": (
        "import threading; threading.Thread(target=lambda: 1 / 0, name='t').start()"
    ),
    "a daemon thread": (
        "import threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start(); print('x')"
    ),
    "a pool": (
        "from concurrent.futures import ThreadPoolExecutor as T\n"
        "print(list(T(3).map(lambda x: x * x, range(5))))"
    ),
    "a fork": (
        "import os\n"
        "print('both', flush=True)\n"
        "if os.fork() == 0: print('child'); raise SystemExit(5)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))"
    ),
    "no other child": "import os; os.wait()",
    "no semaphores": "import multiprocessing; multiprocessing.Lock()",
    "depth of recursion": (
        "deepest = 0\n"
        "def f(n):\n"
        "    global deepest; deepest = n; f(n + 1)\n"
        "try: f(1)\n"
        "except RecursionError: print(deepest)\n"
    ),
    "recursion without end": "def f(n): return f(n + 1)\nf(0)",
    "deep recursion": (
        "import sys; sys.setrecursionlimit(10 ** 6)\n"
        "def f(n): return n and f(n - 1) + 1\n"
        "print(f(20000))"
    ),
    "an integer of many digits": "print(str(int('9' * 5000) + 1)[:3])",
    "a literal of many digits": f"print(len(str({'9' * 5000})))",
    "no memory": "x = bytearray(1 << 30)",
    "modules with state": "import random, re, decimal, json; print(random.Random(1).random())",
    "generators at the end": (
        "def g():\n    try: yield 1\n    finally: print('closed')\nx = g(); next(x)"
    ),
    "an event loop": "import asyncio\nasync def f(): print('x')\nasyncio.run(f())",
    "a traceback by itself": "import traceback\ntry: 1/0\nexcept Exception: traceback.print_exc()",
}


class Said(NamedTuple):
    """What can be seen of a run."""

    reason: StopReason
    exit_code: int
    signal: int
    stdout: bytes
    stderr: bytes


@pytest.fixture(scope="module")
def box(launcher: Path) -> Iterator[Box]:
    """One box for all programs."""
    with Box.claim(launcher) as claimed:
        yield claimed


def run(box: Box, directory: Path, *, warm: bool, limits: RunLimits = LIMITS) -> Said:
    """Run what is stored."""
    directory.mkdir(exist_ok=True)
    stdin = directory / "stdin"
    stdin.write_bytes(STDIN)
    spec = RunSpec(
        role=Role.RUN,
        policy=LANGUAGE.policy,
        argv=LANGUAGE.run_argv,
        limits=limits,
        stdin=stdin,
        stdout=directory / "stdout",
        stderr=directory / "stderr",
        server_argv=LANGUAGE.server_argv if warm else (),
    )
    for path in (spec.stdout, spec.stderr):
        path.unlink(missing_ok=True)
    outcome = box.run(spec)
    streams = (plain(path.read_bytes()) for path in (spec.stdout, spec.stderr))
    return Said(outcome.reason, outcome.exit_code, outcome.signal, *streams)


def plain(said: bytes) -> bytes:
    """Without addresses and numbers of processes, which differ between any two runs."""
    return re.sub(rb"0x[0-9a-f]{6,}|(?<=pid )\d+|\b\d{14,}\b", b"N", said)


def store(box: Box, program: str, encoding: str = "utf-8") -> None:
    box.clean()
    box.store(Role.RUN, LANGUAGE.program_file, program.encode(encoding))


@pytest.mark.parametrize("name", ODD_PROGRAMS)
def test_a_warm_program_cannot_be_told_from_a_cold_one(box: Box, tmp_path: Path, name: str) -> None:
    """Exit code, signal, stdout and stderr are the same, for the first case and for the next."""
    encoding = "latin-1" if "encoding" in name else "utf-8"
    store(box, ODD_PROGRAMS[name], encoding)

    cold = run(box, tmp_path, warm=False)
    first = run(box, tmp_path, warm=True)
    second = run(box, tmp_path, warm=True)

    assert first == cold
    assert second == cold
