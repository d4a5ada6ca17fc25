"""
Functions: small programs that are run by name with an input, and the answer of a run.

The code of a function is in ``functions/{functionId}/`` of the bucket, with a manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from grader.contract.messages import Identifier, JobRequest, JobResult, Message
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError

_MAX_MEMORY_MB = 65_536
_MAX_TIMEOUT_MS = 900_000
#: Input of a run, as JSON.
MAX_INPUT_BYTES = 1 << 20
#: Files of a function.
MOST_FILES = 32
#: Exit code in the answer of a function that was not run.
NOT_RUN = -1
_SIGNAL_BASE = 128

#: Plain names, so that none leaves its directory, is hidden, or is an option.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FunctionStatus(StrEnum):
    """How a run ended."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"  # it exited with another code than 0, by a signal, or did not compile
    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    NOT_FOUND = "NOT_FOUND"  # no function has this id


class FunctionRequest(JobRequest):
    """A request to run a function; the input is passed to its standard input as JSON."""

    function_id: Identifier
    input_data: Annotated[Any, Field(description="any JSON value")] = None
    user_id: Annotated[str, Field(max_length=128, description="who runs it; may be absent")] = ""


def encode_input(value: object) -> bytes:
    """
    Encode the input of a function as JSON, which it gets on its standard input.

    Raises:
        RequestError: It is too large or too deep, or has a number that JSON has not.
    """
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise _invalid_input("JSON has no such number, or it is too large") from None
    except RecursionError:
        raise _invalid_input("it is nested too deeply") from None
    if len(encoded) > MAX_INPUT_BYTES:
        raise _invalid_input(f"{len(encoded)} bytes, at most {MAX_INPUT_BYTES} are allowed")
    return encoded


def _invalid_input(why: str) -> RequestError:
    return RequestError(ErrorCode.INVALID_REQUEST, f"inputData: {why}")


class FunctionAnswer(Message):
    """
    The answer of a run, as a caller gets it.

    `stdout` and `stderr` are decoded as UTF-8 with replacement characters, and are cut at the limit
    of the worker.
    """

    request_id: str
    function_id: str
    status: FunctionStatus
    exit_code: Annotated[int, Field(description="128 + N for signal N; -1 without a run")]
    stdout: str
    stderr: str
    duration_millis: Annotated[int, Field(description="wall time of the run, milliseconds")]
    peak_memory_bytes: int
    peak_memory_mb: Annotated[
        int, Field(alias="peakMemoryMB", description="peak memory in MB, rounded up")
    ]
    optimization_tip: str | None = None
    reason: Annotated[
        str | None, Field(description="why it did not succeed, in words safe to show")
    ] = None

    @classmethod
    def without_run(
        cls,
        request_id: str,
        function_id: str,
        status: FunctionStatus,
        *,
        reason: str | None = None,
        stderr: str = "",
    ) -> Self:
        """
        Make the answer of a request whose function was not run.

        Args:
            request_id: The request.
            function_id: The function.
            status: Its status.
            reason: Why it was not run.
            stderr: What a compiler wrote.
        """
        return cls(
            request_id=request_id,
            function_id=function_id,
            status=status,
            exit_code=NOT_RUN,
            stdout="",
            stderr=stderr,
            duration_millis=0,
            peak_memory_bytes=0,
            peak_memory_mb=0,
            reason=reason,
        )


class FunctionResult(JobResult):
    """Result of a function request, as it is stored and sent to the queue."""

    result: FunctionAnswer | None = None


class FunctionManifest(Message):
    """
    ``functions/{functionId}/manifest.json``.

    It is written last, and names the files of its version: a run sees one version or the other. The
    content of a file is ``functions/{functionId}/files/{digest}``.
    """

    function_id: Identifier
    runtime: Annotated[
        str, Field(min_length=1, max_length=32, description="a language of the workers")
    ]
    entry: Annotated[FileName, Field(description="file that is run or compiled")]
    memory_mb: Annotated[
        int, Field(gt=0, le=_MAX_MEMORY_MB, alias="memory", description="limit in MB")
    ] = 256
    timeout_ms: Annotated[
        int,
        Field(gt=0, le=_MAX_TIMEOUT_MS, alias="timeout", description="limit in milliseconds"),
    ] = 5000
    version: Annotated[Digest, Field(description="SHA-256 over names and digests of the files")]
    files: Annotated[
        dict[FileName, Digest],
        Field(min_length=1, max_length=MOST_FILES, description="SHA-256 by file name"),
    ]

    @model_validator(mode="after")
    def _entry_is_a_file(self) -> Self:
        if self.entry not in self.files:
            text = f"entry: {self.entry!r} is not among the files"
            raise ValueError(text)
        if self.version != files_version(self.files):
            text = "version: does not match the files"
            raise ValueError(text)
        return self

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """
        Decode a manifest.

        Raises:
            RequestError: Not JSON, a missing field, or an invalid value; names the field.
        """
        try:
            return cls.model_validate_json(body, by_alias=True, by_name=False)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            text = f"{field}: {first['msg']}" if field else first["msg"]
            raise RequestError(ErrorCode.FUNCTION_INVALID, f"invalid manifest: {text}") from None


def files_version(files: Mapping[str, str]) -> str:
    """Return the version of a set of files: a digest over their names and digests."""
    lines = "".join(f"{files[name]} {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def exit_code_of(exit_code: int, signal: int) -> int:
    """Return the exit code of an answer: 128 + N for signal N, as shells have it."""
    return _SIGNAL_BASE + signal if signal else exit_code
