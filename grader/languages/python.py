"""Python 3 of the image."""

from __future__ import annotations

from grader.languages.model import Language
from grader.languages.packing import packed

#: Passed as text, because the sandbox cannot import our modules.
_SERVER = packed("python_server.py")
#: The input of a function is JSON; importing the module takes longer than a short function runs.
_FUNCTION_SERVER = f"import json\n{_SERVER}"

#: Isolated, without bytecode files, and without Python's limit on the digits of an integer, which
#: would make a runtime error of a large input or literal. Time and memory are limited anyway.
_OPTIONS = ("-I", "-B", "-X", "int_max_str_digits=0")

#: Checks the syntax once, so that an error is one compile error and not one per case.
_CHECK = """\
import sys
sys.tracebacklimit = 0
with open('../compile/solution.py', 'rb') as file:
    source = file.read()
compile(source, 'solution.py', 'exec')
with open('solution.py', 'wb') as file:
    file.write(source)
"""

PYTHON = Language(
    name="python",
    title="Python 3",
    aliases=("python3", "py"),
    extension="py",
    version_argv=("python3", "--version"),
    compile_argv=("python3", *_OPTIONS, "-S", "-c", _CHECK),
    compile_seconds=10,
    compile_memory_mb=256,
    program_file="solution.py",
    run_argv=("python3", *_OPTIONS, "../run/solution.py"),
    server_argv=("python3", *_OPTIONS, "-c", _SERVER, "../run/solution.py"),
    function_server_argv=("python3", *_OPTIONS, "-c", _FUNCTION_SERVER, "../run/solution.py"),
    policy="interpreted",
    processes=16,
    bound_address_space=True,
    least_memory_mb=16,
    out_of_memory=(b"MemoryError",),
    self_test="print(sum(map(int, input().split())))\n",
)
