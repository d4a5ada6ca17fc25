"""`gradectl doctor`, on an emulated account in this process."""

from __future__ import annotations

from typing import Any


def test_an_environment_that_was_not_applied_exits_with_4(dev: Any) -> None:
    """Each cause has a next step; what could not be read is unknown and not a pass."""
    result = dev.gradectl("doctor", "dev", "-o", "json")

    assert result.code == 4
    outcomes = {each["name"]: each["outcome"] for each in result.document["checks"]}
    assert outcomes["service"] == "failed"
    assert outcomes["parameters"] == "failed"
    assert outcomes["bucket"] == "failed"
    assert outcomes["consumers"] == "unknown"
    assert result.document["passed"] is False
    assert "gradectl apply dev" in result.stderr


def test_the_doctor_only_reads(dev: Any) -> None:
    """A dry run blocks every call that is not a read, and none is blocked."""
    dev.create_service(dev.register("worker:1"))

    result = dev.gradectl("--dry-run", "doctor", "dev")

    assert result.code == 4
    assert "a dry run changes nothing" not in result.stdout + result.stderr
