"""`gradectl problem push`, `submit` and `result` with a real worker and sandbox."""

from __future__ import annotations

import json
import os
import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from sample_submissions import EXAMPLES, sample, submit

from grader.contract.names import RESULTS_QUEUE

pytestmark = pytest.mark.engine

SAMPLES = yaml.safe_load((EXAMPLES / "submissions.yaml").read_text())
#: One sample for each way a result is shown; the tests of the demo grade all of them.
SHOWN = ("accepted in Python", "overflows 32 bits", "does not compile", "unknown language")


@pytest.mark.parametrize(
    "each",
    [
        pytest.param(
            each,
            id=each["name"],
            marks=() if each["name"] in SHOWN else pytest.mark.exhaustive,
        )
        for each in SAMPLES["submissions"]
    ],
)
def test_the_sample_submissions_get_the_expected_results(
    grading: Any, each: dict[str, Any]
) -> None:
    """Of submissions.yaml, which the demo uses: all languages, all verdicts."""
    sample_settings = {**SAMPLES["defaults"], **each}

    done = submit(
        grading,
        *("--language", each["language"], "--any-language", str(EXAMPLES / each["file"])),
        *("--time-limit", str(sample_settings["time_limit_ms"])),
        *("--memory-limit", str(sample_settings["memory_limit_mb"])),
        problem=each["problem"],
    )

    expect = each["expect"]
    result = done.document["result"]
    assert result["status"] == expect["status"]
    if expect["status"] == "completed":
        assert done.code == 0
        assert (result["result"]["verdict"], result["result"]["score"]) == (
            expect["verdict"],
            expect["score"],
        )
    else:
        assert done.code == 1
        assert result["error"]["code"] == expect["error"]


def test_the_verdict_is_shown_as_a_table(grading: Any) -> None:
    """The verdict is in the title, the request id on stderr."""
    done = grading.gradectl(
        *("submit", "--problem", "sum", "--language", "python", "--wait", sample("accepted.py"))
    )

    assert done.code == 0, done.stderr
    assert ": AC, score 100" in done.stdout
    assert "req_" in done.stderr


def folder(path: Path, **samples: str) -> str:
    """A folder of programs for the problem `sum`; samples by file name without extension."""
    (path / "sum").mkdir()
    for name, each in samples.items():
        (path / "sum" / f"{name}.py").write_bytes(Path(sample(each)).read_bytes())
    return str(path)


def test_a_folder_is_submitted_once_however_often_it_is_repeated(
    grading: Any, tmp_path: Path
) -> None:
    """The second run sends nothing and has the same results; progress is on stderr."""
    programs = folder(tmp_path, one="accepted.py", two="accepted.py")
    command = ("submit", programs, "--user", f"user_{uuid.uuid4().hex}")

    first = grading.gradectl(*command, "--wait", "-o", "json")
    second = grading.gradectl(*command, "--wait", "-o", "json")
    shown = grading.gradectl(*command)

    assert first.code == second.code == shown.code == 0, first.stderr + second.stderr
    found = first.document["submissions"]
    assert [(each["file"], each["state"]) for each in found] == [
        ("sum/one.py", "completed"),
        ("sum/two.py", "completed"),
    ]
    assert {each["result"]["result"]["verdict"] for each in found} == {"AC"}
    assert first.stderr.count("sent as req_") == 2
    again = second.document["submissions"]
    assert [each["result"] for each in again] == [each["result"] for each in found]
    assert "sent as" not in second.stderr + shown.stderr
    assert "2 of 2: sum/two.py: AC, score 100" in second.stderr
    assert second.stderr.count("graded before") == 2
    assert "2 of 2 programs" in shown.stdout


def test_a_folder_with_a_file_that_cannot_be_submitted_is_not_sent(
    grading: Any, tmp_path: Path
) -> None:
    """Nor in a dry run, nor for an unknown problem."""
    programs = folder(tmp_path, one="accepted.py")
    before = grading.stored()
    dry = grading.gradectl("submit", programs, "--dry-run", "-o", "json")
    (tmp_path / "sum" / "notes.txt").write_text("to do")
    wrong = grading.gradectl("submit", programs)
    (tmp_path / "sum" / "notes.txt").unlink()
    (tmp_path / "sum").rename(tmp_path / "som")
    unknown = grading.gradectl("submit", programs)

    assert (dry.code, wrong.code, unknown.code) == (0, 64, 1)
    assert dry.document["submissions"][0]["state"] == "would be sent"
    assert "sum/notes.txt: no language has the extension .txt" in wrong.stderr
    assert "problem 'som' not found" in unknown.stderr
    assert grading.stored() == before


def test_an_interrupted_folder_names_what_was_sent(grading: Any, tmp_path: Path) -> None:
    """And the commands that go on."""
    process = grading.start("submit", folder(tmp_path, one="sleeps.py"), "--wait")
    assert process.stderr is not None
    sent = next(line for line in process.stderr if "sent as" in line)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)

    assert process.returncode == 130, rest
    request_id = sent.split()[-1]
    assert f"next: gradectl result -e {grading.name} {request_id}" in rest
    assert "the same command sends only what has no result yet" in rest
    # When the worker has done the next request, it stores no result of this one in a later test.
    assert submit(grading, "--language", "python", sample("accepted.py")).code == 0


