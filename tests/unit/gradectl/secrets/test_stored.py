"""Secrets come from private files only, and are stored once all of them are valid."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.models import ParameterInfo
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, RefusedError
from gradectl.secrets.catalogue import NeededParameter, ParameterState
from gradectl.secrets.stored import generated, observe, read_secret_file, seed, trimmed

NOW = datetime(2026, 11, 29, tzinfo=UTC)
VALUE = "a-Secret-of-tests-1"
ENDPOINT = "/dev/mq/broker-endpoint"


def environment(**variables: Any) -> Environment:
    content = {"schema_version": 1, "name": "dev", "account_id": "123456789012"}
    return Environment(**content, region="eu-west-1", variables=variables)


class MemoryStore:
    """An in-memory fake of Parameter Store."""

    def __init__(self, **kinds: str) -> None:
        self.found = {
            name.replace("__", "/"): ParameterInfo(name.replace("__", "/"), kind, 3, NOW)
            for name, kind in kinds.items()
        }
        self.written: list[tuple[str, str, ParameterInfo | None, str | None]] = []

    def describe(self, names: list[str]) -> dict[str, ParameterInfo]:
        return {name: self.found[name] for name in names if name in self.found}

    def write_secret(
        self, name: str, value: str, *, current: ParameterInfo | None, key_id: str | None = None
    ) -> int:
        self.written.append((name, value, current, key_id))
        return current.version + 1 if current else 1


def account(store: MemoryStore) -> Any:
    return SimpleNamespace(parameter_store=store)


def state(part: str, found: ParameterInfo | None = None) -> ParameterState:
    name = f"/dev/{part}/password"
    return ParameterState(NeededParameter(name, part, "password"), found)


def test_missing_parameters_are_part_of_the_list() -> None:
    """Each needed one is there, with what exists."""
    store = MemoryStore(**{ENDPOINT.replace("/", "__"): "String"})

    states = {each.needed.name: each.found for each in observe(account(store), environment())}

    assert states[ENDPOINT] is not None
    assert states["/dev/mq/password"] is None


def test_seeding_creates_with_the_key_of_the_environment() -> None:
    """And overwrites with the metadata of what exists, so that its key stays."""
    store = MemoryStore(**{ENDPOINT.replace("/", "__"): "String"})
    old = ParameterInfo("/dev/db/password", "SecureString", 7, NOW, "alias/own")

    stored = seed(
        account(store), environment(kms_key_arn="arn:key"), [state("mq"), state("db", old)],
        lambda _: VALUE,
    )  # fmt: skip

    assert [(each.version, each.created) for each in stored] == [(1, True), (8, False)]
    assert store.written == [
        ("/dev/mq/password", VALUE, None, "arn:key"),
        ("/dev/db/password", VALUE, old, "arn:key"),
    ]


def test_one_invalid_value_stores_none() -> None:
    """Half of the secrets would be worse than none."""
    store = MemoryStore(**{ENDPOINT.replace("/", "__"): "String"})

    with pytest.raises(ConfigurationError):
        seed(
            account(store),
            environment(),
            [state("mq"), state("db")],
            lambda each: VALUE if each.part == "mq" else "x",
        )

    assert store.written == []


def test_before_the_first_apply_nothing_is_stored() -> None:
    """Terraform would fail on a parameter that exists already."""
    store = MemoryStore()

    with pytest.raises(RefusedError, match="not been applied") as caught:
        seed(account(store), environment(), [state("mq")], generated)

    assert "TF_VAR_mq_admin_password" in caught.value.next_step
    assert store.written == []


def test_a_private_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    """As editors write it; other white space belongs to the value."""
    file = tmp_path / "value"
    file.write_text(f" {VALUE} \r\n")
    file.chmod(0o600)

    assert read_secret_file(file) == f" {VALUE} "
    assert trimmed("x\n\n") == "x\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """Also one that they can only change or execute; the error does not contain the value."""
    file = tmp_path / "value"
    file.write_text(VALUE)
    file.chmod(mode)

    with pytest.raises(RefusedError) as caught:
        read_secret_file(file)

    assert f"{mode:04o}" in caught.value.what
    assert VALUE not in str(caught.value)


def _directory(path: Path) -> None:
    path.mkdir(0o700)


def _pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


def _large(path: Path) -> None:
    path.write_text("x" * 9000)
    path.chmod(0o600)


def _binary(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)


@pytest.mark.parametrize("make", [_directory, _pipe, _large, _binary, lambda _: None])
def test_what_is_not_a_small_text_file_is_refused(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """A pipe without a writer must not block."""
    path = tmp_path / "value"
    make(path)

    with pytest.raises(ConfigurationError):
        read_secret_file(path)
