"""Every line of Terraform becomes an event, also unexpected ones."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gradectl.adapters.terraform.events import (
    ChangeSummary,
    Diagnostic,
    Note,
    ResourceProgress,
    parse,
)

LOCKED = "ConditionalCheckFailed\nLock Info:\n  ID:        abc-1\n  Who:       me@here\n"


def test_progress_of_a_resource_is_typed() -> None:
    """It has address, action and seconds."""
    line = {
        "type": "apply_progress",
        "hook": {"resource": {"addr": "aws_vpc.x"}, "action": "create", "elapsed_seconds": 20},
    }

    assert parse(json.dumps(line)) == ResourceProgress("progress", "aws_vpc.x", "create", 20.0)


def test_a_diagnostic_has_its_location() -> None:
    """The file and line where Terraform gives them, else the resource."""
    fields = {"severity": "error", "summary": "S", "detail": "D", "address": "aws_vpc.x"}
    placed = {**fields, "range": {"filename": "a.tf", "start": {"line": 3}}}

    assert parse(json.dumps({"type": "diagnostic", "diagnostic": placed})) == Diagnostic(
        "error", "S", "D", "a.tf:3"
    )
    found = parse(json.dumps({"type": "diagnostic", "diagnostic": fields}))
    assert isinstance(found, Diagnostic)
    assert found.location == "aws_vpc.x"


def test_a_lock_conflict_gives_the_id_of_the_lock() -> None:
    """The id is needed to release the lock."""
    found = Diagnostic("error", "Error acquiring the state lock", LOCKED, "")

    assert found.is_lock_conflict
    assert found.lock_id == "abc-1"
    assert Diagnostic("error", "Other", LOCKED, "").lock_id == ""


def test_a_summary_is_typed() -> None:
    """Numbers of added, changed and removed resources."""
    line = {
        "type": "change_summary",
        "changes": {"add": 1, "change": 2, "remove": 3, "operation": "apply"},
    }

    assert parse(json.dumps(line)) == ChangeSummary("apply", 1, 2, 3)


def test_output_of_a_crash_is_kept() -> None:
    """Output of a crash must not be lost."""
    assert parse("panic: oh no\n") == Note("panic: oh no")


@given(st.text())
def test_no_line_breaks_the_reader(line: str) -> None:
    """An exception would interrupt a deployment."""
    parse(line)


@given(
    st.sampled_from(["diagnostic", "apply_start", "change_summary", "version", ""]),
    st.dictionaries(st.sampled_from(["diagnostic", "hook", "changes", "@message"]), st.text()),
)
def test_no_shape_of_a_known_type_breaks_the_reader(kind: str, rest: dict[str, str]) -> None:
    """A later Terraform may write other fields."""
    parse(json.dumps({"type": kind, **rest}))
