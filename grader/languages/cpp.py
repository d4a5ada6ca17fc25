"""C++17 and C++20 with GNU extensions."""

from __future__ import annotations

from grader.languages.model import Language


def _cpp(year: str, *aliases: str) -> Language:
    """Create the language of one C++ standard."""
    return Language(
        name=f"cpp{year}",
        title=f"C++{year}",
        aliases=(f"c++{year}", *aliases),
        extension="cpp",
        version_argv=("g++", "--version"),
        compile_argv=(
            *("g++", "-x", "c++", f"-std=gnu++{year}", "-O2", "-pipe", "-DONLINE_JUDGE"),
            *("-fmax-errors=20", "-fdiagnostics-color=never", "-o", "program"),
            # Directory of the optional precompiled header; see `grader.sandbox.headers`.
            *("-I", f"../../include/cpp{year}", "../compile/solution.cpp"),
        ),
        run_argv=("../run/program",),
        policy="native",
        processes=16,
        bound_address_space=True,
        out_of_memory=(b"std::bad_alloc",),
        # Without <iostream>, which takes ten times as long to compile at the worker's start.
        self_test="""\
#include <cstdio>
int main() {
    long a, b;
    if (std::scanf("%ld %ld", &a, &b) != 2) return 1;
    std::printf("%ld\\n", a + b);
}
""",
    )


CPP17 = _cpp("17")
CPP20 = _cpp("20", "cpp", "c++", "g++")
