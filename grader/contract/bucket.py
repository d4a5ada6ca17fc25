"""Where things lie in the grading bucket, and how to read an ``s3://`` URL from a message."""

from __future__ import annotations

from dataclasses import dataclass

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError

_SCHEME = "s3://"


def source_key(request_id: str, extension: str) -> str:
    """Key of a submitted program; `extension` without its dot."""
    return f"submissions/{request_id}/solution.{extension}"


def metadata_key(request_id: str) -> str:
    """Key of what was said about a submission when it was made."""
    return f"submissions/{request_id}/metadata.json"


def problem_prefix(problem_id: str) -> str:
    """Prefix of everything that belongs to a problem."""
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


@dataclass(frozen=True)
class ObjectUrl:
    """An ``s3://bucket/key`` that came from outside and was found harmless."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """Give the URL back."""
        return f"{_SCHEME}{self.bucket}/{self.key}"

    @classmethod
    def parse(cls, text: str, *, bucket: str) -> ObjectUrl:
        """
        Read a URL of a request.

        Args:
            text: The URL as the producer wrote it.
            bucket: The only bucket this worker may touch.

        Raises:
            RequestError: Not an S3 URL, of another bucket, or with a path that tries to climb.
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