def test_the_request_id_leads_to_the_result(grading: Any) -> None:
    """`submit` without --wait prints the request id; `result` shows the result."""
    sent = grading.gradectl(
        *("submit", "-p", "sum", "-l", "py", "--priority", "-o", "json", sample("accepted.py"))
    )
    assert sent.code == 0, sent.stderr
    request_id = sent.document["request_id"]
    assert sent.document["queue"] == "grading-priority"
    assert request_id in sent.stderr
    submit(grading, "--language", "python", sample("accepted.py"))  # graded after the other

    found = grading.gradectl("result", request_id, "-o", "json")

    assert found.code == 0, found.stderr
    document = found.document
    assert document["state"] == "finished"
    assert document["result"]["result"]["verdict"] == "AC"
    assert document["row"]["queue"] == "grading-priority"
    assert [each["queue"] for each in document["messages"]] == [RESULTS_QUEUE]
    assert document["not_asked"] == []


def test_a_result_is_shown_without_database_and_broker(grading: Any) -> None:
    """The bucket suffices for the verdict; a warning names the other sources."""
    request_id = submit(grading, "-l", "c", sample("accepted.c")).document["request_id"]
    endpoint = grading.broker.endpoint
    grading.set_parameter("mq/broker-endpoint", "stomp+ssl://localhost:1")
    grading.set_parameter("db/endpoint", "127.0.0.1:1")
    try:
        done = grading.gradectl("result", request_id)
    finally:
        grading.set_parameter("mq/broker-endpoint", endpoint)
        grading.set_parameter("db/endpoint", grading.database.endpoint)

    assert done.code == 0
    assert "AC, score 100" in done.stdout
    assert "not asked: database" in done.stderr
    assert "not asked: broker" in done.stderr


def test_an_unknown_request_with_an_unreachable_source_exits_with_69(grading: Any) -> None:
    """That source may have it."""
    grading.set_parameter("db/endpoint", "127.0.0.1:1")
    try:
        done = grading.gradectl("result", "req_none")
    finally:
        grading.set_parameter("db/endpoint", grading.database.endpoint)

    assert done.code == 69
    assert "request 'req_none' not found, but not all sources could be reached" in done.stderr
    assert "where:   database" in done.stderr


def test_an_unknown_request_exits_with_1(grading: Any) -> None:
    """The error has the sources and a next step."""
    done = grading.gradectl("result", "req_none")

    assert done.code == 1
    assert "request 'req_none' not found" in done.stderr
    assert grading.name in done.stderr


def test_an_unknown_language_is_rejected_before_it_is_sent(grading: Any) -> None:
    """The error has the known ones, a similar one, and --any-language."""
    near = grading.gradectl("submit", "-p", "sum", "-l", "pyhton", sample("accepted.py"))
    far = grading.gradectl("submit", "-p", "sum", "-l", "ruby", sample("accepted.rb"))

    assert near.code == far.code == 64
    assert "did you mean 'python'?" in near.stderr
    assert "python, c, cpp" in far.stderr
    assert "--any-language" in far.stderr


def test_an_unknown_problem_exits_with_1(grading: Any) -> None:
    """Before the request is sent."""
    done = grading.gradectl("submit", "-p", "som", "-l", "python", sample("accepted.py"))

    assert done.code == 1
    assert "problem 'som' not found" in done.stderr
    assert "gradectl problem push" in done.stderr


def test_a_file_of_50_mb_exits_with_64_and_nothing_is_stored(grading: Any, tmp_path: Path) -> None:
    """With one error."""
    big = tmp_path / "big.py"
    with big.open("wb") as file:
        file.truncate(50 << 20)
    before = grading.stored()

    done = grading.gradectl("submit", "-p", "sum", "-l", "python", str(big))

    assert done.code == 64
    assert "52428800 bytes" in done.stderr
    assert done.stderr.count("error:") == 1
    assert grading.stored() == before


# An alarm that comes while a connection is opened leaves its socket to the end of the process.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_timeout_exits_with_124_and_a_next_step(grading: Any) -> None:
    """At any moment after the upload: the next step has the id of the request."""
    before, ended = set(grading.stored()), threading.Event()

    def expire() -> None:
        while not {key for key in grading.stored() if key.startswith("submissions/")} - before:
            if ended.wait(0.05):
                return
        os.kill(os.getpid(), signal.SIGALRM)  # what the timer of --timeout sends

    timer = threading.Thread(target=expire)
    handler = signal.signal(signal.SIGALRM, signal.SIG_IGN)  # for an alarm after the command
    timer.start()
    done = grading.gradectl(
        *("submit", "-p", "sum", "-l", "python", "--wait"),
        *("--time-limit", "2000", sample("sleeps.py")),
    )
    ended.set()
    timer.join()
    signal.signal(signal.SIGALRM, handler)

    assert done.code == 124
    assert f"gradectl result -e {grading.name} req_" in done.stderr
    # When the worker has done the next request, it stores no result of this one in a later test.
    assert submit(grading, "--language", "python", sample("accepted.py")).code == 0


