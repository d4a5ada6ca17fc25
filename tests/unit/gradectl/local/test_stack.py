"""Clients find a running stack, in a directory that belongs to this user."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gradectl.errors import ExitCode, RefusedError, TryAgainError
from gradectl.local.stack import (
    Stack,
    check_ours,
    is_locked,
    make_directory,
    stack_directory,
    supervisor_of,
    take_lock,
)


def stack_in(directory: Path) -> Stack:
    return Stack(
        directory=directory,
        endpoint_url="http://localhost:4566",
        region="ap-northeast-2",
        account_id="123456789012",
        ca_file=directory / "ca.pem",
        broker_endpoint="stomp+ssl://localhost:61614",
        db_endpoint="127.0.0.1:3306",
        supervisor_pid=os.getpid(),
    )


def test_a_stack_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The client gets all fields that the supervisor writes."""
    lock = take_lock(tmp_path)
    stack_in(tmp_path).write()

    assert Stack.read(tmp_path) == stack_in(tmp_path)
    os.close(lock)


def test_the_file_of_a_killed_supervisor_does_not_count(tmp_path: Path) -> None:
    """The kernel releases the lock of a dead process; the file stays."""
    os.close(take_lock(tmp_path))
    stack_in(tmp_path).write()

    assert Stack.read(tmp_path) is None


def test_a_missing_or_empty_directory_has_no_stack(tmp_path: Path) -> None:
    """The state before the first `up`; no error."""
    assert Stack.read(tmp_path / "absent") is None
    assert Stack.read(tmp_path) is None
    assert not is_locked(tmp_path)


def test_a_directory_has_one_supervisor(tmp_path: Path) -> None:
    """Of two concurrent `up`, one starts the stack and the other may retry."""
    lock = take_lock(tmp_path)

    with pytest.raises(TryAgainError) as caught:
        take_lock(tmp_path)

    assert caught.value.exit_code == ExitCode.TRY_AGAIN
    assert is_locked(tmp_path)
    assert supervisor_of(tmp_path) == os.getpid()
    os.close(lock)
    assert not is_locked(tmp_path)


def test_each_project_has_its_own_directory(tmp_path: Path) -> None:
    """Two checkouts on one machine do not share a stack."""
    first, second = (stack_directory(tmp_path / name, {}) for name in ("one", "two"))

    assert first != second
    assert first == stack_directory(tmp_path / "one", {})
    assert first.name.startswith("gradectl-")


def test_the_directory_can_be_chosen(tmp_path: Path) -> None:
    """GRADECTL_LOCAL_DIR wins over the default."""
    environ = {"GRADECTL_LOCAL_DIR": str(tmp_path / "elsewhere")}

    assert stack_directory(tmp_path, environ) == tmp_path / "elsewhere"


def test_other_users_can_traverse_but_not_list_the_directory(tmp_path: Path) -> None:
    """Box users must reach the sandbox below; logs and keys stay private."""
    make_directory(tmp_path / "stack")
    make_directory(tmp_path / "stack")

    assert (tmp_path / "stack").stat().st_mode & 0o777 == 0o711


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """The default name can be guessed, and everyone can write to /tmp."""
    (tmp_path / "target").mkdir()
    (tmp_path / "stack").symlink_to(tmp_path / "target")

    with pytest.raises(RefusedError, match="not a directory that you own"):
        make_directory(tmp_path / "stack")
    with pytest.raises(RefusedError):
        Stack.read(tmp_path / "stack")


def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its content cannot be trusted."""
    with pytest.raises(RefusedError) as caught:
        check_ours(tmp_path, uid=os.getuid() + 1)

    assert caught.value.exit_code == ExitCode.REFUSED
    assert "GRADECTL_LOCAL_DIR" in caught.value.next_step


def test_the_file_is_json(tmp_path: Path) -> None:
    """Other programs may read the endpoint from it."""
    stack_in(tmp_path).write()

    document = json.loads((tmp_path / "stack.json").read_text())
    assert document["endpoint_url"] == "http://localhost:4566"
