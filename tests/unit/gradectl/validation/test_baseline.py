"""A baseline lists the errors that do not fail; everything else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gradectl.errors import ConfigurationError
from gradectl.validation.baseline import Baseline, read_baseline
from gradectl.validation.fingerprints import Fingerprint

CHECKS = ("fmt", "policies")
WILD = Fingerprint("main.tf", "resource.aws_iam_policy.a", "wildcard", "Action 's3:*' é")
FORMAT = Fingerprint("main.tf", "locals", "", "terraform fmt would change this line")
SCHEMAS = Path(__file__).resolve().parents[4] / "docs" / "schemas" / "cli"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A baseline with one wildcard and two lines to format."""
    path = tmp_path / "baseline.json"
    recording = read_baseline(path, CHECKS, recording=True)
    for check, fingerprint in (("policies", WILD), ("fmt", FORMAT), ("fmt", FORMAT)):
        assert recording.covers(check, fingerprint)
    assert recording.update(CHECKS) == (3, 3, 0)
    return path


def read(path: Path, *, recording: bool = False) -> Baseline:
    """Read a baseline of the two checks."""
    return read_baseline(path, CHECKS, recording=recording)


def test_as_many_errors_as_were_listed_are_known(file: Path) -> None:
    """One more of the same kind is new."""
    baseline = read(file)

    assert [baseline.covers("fmt", FORMAT) for _ in range(3)] == [True, True, False]
    assert baseline.covers("policies", WILD)
    assert not baseline.covers("fmt", WILD)


def test_entries_that_are_no_longer_needed_are_reported_with_their_line(file: Path) -> None:
    """Only of checks that looked at everything."""
    baseline = read(file)
    baseline.covers("fmt", FORMAT)

    (fmt,) = baseline.stale({"fmt"})
    (policies,) = baseline.stale({"policies"})

    lines = file.read_text().splitlines()
    assert FORMAT.message in lines[fmt.line - 1]
    assert fmt.text == f"only 1 of 2 left: main.tf: {FORMAT.message}"
    assert WILD.message in lines[policies.line - 1]
    assert policies.text == f"not found: main.tf: {WILD.message}"


def test_an_update_keeps_the_entries_of_checks_that_did_not_run(file: Path) -> None:
    """`--only fmt --update-baseline` forgets nothing of the others."""
    recording = read(file, recording=True)
    recording.covers("fmt", FORMAT)

    assert recording.update({"fmt"}) == (2, 0, 1)
    again = read(file)
    assert again.covers("policies", WILD)
    assert [again.covers("fmt", FORMAT) for _ in range(2)] == [True, False]


def test_the_same_errors_make_the_same_file(file: Path) -> None:
    """It is committed, so it changes only when errors do."""
    text = file.read_text()
    recording = read(file, recording=True)
    for check, fingerprint in (("fmt", FORMAT), ("policies", WILD), ("fmt", FORMAT)):
        recording.covers(check, fingerprint)

    assert recording.update(CHECKS) == (3, 0, 0)
    assert file.read_text() == text
    assert len(text.splitlines()) == 2 + 6


def test_the_file_follows_its_schema(file: Path, tmp_path: Path) -> None:
    """Also without entries."""
    schema = json.loads((SCHEMAS / "validate-baseline.json").read_text())
    empty = tmp_path / "empty.json"
    read(empty, recording=True).update(CHECKS)

    for path in (file, empty):
        jsonschema.validate(json.loads(path.read_text()), schema)
        assert read(path)


def listed(**changes: Any) -> str:
    """A file with one entry, with some keys changed."""
    entry = {"check": "fmt", "path": "main.tf", "message": "wrong", **changes}
    content = {"schema_version": 1, "kind": "validate-baseline", "findings": [entry]}
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "what", "next_step"),
    [
        ("{", "cannot be read: Expecting property name", "restore it from version control"),
        ("[]", "not a baseline", "--update-baseline"),
        ("{}", "schema_version: ", "keys: schema_version, kind, findings"),
        ('{"schema_version": 2, "kind": "validate-baseline", "findings": []}', "version", "keys"),
        ('{"results": {}}', "results", "keys: schema_version, kind, findings"),
        (listed(check="fmd"), "there is no check 'fmd'", "did you mean 'fmt'?"),
        (listed(count=0), "count", "keys: check, rule, path, block, message, count"),
        (listed(mesage="x"), "mesage", "did you mean 'message'?"),
    ],
)
def test_a_file_that_is_not_a_baseline_is_refused(
    tmp_path: Path, text: str, what: str, next_step: str
) -> None:
    """With what is wrong, where, and what to do; it must not hide or show errors by accident."""
    path = tmp_path / "baseline.json"
    path.write_text(text)

    for recording in (False, True):
        with pytest.raises(ConfigurationError) as caught:
            read(path, recording=recording)

        assert what in caught.value.what
        assert caught.value.where in (str(path), f"{path}: findings.0")
        assert next_step in caught.value.next_step
        assert path.read_text() == text


def test_a_missing_file_is_an_error_with_the_command_that_writes_it(tmp_path: Path) -> None:
    """A misspelt name must not check against nothing."""
    with pytest.raises(ConfigurationError, match="file not found") as caught:
        read(tmp_path / "b.json")

    assert caught.value.next_step.endswith("b.json --update-baseline")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """For example a file that was encrypted or compressed."""
    path = tmp_path / "b.json"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(path)
