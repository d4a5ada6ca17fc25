"""Python 3, as the image has it."""

from __future__ import annotations

from grader.languages.model import Language

PYTHON = Language(
    name="python",
    title="Python 3",
    aliases=("python3", "py"),
    extension="py",
    version_argv=("python3", "--version"),
    # Isolated: nothing is imported from the working directory, no bytecode is written.
    run_argv=("python3", "-I", "-B", "solution.py"),
    policy="interpreted",
    processes=16,
    bound_address_space=True,
    least_memory_mb=16,
    out_of_memory=(b"MemoryError",),
    self_test="print(sum(map(int, input().split())))\n",
)