def test_a_dry_run_sends_and_stores_nothing(grading: Any) -> None:
    """Neither `submit` nor `problem push`."""
    before = grading.stored()
    sent = grading.gradectl(
        *("--dry-run", "submit", "-p", "sum", "-l", "python", sample("accepted.py"))
    )
    pushed = grading.gradectl(
        *("--dry-run", "problem", "push", str(EXAMPLES / "problems" / "sum"), "--id", "other")
    )

    assert sent.code == pushed.code == 0, sent.stderr + pushed.stderr
    assert "would be sent" in sent.stdout
    assert "would be uploaded" in pushed.stdout
    assert grading.stored() == before


def test_a_second_push_uploads_nothing(grading: Any) -> None:
    """The content is compared, so a push in each CI run costs one listing."""
    done = grading.gradectl("problem", "push", str(EXAMPLES / "problems" / "sum"), "-o", "json")

    assert done.code == 0, done.stderr
    assert done.document["uploaded"] == []
    assert len(done.document["unchanged"]) == 11
    assert done.document["cases"] == 5
    schema = Path(__file__).parents[4] / "docs" / "schemas" / "cli" / "problem-push.json"
    jsonschema.validate(done.document, json.loads(schema.read_text()))


@pytest.mark.parametrize(
    ("name", "submission", "verdict", "score"),
    [
        ("best-stretch", "partially_accepted/every_start.py", "TLE", 60),
        ("two-numbers", "wrong_answer/same_place.py", "WA", 0),
        ("two-numbers", "accepted/from_both_ends.cpp", "AC", 100),
    ],
)
def test_a_kattis_package_is_graded_by_its_own_rules(
    grading: Any, name: str, submission: str, verdict: str, score: int
) -> None:
    """Points by group, and a validator in C++."""
    package = EXAMPLES / "problems" / name
    pushed = grading.gradectl("problem", "push", str(package))
    assert pushed.code == 0, pushed.stderr

    path = package / "submissions" / submission
    language = {".py": "python", ".cpp": "cpp"}[path.suffix]
    done = submit(grading, "--language", language, "--time-limit", "1000", str(path), problem=name)

    result = done.document["result"]["result"]
    assert (result["verdict"], result["score"]) == (verdict, score)
    if verdict == "WA":
        assert result["reason"] == "the two places are the same"


def test_an_invalid_problem_exits_with_78(grading: Any, tmp_path: Path) -> None:
    """All findings are listed, and nothing is uploaded."""
    (tmp_path / "broken" / "testcases").mkdir(parents=True)
    (tmp_path / "broken" / "testcases" / "1.in").touch()

    done = grading.gradectl("problem", "push", str(tmp_path / "broken"))

    assert done.code == 78
    assert "description.md: missing" in done.stderr
    assert "testcases/1.in: answer file missing" in done.stderr
    assert not [key for key in grading.stored() if key.startswith("problems/broken")]


@pytest.fixture
def external(grading: Any) -> Iterator[Any]:
    """The same environment, deployed by the Terraform of another project."""
    path = grading.root / "environments" / grading.name / "environment.yaml"
    before = path.read_text()
    path.write_text(f"{before}terraform: external\nfiles: {{bucket: {grading.bucket}}}\n")
    yield grading
    path.write_text(before)


def test_an_external_environment_is_operated_by_names_alone(external: Any) -> None:
    """Queues, problems, submissions, results and the smoke test need no Terraform."""
    listed = external.gradectl("queue", "list")
    pushed = external.gradectl("problem", "push", str(EXAMPLES / "problems" / "sum"))
    done = submit(external, "--language", "python", sample("accepted.py"))
    found = external.gradectl("result", done.document["request_id"], "-o", "json")
    tested = external.gradectl("smoke", external.name)

    codes = [each.code for each in (listed, pushed, done, found, tested)]
    assert codes == [0] * 5, [each.stderr for each in (listed, pushed, done, found, tested)]
    assert done.document["result"]["result"]["verdict"] == "AC"


def test_an_external_environment_without_parameters_says_which_it_needs(
    external: Any,
) -> None:
    """The advice is not to apply it with gradectl, which refuses that."""
    ssm = external.client("ssm")
    ssm.delete_parameter(Name=f"/{external.name}/mq/username")
    try:
        failed = external.gradectl("queue", "list")
    finally:
        external.set_parameter("mq/username", external.broker.user)

    assert failed.code == 78
    assert f"/{external.name}/mq/username" in failed.stderr
    assert "own Terraform" in failed.stderr
    assert "gradectl apply" not in failed.stderr
