"""
Runs inside the sandbox: a Python that has started, and forks a copy of itself for each case.

Given to `python3 -c` as text, so it imports nothing of ours.  It is as untrusted as what it runs.
Descriptor 3 is the worker's socket.  A message brings stdin, stdout, stderr and a gate; the reply
is the process that waits for the other side to close the gate, and is then the program.
"""

# It must load nothing that a cold start does not load, and does what a start does.
# ruff: noqa: BLE001, PLC0415, PTH109, PTH118, PTH123, S102, SLF001, T201
import _socket
import gc
import os
import sys

_CONTROL = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, 3)
_PATH = sys.argv[1]

gc.freeze()  # so that no collection writes to pages that are shared with every case

while True:
    _data, _control_messages, _, _ = _CONTROL.recvmsg(1, _socket.CMSG_SPACE(16))
    if not _data:
        os._exit(0)
    _given = memoryview(_control_messages[0][2]).cast("i").tolist()
    _told, _tell = os.pipe()
    _between = os.fork()
    if _between == 0:
        # The case becomes an orphan, and so a child of the launcher, which watches it.
        _case = os.fork()
        if _case == 0:
            break
        os.write(_tell, _case.to_bytes(4, sys.byteorder))
        os._exit(0)
    for _number in (*_given, _tell):
        os.close(_number)
    os.waitpid(_between, 0)
    _CONTROL.send(os.read(_told, 4))
    os.close(_told)

for _number in range(3):
    os.dup2(_given[_number], _number)
_gate = os.dup(_given[3])
_CONTROL.detach()
os.read(_gate, 1)
os.closerange(3, 256)
os.setsid()


def _as_if_started() -> None:
    """Run the program with nothing around it that a cold start does not have."""
    # By the name under which a start has it: `importlib` itself would take a millisecond to load.
    loader = sys.modules["_frozen_importlib_external"].SourceFileLoader
    path = os.path.join(os.getcwd(), _PATH)
    main = type(sys)("__main__")
    main.__dict__.update(
        __annotations__={},
        __builtins__=__builtins__,
        __cached__=None,
        __file__=path,
        __loader__=loader("__main__", path),
    )
    sys.modules["__main__"] = main
    del sys.modules["_socket"]
    sys.argv[:] = [_PATH]
    sys.orig_argv[:] = [sys.orig_argv[0], "-I", "-B", _PATH]
    del sys.modules["gc"]
    with open(path, "rb") as file:
        source = file.read()
    status = 0
    try:
        exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
    except SystemExit as stop:
        status = _status(stop.code)
    except BaseException as error:
        trace = error.__traceback__
        sys.excepthook(type(error), error, trace.tb_next if trace else None)
        status = 1
    _end(main.__dict__, status)


def _status(code: object) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _end(names: dict[str, object], status: int) -> None:
    """End in the order of a cold end, without taking the whole interpreter apart first."""
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    import atexit

    atexit._run_exitfuncs()
    for kind in (True, False):
        for name in list(names):
            if name.startswith("_") is kind and name != "__builtins__":
                names[name] = None
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            status = 120  # as Python itself says it
    os._exit(status)


_as_if_started()
