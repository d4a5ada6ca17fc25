"""Idempotency-Key: which calls are the same, and what their ids follow from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from memory_api import KEYS, MemoryApi

from grader.api.models import NewBatch, NewRun, NewSubmission
from grader.api.requests import identify

PROGRAM: dict[str, Any] = {"problemId": "sum", "language": "python", "source": "print(3)"}
ANN = KEYS["ann"]


class NewerSubmission(NewSubmission):
    """What a later version takes."""

    aim: str = "verdict"


class NewerBatch(NewBatch):
    """A batch of them."""

    submissions: list[NewerSubmission]


def test_an_id_does_not_follow_from_what_others_know() -> None:
    """The id of a key and the texts of its calls are no secret; its hash is."""
    body = NewSubmission.model_validate(PROGRAM)
    known = identify(ANN, "homework 3", body)
    hidden = identify(replace(ANN, id_secret="ab" * 32), "homework 3", body)
    other = identify(replace(ANN, id_secret="cd" * 32), "homework 3", body)

    assert len({known.request_id, hidden.request_id, other.request_id}) == 3
    assert "ab" * 32 not in repr(replace(ANN, id_secret="ab" * 32))


def test_two_versions_see_the_same_call() -> None:
    """A new field with a default is no other content, so a repetition may reach either version."""
    batch = {"submissions": [PROGRAM]}

    assert identify(ANN, "1", NewSubmission.model_validate(PROGRAM)) == identify(
        ANN, "1", NewerSubmission.model_validate(PROGRAM)
    )
    assert identify(ANN, "1", NewBatch.model_validate(batch)) == identify(
        ANN, "1", NewerBatch.model_validate(batch)
    )


def test_the_time_to_wait_is_no_part_of_a_call(api: MemoryApi) -> None:
    """A client that repeats a run has less time left; another input is another run."""
    key, run = {"Idempotency-Key": "1"}, {"functionId": "f", "inputData": 1}

    first, again = (
        api.post("/v1/run", {**run, "waitSeconds": seconds}, headers=key) for seconds in (0, 0.01)
    )
    other = api.post("/v1/run", {**run, "inputData": 2, "waitSeconds": 0}, headers=key)

    assert first.status == again.status == 202
    assert first.json == again.json
    assert other.kind == "idempotency-key-reused"
    assert identify(ANN, "1", NewRun(function_id="f", wait_seconds=1)) == identify(
        ANN, "1", NewRun(function_id="f")
    )


def test_an_input_that_cannot_be_sent_is_refused_with_a_key_too(api: MemoryApi) -> None:
    """It is nested too deeply for the encoder, which the content of the call passes as well."""
    deep: object = 1
    for _ in range(300):
        deep = [deep]

    for headers in ({}, {"Idempotency-Key": "1"}):
        answer = api.post("/v1/run", {"functionId": "f", "inputData": deep}, headers=headers)
        assert answer.json["errors"][0]["field"] == "inputData"
    assert not api.sent()


@pytest.mark.parametrize(
    "value", ["NaN", '{"a": [-Infinity]}', "1e999", '"' + "x" * (1 << 20) + '"']
)
def test_an_input_that_no_function_can_get_is_refused(api: MemoryApi, value: str) -> None:
    """Numbers that JSON has not, and more than a function takes; nothing is sent."""
    answer = api.post("/v1/run", f'{{"functionId": "f", "inputData": {value}}}'.encode())

    assert (answer.status, answer.kind) == (422, "invalid-request"), answer
    assert answer.json["errors"][0]["field"] == "inputData"
    assert not api.sent()
