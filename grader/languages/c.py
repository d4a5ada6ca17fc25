"""C, by the language standard of 2017 with GNU extensions."""

from __future__ import annotations

from grader.languages.model import Language

C = Language(
    name="c",
    aliases=("c17", "gcc"),
    extension="c",
    compile_argv=(
        *("gcc", "-x", "c", "-std=gnu17", "-O2", "-pipe", "-DONLINE_JUDGE"),
        *("-fmax-errors=20", "-fdiagnostics-color=never", "-o", "program"),
        *("../compile/solution.c", "-lm"),
    ),
    run_argv=("./program",),
    policy="native",
    bound_address_space=True,
    processes=16,
)
