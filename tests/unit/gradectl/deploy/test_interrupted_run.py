"""Locks, states and resources that an interrupted run of Terraform leaves behind."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gradectl.deploy.interrupted_run import (
    Journal,
    StateLock,
    keep_unsaved,
    running_terraform,
    unsaved,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOCK = {
    "ID": "abc",
    "Operation": "OperationTypeApply",
    "Who": f"eve@{socket.gethostname()}",
    "Created": "2026-01-02T03:04:05.123456789Z",
}


def lock(**changes: str) -> StateLock | None:
    return StateLock.parse(json.dumps({**LOCK, **changes}).encode())


def test_a_lock_is_of_this_run_only_when_it_was_taken_here_and_since() -> None:
    """The lock of another run must not be offered for release."""
    own, other = lock(), lock(Who="eve@elsewhere")

    assert own
    assert own.is_since(NOW)
    assert not own.is_since(NOW + timedelta(seconds=1))
    assert other
    assert not other.is_since(NOW)
    unclear = lock(Created="yesterday")
    assert unclear
    assert not unclear.is_since(NOW)


def test_what_is_no_lock_is_none() -> None:
    """It is an object that anybody with the bucket can write."""
    assert StateLock.parse(b"{") is None
    assert StateLock.parse(b"[]") is None
    assert lock(ID="") is None


def test_a_state_is_moved_to_its_environment_and_private(tmp_path: Path) -> None:
    """Terraform would overwrite it at the next failure, of any environment."""
    written, folder = tmp_path / "errored.tfstate", tmp_path / "dev"
    folder.mkdir()
    assert keep_unsaved(written, folder, NOW) is None
    written.write_text("{}")
    written.chmod(0o644)

    kept = keep_unsaved(written, folder, NOW)

    assert kept
    assert kept.stat().st_mode & 0o777 == 0o600
    assert unsaved(written, folder) == [kept]
    written.write_text("{}")
    assert unsaved(written, folder) == [kept, written]


def test_the_journal_has_what_was_created_until_the_state_has_it(tmp_path: Path) -> None:
    """A line that was cut off by a crash is left out."""
    journal = Journal(tmp_path)
    journal.add("aws_sqs_queue.this", "https://queue")
    with (tmp_path / "created.jsonl").open("a") as file:
        file.write('["aws_s3_bu')

    assert journal.read() == [("aws_sqs_queue.this", "https://queue")]
    journal.clear()
    assert journal.read() == []


def test_a_terraform_of_the_same_project_is_found(tmp_path: Path) -> None:
    """By the data directory in its environment."""
    for pid, directory in (("11", "/other"), ("12", "/data")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "environ").write_bytes(f"A=1\0TF_DATA_DIR={directory}\0".encode())
    (tmp_path / "self").mkdir()

    processes = sorted(tmp_path.iterdir())

    assert running_terraform(Path("/data"), processes) == 12
    assert running_terraform(Path("/dat"), processes) is None
