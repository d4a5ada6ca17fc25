"""Others find a stack that runs, only that, and only in a directory of ours."""

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


def test_a_stack_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """What the supervisor knows is what a client gets."""
    lock = take_lock(tmp_path)
    stack_in(tmp_path).write()

    assert Stack.read(tmp_path) == stack_in(tmp_path)
    os.close(lock)


def test_what_a_killed_supervisor_left_behind_does_not_count(tmp_path: Path) -> None:
    """A file is no proof of life; the lock that the kernel frees is."""
    os.close(take_lock(tmp_path))
    stack_in(tmp_path).write()

    assert Stack.read(tmp_path) is None


def test_no_directory_and_an_empty_one_hold_no_stack(tmp_path: Path) -> None:
    """Before the first `up` there is nothing to find, and that is no error."""
    assert Stack.read(tmp_path / "absent") is None
    assert Stack.read(tmp_path) is None
    assert not is_locked(tmp_path)


def test_there_is_one_supervisor_in_a_directory(tmp_path: Path) -> None:
    """Two `up` at the same moment do not start two stacks; the second may try again."""
    lock = take_lock(tmp_path)

    with pytest.raises(TryAgainError) as caught:
        take_lock(tmp_path)

    assert caught.value.exit_code == ExitCode.TRY_AGAIN
    assert is_locked(tmp_path)
    assert supervisor_of(tmp_path) == os.getpid()
    os.close(lock)
    assert not is_locked(tmp_path)


def test_a_project_has_a_directory_of_its_own(tmp_path: Path) -> None:
    """Two checkouts on one machine do not meet, and one always finds its own."""
    first, second = (stack_directory(tmp_path / name, {}) for name in ("one", "two"))

    assert first != second
    assert first == stack_directory(tmp_path / "one", {})
    assert first.name.startswith("gradectl-")


def test_the_directory_can_be_chosen(tmp_path: Path) -> None:
    """GRADECTL_LOCAL_DIR wins over the default."""
    environ = {"GRADECTL_LOCAL_DIR": str(tmp_path / "elsewhere")}

    assert stack_directory(tmp_path, environ) == tmp_path / "elsewhere"


def test_slot_users_pass_through_the_directory_and_cannot_look_into_it(tmp_path: Path) -> None:
    """The sandbox below needs the first, the logs and keys beside it the second."""
    make_directory(tmp_path / "stack")
    make_directory(tmp_path / "stack")

    assert (tmp_path / "stack").stat().st_mode & 0o777 == 0o711


def test_a_link_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    """The default name can be guessed, and /tmp is everybody's."""
    (tmp_path / "target").mkdir()
    (tmp_path / "stack").symlink_to(tmp_path / "target")

    with pytest.raises(RefusedError, match="not a directory of yours"):
        make_directory(tmp_path / "stack")
    with pytest.raises(RefusedError):
        Stack.read(tmp_path / "stack")


def test_somebody_elses_directory_is_refused(tmp_path: Path) -> None:
    """What lies there may be a trap."""
    with pytest.raises(RefusedError) as caught:
        check_ours(tmp_path, uid=os.getuid() + 1)

    assert caught.value.exit_code == ExitCode.REFUSED
    assert "GRADECTL_LOCAL_DIR" in caught.value.next_step


def test_the_file_is_json_that_other_programs_can_read(tmp_path: Path) -> None:
    """A shell script may want the endpoint too."""
    stack_in(tmp_path).write()

    document = json.loads((tmp_path / "stack.json").read_text())
    assert document["endpoint_url"] == "http://localhost:4566"
