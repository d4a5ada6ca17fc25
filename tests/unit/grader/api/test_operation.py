"""Problems, languages, counters, health, metrics, and services that are away."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from memory_api import MemoryApi, counters, failed, graded, running

from grader.api.errors import ApiError, Kind

PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}


def test_problems_have_titles_and_nothing_hidden(api: MemoryApi) -> None:
    """Only the name, the limits, and whether there is a statement are read."""
    files = {
        "problems/sum/problem.yaml": b"name: {en: Sum of two, ko: '\xed\x95\xa9'}\n"
        b"limits: {time_limit: 0.5, memory: 64}",
        "problems/sum/description.md": b"# Add <script>",
        "problems/sum/testcases/1.in": b"hidden",
        "problems/odd/problem.yaml": b"\xff: [",
        "problems/.x/problem.yaml": b"name: no",
        "problems/smoke-f10be7ba0b3b/testcases/1.in": b"of a smoke test",
        "problems/README.md": b"top",
    }
    api.store.objects = dict(files)

    answer = api.get("/v1/problems")

    assert answer.json == [
        {
            "problemId": "odd",
            "title": "odd",
            "hasStatement": False,
            "timeLimit": 5000,
            "memoryLimit": 256,
        },
        {
            "problemId": "sum",
            "title": "Sum of two",
            "hasStatement": True,
            "timeLimit": 500,
            "memoryLimit": 64,
        },
    ]


def test_a_statement_is_markdown(api: MemoryApi) -> None:
    """As it is stored; a missing one is not found."""
    api.store.put("problems/sum/description.md", b"# Add\xff", content_type="text/plain")

    answer = api.get("/v1/problems/sum/statement")

    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.body.decode() == "# Add\N{REPLACEMENT CHARACTER}"
    assert api.get("/v1/problems/other/statement").status == 404
    assert api.get("/v1/problems/../statement").status == 404


def test_languages_and_the_caller_are_known_to_any_key(api: MemoryApi) -> None:
    """A page shows both."""
    names = {each["name"] for each in api.get("/v1/languages", "sender").json}

    assert {"python", "java", "rust"} <= names
    assert api.get("/v1/me", "ann").json == {
        "name": "Ann's key",
        "userId": "ann",
        "scopes": ["read-own", "submit"],
        "priority": False,
        "maxSourceBytes": 1 << 20,
    }


def test_the_status_of_the_queue_has_the_shape_of_old(api: MemoryApi) -> None:
    """Numbers are strings; a broker has no URL."""
    api.inspector.counters["grading-requests"] = counters(size=3, in_flight=1, consumers=2)

    assert api.get("/v1/queue/status").json == {
        "status": "success",
        "queue_info": {"messages_available": "2", "messages_in_flight": "1"},
        "sqs_enabled": False,
        "consumers": 2,
    }


def test_many_callers_read_the_counters_once(api: MemoryApi) -> None:
    """A second is short enough."""
    for _ in range(10):
        api.get("/v1/queue/status")

    assert api.inspector.reads == 1


def test_the_overview_is_for_administrators(api: MemoryApi) -> None:
    """It names users and workers."""
    now = datetime.now(UTC)
    api.rows.put(running("req_1", updated_at=now), worker_id="host-1")
    api.rows.put(failed("req_2", "bob", updated_at=now), worker_id="host-1")

    overview = api.get("/v1/operator/overview", "admin").json

    assert api.get("/v1/operator/overview", "ann").status == 403
    assert overview["queues"] == [
        {"name": "grading-requests", "waiting": 0, "inFlight": 0, "consumers": 1}
    ]
    assert [(each["workerId"], each["running"]) for each in overview["workers"]] == [("host-1", 1)]
    assert [(each["requestId"], each["code"]) for each in overview["failures"]] == [
        ("req_2", "INTERNAL_ERROR")
    ]
    assert all(each["command"].startswith("gradectl ") for each in overview["commands"])


def test_the_overview_counts_dead_letters(api: MemoryApi) -> None:
    """They are what an operator has to look at."""
    api.inspector.counters["grading-dlq"] = counters("grading-dlq", size=2)

    queues = api.get("/v1/operator/overview", "admin").json["queues"]

    assert [(each["name"], each["waiting"]) for each in queues] == [
        *(("grading-requests", 0), ("grading-dlq", 2))
    ]


@pytest.mark.parametrize(
    ("away", "absent", "named"),
    [("rows", {"workers", "failures"}, "database"), ("inspector", {"queues"}, "queues")],
)
def test_the_overview_has_what_works(
    api: MemoryApi, away: str, absent: set[str], named: str
) -> None:
    """An operator needs it most when a service is away."""
    getattr(api, away).away = True

    answer = api.get("/v1/operator/overview", "admin")

    assert answer.status == 200
    assert {"queues", "workers", "failures", "away", "commands"} - set(answer.json) == absent
    assert answer.json["away"] == [named]


@pytest.mark.parametrize("path", ["/v1/languages", "/v1/submissions/req_1", "/v1/queue/status"])
def test_without_a_key_there_is_no_service(api: MemoryApi, path: str) -> None:
    """Whether something exists is not told either."""
    answer = api.get(path, key=None)

    assert (answer.status, answer.kind) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("PUT", "/v1/submissions", 405), ("GET", "/v1/run", 405)],
)
def test_an_odd_path_or_method_is_a_problem_too(
    api: MemoryApi, method: str, path: str, status: int
) -> None:
    """All errors have one form."""
    answer = api.call(method, path)

    assert answer.status == status
    assert answer.json["status"] == status
    assert answer.kind
    if status == 405:
        both = "GET, POST" if path == "/v1/submissions" else "POST"
        assert answer.headers["allow"] == both


def test_metrics_are_for_this_network_and_administrators(api: MemoryApi) -> None:
    """A load balancer is in this network, and the caller behind it is not."""
    api.post("/v1/submissions", PROGRAM)

    near = api.get("/metrics", None, peer="127.0.0.1")
    behind = api.get("/metrics", None, peer="10.0.0.1", headers={"X-Forwarded-For": "1.2.3.4"})

    assert b'endpoint="/v1/submissions",method="POST",status="202"} 1.0' in near.body
    assert b"# TYPE grading_api_lookups_total counter" in near.body
    assert b"# TYPE grading_api_event_streams gauge" in near.body
    assert (behind.status, api.get("/metrics", None).status) == (401, 401)
    assert (api.get("/metrics", "ann").status, api.get("/metrics", "admin").status) == (403, 200)


def test_an_id_makes_no_new_series(api: MemoryApi) -> None:
    """Else each submission would stay in memory."""
    for number in range(3):
        api.get(f"/v1/submissions/req_{number}")
        api.get(f"/nothing/{number}")

    page = api.get("/metrics", "admin").body.decode()

    assert 'endpoint="/v1/submissions/{request_id}",method="GET",status="404"} 3.0' in page
    assert "req_1" not in page
    assert "/nothing" not in page


def test_the_documentation_needs_no_other_host(api: MemoryApi) -> None:
    """Page, script and style come from here; the policy allows nothing else."""
    page = api.get("/docs", None)
    script = api.get("/docs/docs.js", None)

    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not re.findall(rb"https?://", page.body + script.body)
    assert b"innerHTML" not in script.body
    assert api.get("/docs/docs.css", None).status == 200
    tag = {"If-None-Match": page.headers["etag"]}
    assert api.get("/docs", None, headers=tag).status == 304


def test_each_endpoint_is_described(api: MemoryApi) -> None:
    """With its errors as problem details, and what it does."""
    document = api.get("/openapi.json", None).json

    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["description"]
            errors = [code for code in operation["responses"] if code.startswith(("4", "5"))]
            assert path == "/health" or {"401", "403", "422", "429", "503"} <= set(errors)
    assert "ProblemDetails" in document["components"]["schemas"]
    text = json.dumps(document)
    for reference in re.findall(r"#/components/schemas/(\w+)", text):
        assert reference in document["components"]["schemas"]


def test_what_does_not_need_the_database_works_without_it(api: MemoryApi) -> None:
    """The rest is 503 with a time; nothing is lost."""
    api.rows.away = True

    sent = api.post("/v1/submissions", PROGRAM)
    read = api.get(f"/v1/submissions/{sent.json['requestId']}")

    assert sent.status == 202
    assert (read.status, read.kind) == (503, "unavailable")
    assert int(read.headers["retry-after"]) > 0
    assert "memory" not in read.json["detail"]
    assert api.get("/v1/languages").status == 200
    health = api.get("/health", None)
    assert (health.status, health.json["checks"]["database"]) == (200, "away")
    api.rows.away = False
    api.parts.database._spared_until = 0.0
    assert api.get(f"/v1/submissions/{sent.json['requestId']}").status == 200
    assert api.get("/health", None).json["status"] == "ok"


def test_a_service_that_was_away_a_moment_ago_is_spared(api: MemoryApi) -> None:
    """Else each call would wait for the same timeout."""
    api.rows.away = True
    api.get("/v1/submissions/req_1")
    before = api.rows.lookups

    assert api.get("/v1/submissions/req_1").status == 503
    assert api.rows.lookups == before


@pytest.mark.parametrize("away", ["store", "sender"])
def test_a_submission_needs_bucket_and_queue(api: MemoryApi, away: str) -> None:
    """It is refused with a time; reading works."""
    getattr(api, away).away = True
    api.rows.put(graded("req_1"))

    answer = api.post("/v1/submissions", PROGRAM)

    assert (answer.status, answer.kind) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert api.get("/v1/submissions/req_1").status == 200


def test_without_counters_a_position_is_not_known(api: MemoryApi) -> None:
    """The submission is read all the same."""
    request_id = api.post("/v1/submissions", PROGRAM).json["requestId"]
    api.inspector.away = True
    api.parts.queues._read_at = float("-inf")

    answer = api.get(f"/v1/submissions/{request_id}")

    assert (answer.status, answer.json["status"]) == (200, "queued")
    assert "queue" not in answer.json
    assert api.get("/v1/queue/status").status == 503


def test_a_fault_of_ours_is_a_problem_without_details(api: MemoryApi) -> None:
    """The log has the details."""
    api.rows.put(running("req_1", attempts="many"))

    answer = api.get("/v1/submissions/req_1", headers={"x-request-id": "call-12345"})

    assert (answer.status, answer.kind) == (500, "internal-error")
    assert "json" not in answer.json["detail"].lower()
    line = api.lines.getvalue()
    assert "ERROR: An endpoint failed call=call-12345 " in line
    assert " key=key-ann path=/v1/submissions/req_1" in line
    assert "Traceback" in line


def test_a_result_that_this_version_cannot_read_hides_no_other_one(api: MemoryApi) -> None:
    """A newer worker has written it; it is a failure, also on the page of the operator."""
    text = failed("req_1").result_json.replace("INTERNAL_ERROR", "NEWER_CODE")
    api.rows.put(running("req_1", status="failed", result_json=text))
    api.rows.put(graded("req_2"))

    one = api.get("/v1/submissions/req_1").json
    listed = api.get("/v1/submissions").json["submissions"]
    (failure,) = api.get("/v1/operator/overview", "admin").json["failures"]

    assert (one["status"], one["error"]["code"]) == ("failed", "INTERNAL_ERROR")
    assert {each["requestId"] for each in listed} == {"req_1", "req_2"}
    assert failure["message"] == "the result cannot be read"


@pytest.mark.parametrize("kind", list(Kind))
def test_the_type_of_an_error_is_an_address(api: MemoryApi, kind: Kind) -> None:
    """With a page about it, without a key; `instance` is the id of the call."""
    body = json.loads(ApiError(kind, "why").body("call-12345"))

    page = api.get(body["type"], None)

    assert (page.status, body["instance"]) == (200, "call-12345")
    assert kind.value.title in page.body.decode()
    assert f"status {body['status']}" in page.body.decode()


def test_an_error_has_the_id_of_its_call(api: MemoryApi) -> None:
    """Whether an endpoint or a limit in front of it refused the call."""
    for key, path in (("ann", "/v1/submissions/req_none"), (None, "/v1/me"), ("ann", "/nothing")):
        answer = api.get(path, key)

        assert answer.json["instance"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/problems/busy"])
def test_what_checks_that_the_api_is_up_may_ask_for_the_headers_only(
    api: MemoryApi, path: str
) -> None:
    """Load balancers and uptime checkers send HEAD; the server drops the body."""
    assert api.call("HEAD", path, key=None).status == 200


def test_every_accepted_call_is_in_the_log_with_its_key(api: MemoryApi) -> None:
    """One line with the id of the request or batch; never the key, nor what was sent."""
    program = {"problemId": "sum", "language": "python", "source": "print('a secret')"}
    large = {name: program[name] for name in ("problemId", "language")}
    call = {"headers": {"x-request-id": "call-12345"}}

    first = api.post("/v1/submissions", program, **call).json["requestId"]
    upload = api.post("/v1/submissions", large, **call).json["requestId"]
    api.store.put(f"submissions/{upload}/solution.py", b"print(1)", content_type="text/plain")
    assert api.post(f"/v1/submissions/{upload}/uploaded", None, **call).status == 202
    run = api.post("/v1/run", {"functionId": "f", "waitSeconds": 0}, **call).json["requestId"]
    batch = api.post("/v1/batches", {"submissions": [program]}, **call).json["batchId"]
    api.post("/v1/submissions", {}, **call)

    lines = [line for line in api.lines.getvalue().splitlines() if "Accepted" in line]
    assert [line.partition("INFO: ")[2] for line in lines] == [
        f"Accepted {each}, key key-ann, call call-12345"
        for each in (first, upload, upload, run, batch)
    ]
    assert "secret" not in api.lines.getvalue()
