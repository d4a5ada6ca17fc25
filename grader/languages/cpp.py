"""C++, by the language standard of 2020 with GNU extensions."""

from __future__ import annotations

from grader.languages.model import Language

CPP = Language(
    name="cpp",
    aliases=("c++", "cpp20", "g++"),
    extension="cpp",
    compile_argv=(
        *("g++", "-x", "c++", "-std=gnu++20", "-O2", "-pipe", "-DONLINE_JUDGE"),
        *("-fmax-errors=20", "-fdiagnostics-color=never", "-o", "program"),
        "../compile/solution.cpp",
    ),
    run_argv=("./program",),
    policy="native",
    bound_address_space=True,
    processes=16,
    out_of_memory=b"std::bad_alloc",
)
