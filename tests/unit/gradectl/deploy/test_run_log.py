"""The log of a run has what Terraform reported, and no password."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gradectl.adapters.terraform.events import ChangeSummary, Diagnostic, Note, ResourceProgress
from gradectl.deploy.run_log import RunLog

SECRET = "Sentinel-8f3a61c2d94b"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_events_are_written_with_the_time_for_the_owner_only(tmp_path: Path) -> None:
    """One line for each event."""
    log = RunLog(tmp_path / "logs", {}, lambda: NOON)

    log.event(Note("Refreshing state\n"))
    log.event(Diagnostic("warning", "deprecated", "use another", "main.tf:3"))
    log.event(ResourceProgress("complete", "aws_vpc.this", "create", 2.4))
    log.event(ChangeSummary("apply", 1, 0, 0))

    assert log.path.read_text().splitlines() == [
        "2026-01-02T12:00:00Z Refreshing state",
        "2026-01-02T12:00:00Z warning: deprecated: use another (main.tf:3)",
        "2026-01-02T12:00:00Z complete create aws_vpc.this (2 s)",
        "2026-01-02T12:00:00Z apply: 1 added, 0 changed, 0 removed",
    ]
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_passwords_are_masked(tmp_path: Path) -> None:
    """Those of single variables, and those within a JSON object."""
    environ = {
        "TF_VAR_mq_admin_password": SECRET,
        "TF_VAR_mq_user_passwords": json.dumps({"web": f"other-{SECRET}"}),
    }
    log = RunLog(tmp_path, environ, lambda: NOON)

    log.write(f"a {SECRET} b other-{SECRET} c")

    assert log.path.read_text() == "2026-01-02T12:00:00Z a (sensitive) b (sensitive) c\n"


def test_old_logs_are_deleted(tmp_path: Path) -> None:
    """Twenty remain."""
    for minute in range(25):
        log = RunLog(tmp_path, {}, lambda at=minute: NOON + timedelta(minutes=at))  # type: ignore[misc]
        log.write("x")

    names = sorted(path.name for path in tmp_path.glob("*.log"))
    assert len(names) == 20
    assert names[-1] == log.path.name
