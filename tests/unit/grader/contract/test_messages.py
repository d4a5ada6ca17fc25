"""The JSON of messages, byte for byte: programs in other languages read it."""

from __future__ import annotations

import pytest

from grader.contract.messages import GradingRequest, GradingResult, JobRequest, JobResult
from grader.errors import RequestError

REQUEST = (
    b'{"requestId":"req_123456789","userId":"user_001","problemId":"prob_001","language":"python",'
    b'"sourceFile":"s3://bucket/submissions/req_123456789/solution.py",'
    b'"testCases":"s3://bucket/problems/prob_001/testcases/",'
    b'"timeLimit":5000,"memoryLimit":256,"stopAtFirstFailure":false,'
    b'"timestamp":"2024-08-20T12:00:00Z"}'
)
COMPLETED = (
    b'{"requestId":"req_123456789","status":"completed",'
    b'"result":{"verdict":"AC","score":100,"executionTime":1250,"memoryUsage":128,'
    b'"testResults":[{"case":1,"status":"AC","time":250,"memory":64},'
    b'{"case":2,"status":"AC","time":300,"memory":72}]},'
    b'"resultFile":"s3://bucket/results/req_123456789/result.json",'
    b'"timestamp":"2024-08-20T12:00:15Z"}'
)
FAILED = (
    b'{"requestId":"req_123456789","status":"failed",'
    b'"error":{"code":"UNKNOWN_LANGUAGE","message":"unknown language: \'cobol\'",'
    b'"fault":"submission"},"timestamp":"2024-08-20T12:00:15Z"}'
)


def test_request_is_encoded_as_in_the_contract() -> None:
    """Names, order and formats of values."""
    assert GradingRequest.from_json(REQUEST).to_json() == REQUEST


@pytest.mark.parametrize("body", [COMPLETED, FAILED], ids=["completed", "failed"])
def test_result_is_encoded_as_in_the_contract(body: bytes) -> None:
    """Also as a result of an unknown handler."""
    assert GradingResult.from_json(body).to_json() == body
    assert JobResult.from_json(body).to_json() == body


def test_null_in_the_result_of_a_handler_is_kept() -> None:
    """The value of a handler is not changed."""
    body = b'{"requestId":"a","status":"completed","result":{"a":null},"timestamp":"%s"}'
    body %= b"2024-08-20T12:00:15Z"

    assert JobResult.from_json(body).to_json() == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "requestId: Field required"),
        (b'{"requestId": "../x"}', "requestId: String should match"),
        (b"[]", "body: Input should be an object"),
        (b"\xff", "body: Invalid JSON"),
    ],
)
def test_request_of_any_work_needs_an_id_that_can_be_a_key(body: bytes, words: str) -> None:
    """All other fields are the handler's affair."""
    with pytest.raises(RequestError, match=words):
        JobRequest.from_json(body)
