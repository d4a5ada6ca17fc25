"""Requests, answers and manifests of functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.contract.functions import (
    MOST_FILES,
    FunctionAnswer,
    FunctionManifest,
    FunctionRequest,
    FunctionResult,
    exit_code_of,
    files_version,
)
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError

PUBLISHED = Path(__file__).parents[4] / "docs" / "schemas"
DIGEST = "0123456789abcdef" * 4
MANIFEST = {
    "functionId": "hello",
    "runtime": "python",
    "entry": "main.py",
    "memory": 64,
    "timeout": 1000,
    "version": files_version({"main.py": DIGEST}),
    "files": {"main.py": DIGEST},
}
ANSWER = {
    "requestId": "req_1",
    "functionId": "hello",
    "status": "SUCCESS",
    "exitCode": 0,
    "stdout": "42\n",
    "stderr": "",
    "durationMillis": 3,
    "peakMemoryBytes": 6291456,
    "peakMemoryMB": 6,
    "optimizationTip": "256 MB asked, at most 6 MB used in the last 20 runs; 16 MB would do",
}


def with_files(files: dict[str, str]) -> dict[str, Any]:
    """A manifest with these files."""
    return {**MANIFEST, "files": files, "version": files_version(files)}


def read(document: object) -> FunctionManifest:
    """Decode a manifest as a worker does."""
    return FunctionManifest.from_json(json.dumps(document).encode())


def refusal(body: bytes) -> str:
    """The reason why a manifest is refused."""
    with pytest.raises(RequestError) as caught:
        FunctionManifest.from_json(body)
    assert caught.value.code == ErrorCode.FUNCTION_INVALID
    return caught.value.what


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("function-manifest", MANIFEST),
        ("function-request", {"requestId": "r", "functionId": "f", "inputData": [1, None]}),
        ("function-request", {"requestId": "r", "functionId": "f"}),
        (
            "function-result",
            {
                "requestId": "req_1",
                "status": "completed",
                "result": ANSWER,
                "timestamp": "2024-08-20T12:00:15Z",
            },
        ),
    ],
)
def test_the_published_schemas_accept_what_the_worker_reads_and_writes(
    name: str, document: dict[str, Any]
) -> None:
    """Producers in other languages check their documents with them."""
    schema = json.loads((PUBLISHED / f"{name}.schema.json").read_text())

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)


def test_an_answer_has_the_names_of_the_contract() -> None:
    """Written and read again, it is the same document."""
    assert json.loads(FunctionAnswer.model_validate(ANSWER).to_json()) == ANSWER


def test_a_stored_result_is_read_again_with_its_answer() -> None:
    """As from the queue, the row or the bucket."""
    stored = {
        "requestId": "req_1",
        "status": "completed",
        "result": ANSWER,
        "timestamp": "2024-08-20T12:00:15Z",
    }

    found = FunctionResult.from_json(json.dumps(stored))

    assert found.result is not None
    assert found.result.peak_memory_mb == 6


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "텍스트 😀", [None, {"a": None}], {"a": {"b": [1, 2.0]}}]
)
def test_an_input_arrives_as_it_was_sent(value: object) -> None:
    """Also null inside it, which other optional fields leave out."""
    request = FunctionRequest(request_id="req_1", function_id="hello", input_data=value)

    assert FunctionRequest.from_json(request.to_json()).input_data == value


def test_a_valid_manifest_is_read_with_the_defaults() -> None:
    """Memory and time may be left out."""
    short = {key: MANIFEST[key] for key in MANIFEST if key not in ("memory", "timeout")}

    assert (read(MANIFEST).memory_mb, read(MANIFEST).timeout_ms) == (64, 1000)
    assert (read(short).memory_mb, read(short).timeout_ms) == (256, 5000)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({**MANIFEST, "entry": "other.py"}, "'other.py' is not among the files"),
        ({**MANIFEST, "entry": "../main.py"}, "entry: String should match"),
        ({**MANIFEST, "memory": 0}, "memory: Input should be greater than 0"),
        ({**MANIFEST, "timeout": 1 << 40}, "timeout: Input should be less than"),
        ({**MANIFEST, "version": DIGEST}, "version: does not match the files"),
        ({**MANIFEST, "functionId": "a/b"}, "functionId: String should match"),
        (with_files({}), "files: Dictionary should have at least 1 item"),
        (with_files({f"f{number}": DIGEST for number in range(MOST_FILES + 1)}), "at most 32"),
        (with_files({"main.py": DIGEST, "../x": DIGEST}), "files.../x"),
        (with_files({"main.py": DIGEST, ".hidden": DIGEST}), "files..hidden"),
        (with_files({"main.py": DIGEST, "a/b": DIGEST}), "files.a/b"),
        (with_files({"main.py": "../../problems/p/answer"}), "files.main.py"),
        (None, "Input should be an object"),
    ],
)
def test_a_manifest_that_reaches_elsewhere_is_refused(document: object, says: str) -> None:
    """The error names the field."""
    assert says in refusal(json.dumps(document).encode())


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff\xfe{")
@example(b"[" * 50_000)
@example(b'{"files": {"a": "' + b"0" * 64 + b'"}')
def test_odd_bytes_are_refused_with_a_reason(body: bytes) -> None:
    """Nothing else than `RequestError` leaves the parser."""
    assert refusal(body).startswith("invalid manifest: ")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(MANIFEST)), _JSON)
def test_any_value_of_any_field_is_read_or_refused(field: str, value: object) -> None:
    """What is read names plain files only, so no key or path of it leaves the function."""
    try:
        found = read({**MANIFEST, field: value})
    except RequestError:
        return
    assert found.entry in found.files
    assert all("/" not in name and not name.startswith((".", "-")) for name in found.files)
    assert found.version == files_version(found.files)


def test_the_version_changes_with_any_name_and_content() -> None:
    """And not with the order."""
    two = {"a": DIGEST, "b": DIGEST[::-1]}

    assert files_version(two) == files_version(dict(reversed(two.items())))
    assert len({files_version(each) for each in (two, {"a": DIGEST}, {"b": DIGEST}, {})}) == 4


@pytest.mark.parametrize(("ended", "code"), [((0, 0), 0), ((3, 0), 3), ((0, 9), 137)])
def test_a_signal_is_an_exit_code_above_128(ended: tuple[int, int], code: int) -> None:
    """As shells have it."""
    assert exit_code_of(*ended) == code
