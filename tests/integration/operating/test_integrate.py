"""The programs of docs/integrate.md, run as they stand against a real broker and worker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
CLIENTS = ROOT / "examples" / "clients"
PAGE = (ROOT / "docs" / "integrate.md").read_text()
#: The environment that the page names.
PAGES_NAME = "exams"
NODE_PROGRAMS = ("stompit.js", "stompjs.js", "stomp-client.js")
without_npm = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm is not installed; see https://nodejs.org"
)


@pytest.fixture(scope="module")
def own_broker(guarded: Callable[[str], Any]) -> Any:
    """A broker that checks rights, and its user of the workers."""
    return guarded("worker")


@pytest.fixture(scope="module")
def grading(
    make_applied: Callable[[], Any],
    guarded: Callable[[str], Any],
    launcher: Path,
    empty_queues: Callable[[Any], None],
) -> Iterator[Any]:
    """An environment with a broker user per role, one worker, and the problem `sum`."""
    applied = make_applied()
    for user in (guarded("web"), guarded("operator")):
        applied.set_parameter(f"mq-{user.user}/username", user.user)
        applied.set_parameter(f"mq-{user.user}/password", user.password)
    worker = subprocess.Popen(
        [sys.executable, "-m", "grader", "worker"],
        env=applied.worker_environment(launcher),
        stderr=subprocess.DEVNULL,
    )
    pushed = applied.gradectl("problem", "push", str(ROOT / "examples" / "problems" / "sum"))
    assert pushed.code == 0, pushed.stderr
    yield applied
    worker.terminate()
    worker.wait(30)
    applied.stack.close()
    empty_queues(guarded("admin"))  # other files use the same broker


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs, with the packages that the page installs, from the registry."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    (install,) = re.findall(r"^npm install.*$", PAGE, re.MULTILINE)
    output([*install.split(), "--no-audit", "--no-fund"], os.environ, folder)
    return folder


def output(command: list[str], environ: Mapping[str, str], folder: Path) -> str:
    """What a program prints."""
    done = subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environ_of(applied: Any, **region: str) -> dict[str, str]:
    """The variables of a program of a web tier; each SDK has its own variable for the region."""
    return {**applied.environ(), "GRADING_ENVIRONMENT": applied.name, **region}


def results(applied: Any, *selection: str) -> list[str]:
    """The request ids of messages on `grading-results`."""
    found = applied.gradectl("queue", "inspect", "grading-results", *selection, "-o", "json")
    assert found.stdout, found.stderr
    return [each["request_id"] for each in found.document["messages"]]


def test_the_python_program_gets_its_verdict(grading: Any, tmp_path: Path) -> None:
    """Of its own submission."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    program = tmp_path / "program.py"
    program.write_text(block.replace(f'"{PAGES_NAME}"', f'"{grading.name}"'))

    printed = output([sys.executable, str(program)], grading.environ(), tmp_path)

    assert printed == "completed AC 100"


def test_stomp_py_alone_gets_its_verdict(grading: Any, tmp_path: Path) -> None:
    """It takes the message of its request, and leaves those of others."""
    before = results(grading)
    environ = environ_of(grading, AWS_DEFAULT_REGION="ap-northeast-2")

    printed = output([sys.executable, str(CLIENTS / "stomp_py.py")], environ, tmp_path)

    assert printed == "completed AC 100"
    assert results(grading) == before


def test_only_the_name_of_jms_selects_a_request(grading: Any) -> None:
    """The name that the header has in STOMP is a subtraction, and matches nothing."""
    sample = str(ROOT / "examples" / "submissions" / "sum" / "accepted.py")
    sent = grading.gradectl("submit", "-p", "sum", "-l", "python", "--wait", sample, "-o", "json")
    request_id = sent.document["request_id"]

    assert results(grading, "--selector", f"JMSCorrelationID='{request_id}'") == [request_id]
    assert results(grading, "--selector", f"correlation-id='{request_id}'") == []


@without_npm
@pytest.mark.parametrize("program", NODE_PROGRAMS)
def test_each_node_client_gets_its_verdict(grading: Any, packages: Path, program: str) -> None:
    """With the rights of the user `web`, over TLS."""
    environ = environ_of(grading, AWS_REGION="ap-northeast-2")

    assert output(["node", program], environ, packages) == "completed AC 100"
