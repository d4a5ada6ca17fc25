"""Limits hold exactly, with real programs that use a measured amount of something."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engine

#: Uses the CPU milliseconds that it is told, by its own CPU clock.
BURN = """
#include <stdio.h>
#include <time.h>
int main(void)
{
	long wanted;
	struct timespec used;
	if (scanf("%ld", &wanted) != 1)
		return 1;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < wanted);
	puts("done");
}
"""
HELLO = '#include <stdio.h>\nint main(void) { puts("done"); }\n'
#: Writes as many bytes as it is told.
WRITE = r"""
#include <stdio.h>
int main(void)
{
	long wanted;
	if (scanf("%ld", &wanted) != 1)
		return 1;
	while (wanted--)
		putchar('x');
}
"""
MB = 1 << 20


@pytest.mark.parametrize(("used_ms", "verdict"), [(480, "AC"), (520, "TLE")])
def test_cpu_time_is_exact_to_twenty_milliseconds(bench: Any, used_ms: int, verdict: str) -> None:
    """Either side of a limit of 500 ms, however busy the machine is."""
    bench.case("1", f"{used_ms}\n", "done\n")
    grade = bench.verdict(BURN, "c", problem_id="p", time_limit=500)

    assert grade.verdict == verdict, grade
    if verdict == "AC":
        assert abs(grade.execution_time - used_ms) <= 20


def test_a_native_program_is_charged_with_no_more_than_it_uses(bench: Any) -> None:
    """The floor of what is measured lies below 2 MB: nothing of the worker counts."""
    bench.case("1", "", "done\n")
    grade = bench.verdict(HELLO, "c", problem_id="p")

    assert 0 < grade.memory_kb < 2048


@pytest.mark.parametrize(("more", "verdict"), [(0, "AC"), (1, "OLE")])
def test_the_output_limit_is_exact(bench: Any, more: int, verdict: str) -> None:
    """A full allowance is no offence, one byte more is."""
    bench.put("problems/p/problem.yaml", "limits:\n  output: 1\n")
    bench.case("1", f"{MB + more}\n", "x" * MB)

    assert bench.verdict(WRITE, "c", problem_id="p").verdict == verdict


def test_processes_are_bounded(bench: Any) -> None:
    """Sixteen at once, the program itself among them; the next one is refused."""
    source = (
        "import os, signal\n"
        "count = 1\n"
        "try:\n"
        "    while count < 100:\n"
        "        if os.fork() == 0: signal.pause()\n"
        "        count += 1\n"
        "except OSError: pass\n"
        "print(count)\n"
    )
    bench.case("1", "", "16\n")
    grade = bench.verdict(source, problem_id="p")

    assert grade.verdict == "AC", bench.execution_log()


@pytest.mark.parametrize(("setting", "answer"), [("false", "refused\n"), ("true", "kept\n")])
def test_files_can_be_made_only_where_the_problem_allows_it(
    bench: Any, setting: str, answer: str
) -> None:
    """And what one case has left is not there for the next."""
    source = (
        "import os\n"
        "try:\n"
        "    assert not os.path.exists('notes')\n"
        "    with open('notes', 'w') as file: file.write('kept')\n"
        "    print(open('notes').read())\n"
        "except OSError: print('refused')\n"
    )
    bench.put("problems/p/problem.yaml", f"allow_file_writing: {setting}\n")
    for name in ("1", "2"):
        bench.case(name, "", answer)
    grade = bench.verdict(source, problem_id="p")

    assert grade.verdict == "AC", bench.execution_log()


def test_a_limit_of_one_millisecond_is_a_limit(bench: Any) -> None:
    """Little can be computed in it, and that is told as what it is."""
    source = "for _ in range(1_000_000): pass\nprint(2 * int(input()))"
    grade = bench.verdict(source, time_limit=1)

    assert grade.verdict == "TLE"
    assert "1 ms allowed" in grade.reason
