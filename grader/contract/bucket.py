"""Layout of the grading bucket, and parsing of ``s3://`` URLs in messages."""

from __future__ import annotations

from dataclasses import dataclass

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError

#: Bodies of requests that are too large for SQS; written by producers of requests.
LARGE_REQUESTS_PREFIX = "submissions/messages/"
#: Bodies of results and dead letters that are too large for SQS; written by workers.
LARGE_RESULTS_PREFIX = "results/messages/"
#: Code of functions, one folder each.
FUNCTIONS_PREFIX = "functions/"
_SCHEME = "s3://"


def source_key(request_id: str, extension: str) -> str:
    """Key of a submitted program; `extension` without a dot."""
    return f"submissions/{request_id}/solution.{extension}"


def metadata_key(request_id: str) -> str:
    """Key of the metadata of a submission."""
    return f"submissions/{request_id}/metadata.json"


def problem_prefix(problem_id: str) -> str:
    """Prefix of all objects of a problem."""
    return f"problems/{problem_id}/"


def test_cases_prefix(problem_id: str) -> str:
    """Prefix of a problem's test cases."""
    return f"problems/{problem_id}/testcases/"


def description_key(problem_id: str) -> str:
    """Key of a problem's statement."""
    return f"problems/{problem_id}/description.md"


def result_key(request_id: str) -> str:
    """Key of the full result."""
    return f"results/{request_id}/result.json"


def execution_log_key(request_id: str) -> str:
    """Key of the log of compiling and running."""
    return f"results/{request_id}/execution.log"


def function_prefix(function_id: str) -> str:
    """Prefix of all objects of a function."""
    return f"{FUNCTIONS_PREFIX}{function_id}/"


def function_manifest_key(function_id: str) -> str:
    """Key of a function's manifest."""
    return f"{FUNCTIONS_PREFIX}{function_id}/manifest.json"


def function_file_key(function_id: str, digest: str) -> str:
    """Key of a file of a function; `digest` is the SHA-256 of its content in hexadecimal."""
    return f"{FUNCTIONS_PREFIX}{function_id}/files/{digest}"


@dataclass(frozen=True)
class ObjectUrl:
    """A checked URL ``s3://bucket/key``."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """Format as a URL."""
        return f"{_SCHEME}{self.bucket}/{self.key}"

    @classmethod
    def parse(cls, text: str, *, bucket: str) -> ObjectUrl:
        """
        Parse and check a URL of a request.

        Args:
            text: The URL as the producer wrote it.
            bucket: The only allowed bucket.

        Raises:
            RequestError: Not an S3 URL, in another bucket, or with path traversal.
        """
        if not text.startswith(_SCHEME):
            raise RequestError(ErrorCode.INVALID_REQUEST, f"not an s3:// URL: {text!r}")
        found, _, key = text.removeprefix(_SCHEME).partition("/")
        if found != bucket:
            raise RequestError(ErrorCode.FOREIGN_OBJECT, f"{text!r} is not in this system's bucket")
        segments = key.removesuffix("/").split("/")
        if any(part in ("", ".", "..") or not part.isprintable() for part in segments):
            raise RequestError(ErrorCode.INVALID_REQUEST, f"not a plain object path: {text!r}")
        return cls(found, key)
