"""Functions by the API, with a worker and a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_world import ApiProcess, ApiWorld, open_world
from forked_script import GRADER
from sandboxes import many_boxes

from gradectl.local.testing import RunningBroker, RunningDatabase
from grader.adapters.s3 import S3ObjectStore
from grader.client.functions import make_manifest, upload_function
from grader.contract.functions import FunctionAnswer

pytestmark = pytest.mark.engine

SOURCE = b"import json, sys\nprint('Hello,', json.load(sys.stdin)['name'])\n"


@pytest.fixture(scope="module")
def functions(
    activemq: RunningBroker,
    mariadb: RunningDatabase,
    moto_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ApiWorld, ApiProcess]]:
    """A worker that runs functions and grades, and an API, with the function `hello`."""
    folder = tmp_path_factory.mktemp("functions")
    with (
        many_boxes() as launcher,
        open_world(
            moto_server=moto_server, database=mariadb, directory=folder, broker=activemq
        ) as world,
    ):
        contents = {"main.py": SOURCE}
        manifest = make_manifest(
            function_id="hello", runtime="python", entry="main.py", contents=contents
        )
        upload_function(S3ObjectStore(world.aws("s3"), world.bucket), manifest, contents)
        world.start_worker(
            *(GRADER, "worker"),
            LAUNCHER_PATH=str(launcher),
            JOB_HANDLER="grading,function",
            LANGUAGES="python",
        )
        yield world, world.start_api()


def test_a_run_is_answered_in_one_call(functions: tuple[ApiWorld, ApiProcess]) -> None:
    """With the fields of the contract, and the same by GET."""
    world, api = functions
    key = world.make_key("ann")

    answer = api.post("/v1/run", {"functionId": "hello", "inputData": {"name": "Ada"}}, key)

    assert answer.status == 200, answer.body
    found = FunctionAnswer.model_validate(answer.json)
    assert (found.status, found.exit_code, found.stdout) == ("SUCCESS", 0, "Hello, Ada\n")
    assert found.peak_memory_mb > 1
    assert api.get(f"/v1/submissions/{found.request_id}", key).body == answer.body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"functionId": "absent"}, "NOT_FOUND"),
        ({"functionId": "hello"}, "FAILURE"),  # it has no name
        ({"functionId": "hello", "inputData": {"name": "x" * 300_000}}, "FAILURE"),  # its output
    ],
)
def test_the_other_statuses_are_answers_too(
    functions: tuple[ApiWorld, ApiProcess], body: dict[str, Any], status: str
) -> None:
    """With the status code 200: the run was made."""
    world, api = functions

    answer = api.post("/v1/run", body, world.make_key("ann"))

    assert (answer.status, answer.json["status"]) == (200, status)
    assert answer.json["reason"]


def test_runs_at_the_same_time_get_their_own_answers(
    functions: tuple[ApiWorld, ApiProcess],
) -> None:
    """More than there are warm interpreters; another's run is not found."""
    world, api = functions
    ann, bob = world.make_key("ann"), world.make_key("bob")
    names = [f"user {number}" for number in range(12)]

    accepted = [
        api.post(
            "/v1/run",
            {"functionId": "hello", "inputData": {"name": name}, "waitSeconds": 0},
            ann,
        ).json
        for name in names
    ]
    last = api.post("/v1/run", {"functionId": "hello", "inputData": {"name": "last"}}, ann)

    assert last.status == 200
    for name, each in zip(names, accepted, strict=True):
        with api.events(each["requestId"], ann) as events:
            assert list(events)[-1][1]["stdout"] == f"Hello, {name}\n"
        assert api.get(each["url"], bob).status == 404


def test_a_grading_goes_through_the_same_worker(functions: tuple[ApiWorld, ApiProcess]) -> None:
    """The message chooses."""
    world, api = functions
    for name, content in (("1.in", b"1\n"), ("1.ans", b"2\n")):
        world.put(f"problems/next/testcases/{name}", content)
    program = {"problemId": "next", "language": "python", "source": "print(int(input()) + 1)"}

    answer = api.post("/v1/run", {"submission": program}, world.make_key("ann"))

    assert answer.json["result"]["verdict"] == "AC"
