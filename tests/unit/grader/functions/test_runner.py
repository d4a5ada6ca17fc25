"""Functions in the sandbox, put together as a worker does it."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from sandboxes import many_boxes
from structlog.testing import CapturingLogger
from warm_pools import await_ready

from grader.client.functions import make_manifest, upload_function
from grader.contract.functions import (
    MAX_INPUT_BYTES,
    FunctionAnswer,
    FunctionRequest,
    FunctionStatus,
)
from grader.errors import RequestError, SandboxError
from grader.functions.handler import function
from grader.functions.pool import WarmPool
from grader.functions.runner import FunctionRunner
from grader.handlers import HandlerContext
from grader.sandbox import Box
from grader.settings import WorkerSettings
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine

OUTPUT_BYTES = 2000
NUMBERS = itertools.count()
#: Finds the user of a process, which may end meanwhile.
OWNER = """\
def owner(pid):
    try: return os.stat(f'/proc/{int(pid)}').st_uid
    except (OSError, ValueError): return -1
"""


class Functions:
    """One consumer of a worker that runs functions."""

    def __init__(self, store: MemoryObjectStore, runner: FunctionRunner) -> None:
        """Use a runner on a bucket."""
        self.store = store
        self.runner = runner

    @property
    def pool(self) -> WarmPool:
        """The warm boxes of the worker."""
        return self.runner.pool

    def push(self, source: str | bytes, *, runtime: str = "python", **changes: Any) -> str:
        """Push a function of one file; returns its id."""
        function_id = changes.pop("function_id", f"f{next(NUMBERS)}")
        content = source if isinstance(source, bytes) else source.encode()
        changes = {"memory_mb": 128, **changes}
        contents: Mapping[str, bytes] = {"main": content} | changes.pop("files", {})
        manifest = make_manifest(
            function_id=function_id, runtime=runtime, entry="main", contents=contents, **changes
        )
        upload_function(self.store, manifest, contents)
        return function_id

    def call(self, function_id: str, given: object = None, *, warm: bool = True) -> FunctionAnswer:
        """Run a function, in a warm box unless that is not wanted."""
        assert await_ready(self.pool, "python")
        taken = []
        while not warm and (box := self.pool.take("python")):
            taken.append(box)
        request = FunctionRequest(
            request_id=f"req_{next(NUMBERS)}", function_id=function_id, input_data=given
        )
        try:
            result = self.runner(request)
        finally:
            for box in taken:
                self.pool.give_back(box)
        stored = self.store.objects[f"results/{request.request_id}/result.json"]
        assert result.to_json() == stored
        assert (result.status, result.request_id) == ("completed", request.request_id)
        assert result.result is not None
        return result.result

    def run(self, source: str | bytes, given: object = None, **changes: Any) -> FunctionAnswer:
        """Push a function and run it."""
        warm = changes.pop("warm", True)
        return self.call(self.push(source, **changes), given, warm=warm)


@pytest.fixture(scope="module")
def eight_boxes() -> Iterator[Path]:
    """A launcher whose boxes no other test holds."""
    with many_boxes() as launcher:
        yield launcher


@pytest.fixture(scope="module")
def functions(eight_boxes: Path) -> Iterator[Functions]:
    """A worker with Python and C++."""
    parameters = {
        f"{name}_param": "/tests/parameter"
        for name in (
            *("mq_endpoint", "mq_username", "mq_password"),
            *("db_endpoint", "db_name", "db_username", "db_password"),
        )
    }
    settings = WorkerSettings(
        environment="tests",
        grading_bucket="files",
        launcher_path=eight_boxes,
        languages="python,cpp20",
        function_max_output_bytes=OUTPUT_BYTES,
        max_memory_limit_mb=128,
        **parameters,
    )
    store = MemoryObjectStore()
    log = structlog.wrap_logger(CapturingLogger(), processors=[])
    with (
        function(HandlerContext(settings, store, log)) as spec,
        spec.open() as runner,
    ):
        assert (spec.marker, spec.detail) == ("functionId", "functions; warm: python")
        assert isinstance(runner, FunctionRunner)
        yield Functions(store, runner)


def test_no_interpreter_is_left_when_the_worker_ends() -> None:
    """The boxes of the pool are free again, and nothing runs as their users."""
    parameters = {f"db_{each}_param": "/p" for each in ("endpoint", "name", "username", "password")}
    parameters |= {f"mq_{each}_param": "/p" for each in ("endpoint", "username", "password")}
    log = structlog.wrap_logger(CapturingLogger(), processors=[])
    with many_boxes() as launcher:
        settings = WorkerSettings(
            environment="tests",
            grading_bucket="files",
            launcher_path=launcher,
            languages="python",
            **parameters,
        )
        with (
            function(HandlerContext(settings, MemoryObjectStore(), log)) as spec,
            spec.open() as runner,
        ):
            assert isinstance(runner, FunctionRunner)
            assert await_ready(runner.pool, "python")
            users = {user for each in runner.pool._all for user in each.box.users}

        running = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
        assert not [path for path in running if path.exists() and path.stat().st_uid in users]


@pytest.mark.parametrize("warm", [True, False])
def test_a_function_gets_its_input_as_json_and_its_output_is_the_answer(
    functions: Functions, *, warm: bool
) -> None:
    """The same with a warm interpreter and without one."""
    answer = functions.run(
        "import json, sys\nprint(json.load(sys.stdin))\nprint('to stderr', file=sys.stderr)\n",
        {"name": "한국어", "numbers": [1, 2.5, None]},
        warm=warm,
        memory_mb=128,
    )

    assert answer.stdout == "{'name': '한국어', 'numbers': [1, 2.5, None]}\n"
    assert (answer.status, answer.exit_code, answer.reason) == ("SUCCESS", 0, None)
    assert answer.stderr == "to stderr\n"
    assert answer.peak_memory_bytes > 1 << 20
    assert answer.peak_memory_mb == -(-answer.peak_memory_bytes >> 20)
    assert answer.optimization_tip is not None
    assert answer.optimization_tip.startswith("128 MB asked, at most ")


def test_a_compiled_function_is_compiled_once(functions: Functions) -> None:
    """Afterwards its program comes from the cache, so its box is not even used to compile."""
    source = '#include <cstdio>\nint main() { char c; std::scanf("%c", &c); std::putchar(c); }\n'
    function_id = functions.push(source, runtime="cpp20", memory_mb=32)

    first, second = (functions.call(function_id, 7) for _ in range(2))

    assert (first.status, first.stdout) == (second.status, second.stdout) == ("SUCCESS", "7")


@pytest.mark.parametrize(
    ("source", "status", "exit_code", "says"),
    [
        ("import sys; sys.exit(3)", "FAILURE", 3, "exit code 3"),
        ("1 / 0", "FAILURE", 1, "exit code 1"),
        ("import os; os.abort()", "FAILURE", 134, "ended by SIGABRT"),
        ("while True: pass", "TIMEOUT", 137, "CPU time"),
        ("import signal; signal.pause()", "TIMEOUT", 137, "slept or waited"),
        ("a = []\nwhile True: a.append(b'x' * (1 << 20))", "OUT_OF_MEMORY", None, "MB"),
        ("def", "FAILURE", -1, "does not compile"),
        (b"\xff\x00", "FAILURE", -1, "does not compile"),
        ("", "SUCCESS", 0, None),
    ],
)
def test_the_end_of_a_run_is_a_status(
    functions: Functions, source: str | bytes, status: str, exit_code: int | None, says: str | None
) -> None:
    """Each is a result with a reason, and not a failed request that would be tried again."""
    answer = functions.run(source, memory_mb=32, timeout_ms=300)

    assert answer.status == status
    assert exit_code in (None, answer.exit_code)
    assert (says is None and answer.reason is None) or says in str(answer.reason)
    assert ("; try" in str(answer.optimization_tip)) is (status == "OUT_OF_MEMORY")


def test_the_tip_of_a_run_does_not_contradict_its_end(functions: Functions) -> None:
    """Refused memory has a low peak; what failed early does not tell what a success needs."""
    source = "import json, sys\nif n := json.load(sys.stdin): x = b'x' * n\n"
    function_id = functions.push(source + "if n == 1: sys.exit(1)\n", memory_mb=64)

    tips = [functions.call(function_id, n).optimization_tip for n in (1 << 30, 1, 0, 1 << 30)]

    more = "64 MB asked, not enough for this run; try 128 MB"
    assert [tips[0], tips[1], tips[3]] == [more, None, more]
    assert "in the last successful run; " in str(tips[2])


def test_a_fork_bomb_ends_at_one_of_the_limits(functions: Functions) -> None:
    """Of memory or of time, whatever comes first; the next run is as any other."""
    bomb = "import os\nwhile True:\n try: os.fork()\n except OSError: pass"

    assert functions.run(bomb, timeout_ms=500).status in ("OUT_OF_MEMORY", "TIMEOUT")
    assert functions.run("print(1)").stdout == "1\n"


def test_a_flood_of_output_ends_the_run_and_is_cut(functions: Functions) -> None:
    """On both streams; SIGXFSZ is the signal of a program that writes more than it may."""
    answer = functions.run("import sys\nwhile True: print('x' * 999); sys.stderr.write('y' * 999)")

    assert (answer.status, answer.exit_code) == ("FAILURE", 153)
    assert len(answer.stdout.encode()) == OUTPUT_BYTES
    assert len(answer.stderr.encode()) <= OUTPUT_BYTES


def test_output_that_is_not_text_is_replaced(functions: Functions) -> None:
    """The answer is valid JSON whatever a function writes."""
    source = r"import sys; sys.stdout.buffer.write(b'\xff\x00\x1b\xed\xa0\x80')"

    answer = functions.run(source)

    assert answer.stdout == "\ufffd\x00\x1b\ufffd\ufffd\ufffd"
    assert FunctionAnswer.model_validate_json(answer.to_json()) == answer


def test_the_largest_output_fits_into_a_result(functions: Functions) -> None:
    """Worst case: each byte is escaped in the JSON."""
    source = f"import sys\nfor each in sys.stdout, sys.stderr: each.write('\\x01' * {OUTPUT_BYTES})"

    answer = functions.run(source)

    largest = WorkerSettings.model_fields["function_max_output_bytes"].metadata[1].le
    assert answer.status == FunctionStatus.SUCCESS
    assert len(answer.to_json()) * largest / OUTPUT_BYTES < 6 << 20


def test_a_function_that_does_not_exist_is_not_found(functions: Functions) -> None:
    """That is an answer too."""
    answer = functions.call("absent")

    assert (answer.status, answer.exit_code) == ("NOT_FOUND", -1)
    assert answer.optimization_tip is None


def test_other_files_of_a_function_are_next_to_its_entry(functions: Functions) -> None:
    """Data, and modules once the directory is on the path."""
    answer = functions.run(
        "import sys\nfrom pathlib import Path\n"
        "here = Path(__file__).parent\nsys.path.insert(0, str(here))\n"
        "import helper\nprint(helper.VALUE, (here / 'data.txt').read_text())",
        files={"helper.py": b"VALUE = 42", "data.txt": b"data"},
    )

    assert answer.stdout == "42 data\n"


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"timeout_ms": 30_001}, "LIMIT_TOO_HIGH", "timeout of the function: 30001 ms"),
        ({"memory_mb": 129}, "LIMIT_TOO_HIGH", "memory of the function: 129 MB"),
        ({"runtime": "cobol"}, "UNKNOWN_LANGUAGE", "unknown language 'cobol'"),
        ({"runtime": "java"}, "UNKNOWN_LANGUAGE", "turned off"),
        ({"files": {"solution.py": b""}}, "FUNCTION_INVALID", "only the entry may be named"),
    ],
)
def test_a_function_that_no_worker_can_run_fails_its_request(
    functions: Functions, changes: dict[str, Any], code: str, says: str
) -> None:
    """With the reason, and without a retry."""
    with pytest.raises(RequestError, match=says) as caught:
        functions.run("print(1)", **changes)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "says"),
    [("x" * MAX_INPUT_BYTES, "1048578 bytes"), (float("inf"), "no such number")],
)
def test_an_input_that_cannot_be_passed_on_fails_its_request(
    functions: Functions, given: object, says: str
) -> None:
    """Before anything is read."""
    with pytest.raises(RequestError, match=says):
        functions.call("absent", given)


def test_nothing_of_a_run_is_left_for_the_next(functions: Functions) -> None:
    """Neither a process, nor a module's state, nor a file; the box is another or was renewed."""
    leaves = functions.push(
        "import json, os, signal, sys\n"
        "json.left = True\n"
        "for place in ('.', '../run', '/tmp', '/dev/shm'):\n"
        "    try: open(f'{place}/left', 'w')\n"
        "    except OSError: pass\n"
        "if os.fork() == 0: os.setsid(); signal.pause()\n"
    )
    looks = functions.push(
        "import json, os\n"
        "places = ('.', '../run', '/tmp', '/dev/shm')\n"
        f"{OWNER}"
        "mine = [pid for pid in os.listdir('/proc') if owner(pid) == os.getuid()]\n"
        "print(hasattr(json, 'left'), [p for p in places if os.path.exists(f'{p}/left')],\n"
        "      len(mine))\n"
    )
    boxes = functions.pool.size

    for _ in range(boxes + 1):
        assert functions.call(leaves).status == FunctionStatus.SUCCESS
    said = [functions.call(looks).stdout for _ in range(boxes + 1)]

    assert said == ["False [] 2\n"] * (boxes + 1)  # the function and its interpreter


