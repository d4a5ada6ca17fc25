"""
Fork server for Python inside the sandbox: starts once and forks a copy of itself for each case.

It is passed to `python3 -c` as text, so it cannot import our modules.  It is as untrusted as the
program.  Descriptor 3 is the worker's socket.  A message contains stdin, stdout, stderr and a gate
(a pipe); the reply is the id of the process that runs the program once the gate is closed.

The program must not see a difference to a cold start: no additional module stays loaded, and no
frame of the server is visible.
"""

# `_LOADED` has to be taken before any other import: hence the order.
# ruff: noqa: BLE001, E402, PTH109, PTH118, PTH123, S102, SLF001, T201
import sys

_LOADED = set(sys.modules)

import _socket
import atexit
import gc
import io
import os
import time
from types import CodeType, TracebackType
from typing import TextIO

_ARGUMENT = sys.argv[1]
_PATH = os.path.join(os.getcwd(), _ARGUMENT)
#: Frames below the program that count for its recursion limit: two functions and exec.
_OWN_FRAMES = 3
#: A program that takes longer to compile is compiled in each case, within its CPU time.
_FREE_SECONDS = 0.02


def _compiled() -> CodeType:
    with open(_PATH, "rb") as file:
        return compile(file.read(), _PATH, "exec", dont_inherit=True)


def _compiled_ahead() -> CodeType | None:
    """Compile the program; None if that warns, fails or is slow, so that each case repeats it."""
    sys.stderr = said = io.StringIO()
    started = time.process_time()
    try:
        code = _compiled()
    except BaseException:
        return None
    finally:
        sys.stderr = sys.__stderr__
    slow = time.process_time() - started > _FREE_SECONDS
    return None if slow or said.getvalue() else code


def _prepare() -> CodeType | None:
    """Make the interpreter look like a cold start of the program; returns the compiled program."""
    code = _compiled_ahead()
    sys.argv[:] = [_ARGUMENT]
    sys.orig_argv[:] = [*sys.orig_argv[: sys.orig_argv.index("-c")], _ARGUMENT]
    sys.setrecursionlimit(sys.getrecursionlimit() + _OWN_FRAMES)
    for name in set(sys.modules) - _LOADED:
        del sys.modules[name]
    gc.freeze()  # a collection must not write to pages shared with the cases
    main = sys.modules["__main__"] = type(sys)("__main__")
    main.__dict__.update(
        __loader__=sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", _PATH),
        __annotations__={},
        __builtins__=__builtins__,
        __file__=_PATH,
        __cached__=None,
    )
    return code


def _fork_cases(control: _socket.socket) -> list[int]:
    """Return in each forked case, with the descriptors of its message."""
    space = _socket.CMSG_SPACE(16)
    while True:
        data, messages, _, _ = control.recvmsg(1, space)
        if not data:
            os._exit(0)
        given = memoryview(messages[0][2]).cast("i").tolist()
        told, tell = os.pipe()
        between = os.fork()
        if between == 0:
            # The case becomes an orphan, and so a child of the launcher, which supervises it.
            case = os.fork()
            if case == 0:
                return given
            os.write(tell, case.to_bytes(4, sys.byteorder))
            os._exit(0)
        for number in (*given, tell):
            os.close(number)
        os.waitpid(between, 0)
        control.send(os.read(told, 4))
        os.close(told)


def _become_the_case() -> None:
    control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, 3)
    given = _fork_cases(control)
    control.detach()
    os.setsid()
    for number in range(3):
        os.dup2(given[number], number)
    gate = given[3]
    os.closerange(3, gate)
    os.closerange(gate + 1, 256)
    os.read(gate, 1)
    os.close(gate)


def _run(code: CodeType | None) -> int | None:
    """Run the program; returns its exit status, None if it has to end by SIGINT."""
    try:
        exec(code or _compiled(), sys.modules["__main__"].__dict__)
    except SystemExit as stop:
        return _status(stop.code)
    except BaseException as error:
        return _show(error)
    return 0


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -(1 << 63) <= code < 1 << 63 else 0xFF
    print(code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> int | None:
    trace = _below(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    try:
        sys.excepthook(type(error), error, trace)
    except SystemExit as stop:
        return _status(stop.code)
    return None if type(error) is KeyboardInterrupt else 1


def _below(error: BaseException) -> TracebackType | None:
    """Remove the server's frames from an exception."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    error.__traceback__ = trace
    return trace


def _end(status: int | None) -> None:
    """Exit in the order of a normal exit, without finalizing the whole interpreter."""
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    atexit._run_exitfuncs()
    flushed = _flush(sys.stdout) and _flush(sys.stderr)
    gc.collect()  # twice, because that is the order of a normal exit
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, name, getattr(sys, f"__{name}__"))
    sys.last_type = sys.last_value = sys.last_traceback = None
    sys.modules.pop("__main__", None)
    gc.collect()
    if flushed:
        _flush(sys.stdout)
    if status is None:
        signals = sys.modules["_signal"]
        signals.signal(signals.SIGINT, signals.SIG_DFL)
        os.kill(os.getpid(), signals.SIGINT)
    os._exit((status or 0) if flushed else 120)


def _flush(stream: TextIO | None) -> bool:
    try:
        if stream is not None and not stream.closed:
            stream.flush()
    except BaseException as error:
        if stream is sys.stdout:
            print(f"Exception ignored in: {stream!r}", file=sys.stderr)
            sys.__excepthook__(type(error), error, _below(error))
        return False
    return True


_PROGRAM = _prepare()
_become_the_case()
_end(_run(_PROGRAM))
