"""Python 3, as the image has it."""

from __future__ import annotations

from grader.languages.model import Language

PYTHON = Language(
    name="python",
    aliases=("python3", "py"),
    extension="py",
    # Isolated: nothing is imported from the working directory, no bytecode is written.
    run_argv=("python3", "-I", "-B", "solution.py"),
    policy="interpreted",
    bound_address_space=True,
    processes=16,
    out_of_memory=b"MemoryError",
)
