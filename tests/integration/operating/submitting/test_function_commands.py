"""`gradectl function` with a worker that grades and runs functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sample_submissions import EXAMPLES, sample, submit

from grader.contract.names import RESULTS_QUEUE

pytestmark = pytest.mark.engine

FUNCTIONS = EXAMPLES / "functions"


def function(grading: Any, *arguments: str) -> Any:
    """Run a command of the group."""
    return grading.gradectl("function", *arguments, "--output", "json", "--timeout", "60")


@pytest.fixture(scope="module")
def pushed(grading: Any) -> Any:
    """The environment with both example functions."""
    for path in sorted(FUNCTIONS.iterdir()):
        done = function(grading, "push", str(path))
        assert (done.code, done.document["state"]) == (0, "new"), done.stderr
    return grading


@pytest.mark.parametrize(
    ("name", "given", "answer"),
    [
        ("hello-python", {"name": "Ada"}, {"message": "Hello, Ada!"}),
        ("hello-cpp", [1, 2, 39], {"sum": 42}),
    ],
)
def test_the_example_functions_run(pushed: Any, name: str, given: object, answer: object) -> None:
    """Answer, object, row and result message are the same."""
    done = function(pushed, "run", name, "--input", json.dumps(given))

    assert done.code == 0, done.stderr
    request_id, result = done.document["request_id"], done.document["result"]
    assert json.loads(result["result"]["stdout"]) == answer
    assert result["result"]["status"] == "SUCCESS"
    found = pushed.gradectl("result", request_id, "--output", "json").document
    assert (found["state"], found["result"], found["row"]["result"]) == ("finished", result, result)
    assert [each["queue"] for each in found["messages"]] == [RESULTS_QUEUE]


def test_one_worker_grades_and_runs_functions_from_the_same_queues(pushed: Any) -> None:
    """The message chooses; the urgent queue has both kinds too."""
    graded = submit(pushed, sample("accepted.py"))
    ran = function(pushed, "run", "hello-python", "--priority")

    assert graded.document["result"]["result"]["verdict"] == "AC"
    assert json.loads(ran.document["result"]["result"]["stdout"]) == {"message": "Hello, world!"}


def test_the_list_shows_what_the_last_runs_used(pushed: Any) -> None:
    """And the suggestion with its evidence."""
    assert function(pushed, "run", "hello-python").code == 0

    listed = function(pushed, "list").document["functions"]

    found = next(each for each in listed if each["function_id"] == "hello-python")
    assert (found["runtime"], found["memory_mb"], found["error"]) == ("python", 64, None)
    assert found["runs"] >= 1
    assert 1 < found["peak_mb"] < found["suggested_mb"] < 64
    assert found["tip"].startswith("64 MB asked, at most ")
    table = pushed.gradectl("function", "list").stdout
    assert found["tip"] in table


def test_the_list_needs_no_database_and_shows_invalid_functions(pushed: Any) -> None:
    """The last runs are then not known; a warning has the reason."""
    bucket, key = pushed.bucket, "functions/broken/manifest.json"
    pushed.client("s3").put_object(Bucket=bucket, Key=key, Body=b"{}")
    endpoint = pushed.database.endpoint
    pushed.set_parameter("db/endpoint", "127.0.0.1:1")
    try:
        done = function(pushed, "list")
        table = pushed.gradectl("function", "list").stdout
    finally:
        pushed.set_parameter("db/endpoint", endpoint)
        pushed.client("s3").delete_object(Bucket=bucket, Key=key)

    assert done.code == 0, done.stderr
    broken, *_ = (each for each in done.document["functions"] if each["function_id"] == "broken")
    assert "functionId: Field required" in broken["error"]
    assert {each["runs"] for each in done.document["functions"]} == {None}
    assert "warning: last runs are not known: " in done.stderr
    assert "broken: invalid manifest" in table


def test_a_function_is_replaced_and_deleted(pushed: Any, tmp_path: Path) -> None:
    """A worker runs the new version within two seconds, and answers NOT_FOUND after the end."""
    folder = tmp_path / "replaced"
    folder.mkdir()
    (folder / "function.yaml").write_text("runtime: python\nentry: main.py\n")
    states = []
    for text in ("one", "one", "two"):
        (folder / "main.py").write_text(f"print({text!r})")
        for option in (("--dry-run",), ()):
            done = function(pushed, "push", str(folder), *option)
            states.append(done.document["state"])
    assert states == ["new", "new", "unchanged", "unchanged", "changed", "changed"]
    done = function(pushed, "run", "replaced")
    assert done.document["result"]["result"]["stdout"] == "two\n"

    assert function(pushed, "delete", "replaced", "--dry-run").document["objects"] == 3
    assert function(pushed, "delete", "replaced", "--yes").document["objects"] == 3

    absent = function(pushed, "run", "replaced")
    assert absent.code == 1
    assert "function 'replaced' not found" in absent.stderr
    assert not [key for key in pushed.stored() if key.startswith("functions/replaced/")]


def test_a_failing_function_is_shown_with_its_output(pushed: Any, tmp_path: Path) -> None:
    """Exit code 1, and both streams below the table."""
    folder = tmp_path / "failing"
    folder.mkdir()
    (folder / "function.yaml").write_text("runtime: python\nentry: main.py\nmemory: 16\n")
    (folder / "main.py").write_text("print('before'); raise SystemExit('reason')")
    assert function(pushed, "push", str(folder)).code == 0

    done = pushed.gradectl("function", "run", "failing", "--timeout", "60")

    assert done.code == 1
    for text in ("FAILURE", "exit code 1", "stdout:\nbefore", "stderr:\nreason"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "hello-python", "--input", "{"), "not JSON"),
        (("run", "hello-python", "--input", "NaN"), "NaN is not a number of JSON"),
        (("run", "hello-python", "--input", "@absent.json"), "cannot be read"),
        (("run", "../hello"), "NAME: String should match"),
        (("run", "helo-python"), "did you mean 'hello-python'?"),
        (("delete", "absent", "--yes"), "function 'absent' not found"),
    ],
)
def test_a_wrong_command_line_sends_nothing(
    pushed: Any, arguments: tuple[str, ...], says: str
) -> None:
    """The error says what to write."""
    done = function(pushed, *arguments)

    assert done.code in (1, 64)
    assert says in done.stderr


def test_an_input_is_read_from_a_file(pushed: Any, tmp_path: Path) -> None:
    """A dry run shows the request."""
    (tmp_path / "input.json").write_text('{"name": "어서"}')

    done = function(
        pushed, "run", "hello-python", "--dry-run", "--input", f"@{tmp_path / 'input.json'}"
    )

    assert done.document["request"]["inputData"] == {"name": "어서"}
    assert done.document["result"] is None
