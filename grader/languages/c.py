"""C17 with GNU extensions."""

from __future__ import annotations

from grader.languages.model import Language

C = Language(
    name="c",
    title="C17",
    aliases=("c17", "gcc"),
    extension="c",
    version_argv=("gcc", "--version"),
    compile_argv=(
        *("gcc", "-x", "c", "-std=gnu17", "-O2", "-pipe", "-DONLINE_JUDGE"),
        *("-fmax-errors=20", "-fdiagnostics-color=never", "-o", "program"),
        *("../compile/solution.c", "-lm"),
    ),
    run_argv=("../run/program",),
    policy="native",
    processes=16,
    bound_address_space=True,
    self_test="""\
#include <stdio.h>
int main(void) {
    long a, b;
    if (scanf("%ld %ld", &a, &b) != 2) return 1;
    printf("%ld\\n", a + b);
}
""",
)
