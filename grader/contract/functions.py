"""
Functions: small programs that are run by name with an input, and the answer of a run.

The code of a function is in ``functions/{functionId}/`` of the bucket, with a manifest.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from grader.contract.messages import Identifier, JobRequest, JobResult, Message

_MAX_MEMORY_MB = 65_536
_MAX_TIMEOUT_MS = 900_000


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


class FunctionResult(JobResult):
    """Result of a function request, as it is stored and sent to the queue."""

    result: FunctionAnswer | None = None


class FunctionManifest(Message):
    """
    ``functions/{functionId}/manifest.json``.

    It is written last, and names the files of its version: a run sees one version or the other.
    """

    function_id: Identifier
    runtime: Annotated[str, Field(description="a language of the workers, such as python")]
    entry: Annotated[str, Field(description="file that is run or compiled")]
    memory_mb: Annotated[int, Field(gt=0, le=_MAX_MEMORY_MB, alias="memory")] = 256
    timeout_ms: Annotated[int, Field(gt=0, le=_MAX_TIMEOUT_MS, alias="timeout")] = 5000
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="hash of the files")]
    files: Annotated[dict[str, str], Field(description="key below the prefix, by file name")]