def test_credentials_and_neighbours_are_out_of_reach(functions: Functions, tmp_path: Path) -> None:
    """A warm interpreter has no environment of the worker, and sees no other box or file of it."""
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    secret.chmod(0o600)
    attack = (
        "import json, os, socket, sys\n"
        f"{OWNER}"
        "given, found = json.load(sys.stdin), []\n"
        "def attempt(name, action):\n"
        "    try: found.append((name, repr(action())[:80]))\n"
        "    except OSError: pass\n"
        "for pid in filter(str.isdigit, os.listdir('/proc')):\n"
        "    if owner(pid) != os.getuid():\n"
        "        for name in ('environ', 'mem', 'fd/0', 'cwd/input'):\n"
        "            attempt(f'{pid}/{name}', lambda: open(f'/proc/{pid}/{name}', 'rb').read(1))\n"
        "        attempt(f'kill {pid}', lambda: os.kill(int(pid), 0))\n"
        "attempt('secret', lambda: open(given['secret']).read())\n"
        "attempt('boxes', lambda: os.listdir('../..'))\n"
        "for number in range(given['boxes']):\n"
        "    if os.path.realpath(f'../../slot-{number}') != os.path.realpath('..'):\n"
        "        attempt(number, lambda: os.listdir(f'../../slot-{number}/run'))\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):\n"
        "    attempt('network', lambda: socket.socket(family))\n"
        "names = ('AWS', 'PARAM', 'PASSWORD', 'BUCKET', 'MQ')\n"
        "found += [key for key in os.environ if any(name in key for name in names)]\n"
        "found += [name for name in sys.modules if name.startswith(('grader', 'boto'))]\n"
        "print('safe' if not found else found)\n"
    )

    answer = functions.run(attack, {"secret": str(secret), "boxes": 8}, timeout_ms=10_000)

    assert (answer.stdout, answer.stderr) == ("safe\n", "")


