"""The command line of a submission is checked before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gradectl.errors import GradectlError, UsageError
from gradectl.submissions.submit import check_problem_exists, invalid_option, read_source_file
from grader.client.submission import MAX_SOURCE_BYTES
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import RequestError
from grader.languages import LANGUAGES
from grader.testing import MemoryObjectStore

EXAMPLES = Path(__file__).parents[4] / "examples"


def test_a_source_is_read_with_its_name(tmp_path: Path) -> None:
    """The object key has the extension of the name."""
    path = tmp_path / "a.py"
    path.write_bytes(b"print(3)\n")

    source = read_source_file(path)

    assert (source.name, source.content, source.extension) == ("a.py", b"print(3)\n", "py")


def test_a_source_of_50_mb_is_rejected_without_being_read(tmp_path: Path) -> None:
    """The error has both sizes."""
    path = tmp_path / "big.py"
    with path.open("wb") as file:
        file.truncate(50 << 20)

    with pytest.raises(UsageError) as caught:
        read_source_file(path)

    assert f"{50 << 20} bytes" in caught.value.what
    assert str(MAX_SOURCE_BYTES) in caught.value.what


def test_a_source_of_the_maximum_size_is_accepted(tmp_path: Path) -> None:
    """The limit is the default of the worker."""
    path = tmp_path / "a.py"
    path.write_bytes(b"#" * MAX_SOURCE_BYTES)

    assert len(read_source_file(path).content) == MAX_SOURCE_BYTES


def test_an_invalid_source_file_is_rejected(tmp_path: Path) -> None:
    """Missing, empty or a folder, each with its own error."""
    (tmp_path / "empty.py").touch()
    for name, words in (
        ("none.py", "No such file"),
        ("empty.py", "the file is empty"),
        ("", "not a regular file"),
    ):
        with pytest.raises(UsageError) as caught:
            read_source_file(tmp_path / name)
        assert words in caught.value.what


def test_an_invalid_value_names_its_option() -> None:
    """The client names its argument."""
    error = invalid_option(RequestError(ErrorCode.INVALID_REQUEST, "problem_id: too long"))

    assert error.what == "problem: too long"
    assert error.exit_code == 64


def test_a_problem_without_test_cases_is_not_found() -> None:
    """The next step is to push it."""
    store = MemoryObjectStore()
    store.objects["problems/sum2/testcases/1.in"] = b""

    with pytest.raises(GradectlError) as caught:
        check_problem_exists(store, "sum", "local")

    assert caught.value.next_step.startswith("gradectl problem push -e local")
    check_problem_exists(store, "sum2", "local")


def test_the_sample_submissions_are_complete() -> None:
    """Each file is valid, each expectation is a verdict or an error code."""
    document = yaml.safe_load((EXAMPLES / "submissions.yaml").read_text())
    known = {name for each in LANGUAGES for name in (each.name, *each.aliases)}

    for each in document["submissions"]:
        expect = each["expect"]
        read_source_file(EXAMPLES / each["file"])
        assert (EXAMPLES / "problems" / each["problem"]).is_dir()
        if Status(expect["status"]) is Status.COMPLETED:
            assert Verdict(expect["verdict"])
            assert each["language"] in known
        else:
            assert ErrorCode(expect["error"])
    assert len(document["submissions"]) >= 10
    assert {each["expect"].get("verdict") for each in document["submissions"]} >= {
        *("AC", "WA", "TLE", "MLE", "RE", "CE", "OLE"),
    }
