"""Cases attack their fork server: the next case gets the right result, and no process is left."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from grader.languages import find
from grader.sandbox import Box
from grader.sandbox.fork_server import ForkServer
from grader.sandbox.runs import Role, RunLimits, RunSpec

pytestmark = pytest.mark.engine

PYTHON = find("python")
LIMITS = RunLimits(2000, 20_000, 64, 1 << 20, 16, bound_address_space=True)
#: Finds the server, which is the other process of its user.
FIND = """\
import os, signal, sys
def owner(pid):
    try: return os.stat(f'/proc/{pid}').st_uid
    except OSError: return -1
others = [int(name) for name in os.listdir('/proc') if name.isdigit()
          and owner(name) == os.getuid() and int(name) != os.getpid()]
if input() == 'attack':
"""
ATTACKS = {
    "kills it": "    for pid in others: os.kill(pid, signal.SIGKILL)",
    "stops it": "    for pid in others: os.kill(pid, signal.SIGSTOP)",
    "ends it": "    for pid in others: os.kill(pid, signal.SIGTERM)",
    "kills everyone": "    os.kill(-1, signal.SIGKILL)",
    "stops everyone": "    os.kill(-1, signal.SIGSTOP)",
    "continues and alarms it": (
        "    for pid in others: os.kill(pid, signal.SIGALRM); os.kill(pid, signal.SIGCONT)"
    ),
    "bounds it": (
        "    import resource\n"
        "    for pid in others:\n"
        "        try: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)); print('bounded')\n"
        "        except PermissionError: pass"
    ),
    "writes its memory": (
        "    for pid in others:\n"
        "        for name in ('mem', 'oom_score_adj', 'comm', 'fd/3', 'clear_refs'):\n"
        "            for mode in ('wb', 'r+b', 'ab'):\n"
        "                try: open(f'/proc/{pid}/{name}', mode, buffering=0); print('open', name)\n"
        "                except OSError: pass"
    ),
    "leaves children": (
        "    for _ in range(8):\n        if os.fork() == 0: os.setsid(); signal.pause()"
    ),
    "leaves children that fork": (
        "    for _ in range(3):\n"
        "        if os.fork() == 0:\n"
        "            while True:\n"
        "                try: os.fork()\n"
        "                except OSError: pass"
    ),
    "leaves children that stop others": (
        "    for _ in range(3):\n"
        "        if os.fork() == 0:\n"
        "            while True: os.kill(-1, signal.SIGSTOP)"
    ),
    "takes what it left": (
        "    import ctypes; ctypes.CDLL(None).prctl(36, 1)\n"
        "    if os.fork() == 0:\n"
        "        if os.fork() == 0: signal.pause()\n"
        "        os._exit(0)"
    ),
    "floods everything open": (
        "    for number in range(256):\n"
        "        try: os.write(number, b'f' * 4)\n"
        "        except OSError: pass"
    ),
    "exits at once": "    os._exit(0)",
    "never ends": "    while True: pass",
}


class Cases:
    """
    Cases of one submission.

    Args:
        box: The box.
        directory: Directory of their files.
        program: The submission.
    """

    def __init__(self, box: Box, directory: Path, program: str) -> None:
        """Store the program in the box."""
        self.box = box
        self.spec = RunSpec(
            role=Role.RUN,
            policy=PYTHON.policy,
            argv=PYTHON.run_argv,
            limits=LIMITS,
            stdin=directory / "stdin",
            stdout=directory / "stdout",
            stderr=directory / "stderr",
            server_argv=PYTHON.server_argv,
        )
        box.store(Role.RUN, PYTHON.program_file, program.encode())

    def run(self, stdin: str, **changes: object) -> tuple[str, bytes]:
        """Run a case; returns the reason and the output."""
        self.spec.stdin.write_text(stdin)
        outcome = self.box.run(replace(self.spec, **changes))  # type: ignore[arg-type]
        return outcome.reason, self.spec.stdout.read_bytes()

    def servers(self) -> list[int]:
        """Processes between two cases."""
        return self.box.survivors()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_server_does_not_affect_the_next_case(
    box: Box, tmp_path: Path, name: str
) -> None:
    """The next case has the right output, and between the two only a server may be running."""
    cases = Cases(box, tmp_path, f"{FIND}{ATTACKS[name]}\nelse: print('right', len(others))\n")
    assert cases.run("honest\n") == ("ended", b"right 1\n")

    _, output = cases.run("attack\n")
    between = cases.servers()

    assert b"open" not in output
    assert b"bounded" not in output
    assert len(between) <= 1
    assert cases.run("honest\n") == ("ended", b"right 1\n")
    box.clean()
    assert box.survivors() == []


def test_a_server_serves_all_cases_of_one_submission(box: Box, tmp_path: Path) -> None:
    """It ends with the submission, so the next one has a fresh interpreter."""
    cases = Cases(box, tmp_path, "print(input())")
    servers = set()
    for number in range(5):
        assert cases.run(f"{number}\n") == ("ended", f"{number}\n".encode())
        servers |= set(cases.servers())

    assert len(servers) == 1
    box.clean()
    assert cases.servers() == []


def test_another_kind_of_run_gets_another_server(box: Box, tmp_path: Path) -> None:
    """Limits are those of the case, not of the previous one."""
    cases = Cases(box, tmp_path, "import resource as r; print(r.getrlimit(r.RLIMIT_CPU))")
    said = [cases.run("", limits=replace(LIMITS, cpu_ms=ms))[1] for ms in (1000, 3000, 1000)]

    assert said == [b"(2, 2)\n", b"(4, 4)\n", b"(2, 2)\n"]


def test_a_server_with_higher_limits_starts_runs_with_their_own(box: Box, tmp_path: Path) -> None:
    """It may start before it is known what it will run; the watch has the limits of the run."""
    cases = Cases(box, tmp_path, "a = input()\nwhile a: a += 'x' * (1 << 20)")
    highest = replace(LIMITS, cpu_ms=9000, memory_mb=256)
    box.warm_up(replace(cases.spec, limits=highest, server_limits=highest))
    before = cases.servers()

    assert cases.run("\n", server_limits=highest) == ("ended", b"")
    assert len(before) == 1
    assert cases.servers() == before
    assert cases.run("fill\n", server_limits=highest)[0] == "memory"


def test_a_run_of_another_role_keeps_the_server(box: Box, tmp_path: Path) -> None:
    """A checker runs between cases."""
    cases = Cases(box, tmp_path, "print('right')")
    cases.run("")
    before = cases.servers()

    box.store(Role.CHECKER, "check.py", b"print('checked')")
    checker = (Role.CHECKER, ("python3", "../checker/check.py"))
    assert cases.run("", role=checker[0], argv=checker[1], server_argv=()) == (
        "ended",
        b"checked\n",
    )

    assert cases.servers() == before
    assert cases.run("") == ("ended", b"right\n")


@pytest.mark.parametrize("changes", [{"writable": True}, {"inputs": (Path(os.devnull),)}])
def test_runs_that_cannot_be_forked_start_cold(
    box: Box, tmp_path: Path, changes: dict[str, object]
) -> None:
    """Extra inputs, and files: there a case could write the memory of its server."""
    cases = Cases(box, tmp_path, "print('right')")

    assert cases.run("", **changes) == ("ended", b"right\n")
    assert cases.servers() == []


@pytest.mark.parametrize(
    "server",
    [
        ("python3", "-c", "pass"),
        ("python3", "-c", "import os; os.write(3, b'no')"),
        ("python3", "-c", "import os; os.write(3, bytes([255]) * 4); input()"),
    ],
)
def test_a_broken_server_leads_to_cold_starts(
    box: Box, tmp_path: Path, server: tuple[str, ...]
) -> None:
    """No more servers are tried for this submission."""
    cases = Cases(box, tmp_path, "print('right')")

    for _ in range(3):
        assert cases.run("", server_argv=server) == ("ended", b"right\n")
    assert cases.servers() == []


def test_usage_of_the_server_is_not_counted(box: Box, tmp_path: Path) -> None:
    """CPU time and memory of a forked case are its own."""
    cases = Cases(box, tmp_path, "x = bytearray(20 << 20)")
    cold = cases.box.run(replace(_given(cases), server_argv=()))
    warm = [cases.box.run(_given(cases)) for _ in range(3)]

    assert all(outcome.cpu_us < cold.cpu_us for outcome in warm)
    assert all(abs(outcome.peak_kb - cold.peak_kb) < 4096 for outcome in warm)


def _given(cases: Cases) -> RunSpec:
    cases.spec.stdin.write_text("")
    return cases.spec


def test_a_server_killed_by_a_case_does_not_change_its_usage(box: Box, tmp_path: Path) -> None:
    """Usage of the server is not subtracted from that of the case."""
    program = f"{FIND}    os.kill(others[0], signal.SIGKILL)\n    x = bytearray(70 << 20)\n"
    cases = Cases(box, tmp_path, program)
    limits = replace(LIMITS, bound_address_space=False)

    cases.run("honest\n", limits=limits)

    peak = cases.box.run(replace(_attack(cases), limits=limits)).peak_kb
    assert peak > LIMITS.memory_mb << 10


def _attack(cases: Cases) -> RunSpec:
    cases.spec.stdin.write_text("attack\n")
    return cases.spec


def test_an_impossible_process_id_is_ignored(tmp_path: Path) -> None:
    """A server may send any four bytes."""
    spec = RunSpec(Role.RUN, "interpreted", (), LIMITS, tmp_path, tmp_path, tmp_path)
    server, theirs = ForkServer.pair(spec)
    with theirs:
        theirs.send(b"\xff" * 4)
        assert server.fork([0, 1, 2]) is None
    server.close()