def test_grading_finds_a_box_whatever_the_pool_has(functions: Functions, eight_boxes: Path) -> None:
    """The pool takes boxes of the upper half only."""
    assert await_ready(functions.pool, "python")
    with ExitStack() as stack:
        rest = [stack.enter_context(Box.claim(eight_boxes)).number for _ in range(3)]
        assert rest == [1, 2, 3]  # the first one is the consumer's
    spare = set(range(4, 8)) - {each.box.number for each in functions.pool._all}
    with ExitStack() as stack:
        for _ in spare:
            assert stack.enter_context(Box.claim(eight_boxes, spare=True)).number > 3
        with pytest.raises(SandboxError, match="boxes are taken"):
            stack.enter_context(Box.claim(eight_boxes, spare=True))


def test_the_memory_of_a_warm_interpreter_is_counted(functions: Functions) -> None:
    """With its launcher, from outside of the box."""
    assert await_ready(functions.pool, "python")
    function_id = functions.push("print(1)")
    functions.call(function_id)  # so one of them has certainly started
    assert await_ready(functions.pool, "python")
    warm = functions.pool.take("python")
    assert warm is not None
    try:
        assert 0 < warm.box.resident_kb() < 32 << 10
    finally:
        functions.pool.give_back(warm)


def test_the_json_of_an_answer_has_the_names_of_the_contract(functions: Functions) -> None:
    """For receivers in other languages."""
    document = json.loads(functions.run(f"print({os.getpid()})").to_json())

    assert set(document) == {
        *("requestId", "functionId", "status", "exitCode", "stdout", "stderr"),
        *("durationMillis", "peakMemoryBytes", "peakMemoryMB", "optimizationTip"),
    }
