"""Data is saved completely before a destroy, whatever the keys of the files are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import boto3
import pytest
from moto import mock_aws
from plans import item, plan_of

from gradectl.adapters.aws.buckets import Buckets
from gradectl.adapters.aws.databases import Databases
from gradectl.deploy.saving import (
    check_new,
    deleted_buckets,
    deleted_databases,
    not_exported,
    save_bucket,
    snapshot_name,
)
from gradectl.errors import CheckFailedError, RefusedError


class Bucket:
    """An in-memory bucket."""

    def __init__(self, files: dict[str, bytes], missing: int = 0) -> None:
        self._files = files
        self._missing = missing

    def objects(self, bucket: str) -> Iterator[tuple[str, int]]:  # noqa: ARG002 - there is one
        yield from ((key, len(body)) for key, body in self._files.items())

    def old_versions(self, bucket: str) -> int:  # noqa: ARG002 - there is one
        return 0

    def download(self, bucket: str, key: str, file: IO[bytes]) -> None:  # noqa: ARG002 - there is one
        file.write(self._files[key][self._missing :])


KEYS = [
    "results/1.json",
    "../../etc/passwd",
    "/etc/passwd",
    "a",
    "a/b",
    "a//b",
    "",
    "x" * 999,
    "\n",
]


def test_every_file_is_saved_below_the_folder(tmp_path: Path) -> None:
    """Keys are untrusted, and what is not a plain path has a name of its own in the index."""
    files = {key: key.encode() + b"!" for key in KEYS}

    saved = save_bucket(Bucket(files), "b", tmp_path / "out")

    lines = (saved.folder / "index.jsonl").read_text().splitlines()
    index = {one["key"]: saved.folder / one["file"] for one in map(json.loads, lines)}
    assert {key: path.read_bytes() for key, path in index.items()} == files
    assert all(path.resolve().is_relative_to(saved.folder) for path in index.values())
    assert (saved.files, saved.bytes) == (len(files), sum(map(len, files.values())))
    assert index["results/1.json"] == saved.folder / "files/results/1.json"
    assert {path.stat().st_mode & 0o777 for path in index.values()} == {0o600}


def test_an_incomplete_file_ends_the_destroy(tmp_path: Path) -> None:
    """Before anything is deleted."""
    with pytest.raises(CheckFailedError) as caught:
        save_bucket(Bucket({"a": b"12"}, missing=1), "b", tmp_path)

    assert "nothing was deleted: 1 of 2 bytes" in caught.value.what
    assert caught.value.where == "s3://b/a"


def test_an_export_never_overwrites(tmp_path: Path) -> None:
    """The earlier one may be the only copy."""
    (tmp_path / "b").mkdir()

    with pytest.raises(RefusedError, match="exists already"):
        check_new(tmp_path, ["a", "b"])
    check_new(tmp_path, ["a"])


def test_what_is_deleted_is_read_from_the_plan() -> None:
    """A database without a final snapshot would lose its rows."""
    plan = plan_of(
        item("aws_s3_bucket.a", None, {"bucket": "files"}),
        item("aws_s3_bucket.b", {"bucket": "kept"}, {"bucket": "kept"}),
        item("aws_db_instance.a", None, {"identifier": "a", "final_snapshot_identifier": "a-f"}),
        item("aws_db_instance.b", None, {"identifier": "b", "skip_final_snapshot": True}),
    )

    assert deleted_buckets(plan) == ["files"]
    assert deleted_databases(plan) == {"a": "a-f", "b": ""}
    assert deleted_databases(plan, without_snapshot=True) == {"b": ""}


def test_a_snapshot_can_be_restored_when_the_destroy_goes_on() -> None:
    """Its name has the time, so that a second destroy has another one."""
    name = snapshot_name("dev-grading", datetime(2026, 11, 29, 21, 4, 5, tzinfo=UTC))
    with mock_aws():
        rds = boto3.client("rds", region_name="eu-west-1")
        rds.create_db_instance(
            DBInstanceIdentifier="dev-grading", DBInstanceClass="db.t4g.micro", Engine="mysql"
        )
        databases = Databases(rds)
        before = databases.snapshot_exists(name)
        databases.take_snapshot("dev-grading", name)

        assert name == "dev-grading-before-destroy-20261129-210405"
        assert not before
        assert databases.snapshot_exists(name)


def test_what_an_export_leaves_out_is_counted() -> None:
    """Replaced versions, and those of deleted files; the marker of a deletion has no content."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="files")
        s3.put_bucket_versioning(Bucket="files", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="files", Key="kept", Body=b"1")
        nothing = not_exported(Buckets(s3), "files")
        s3.put_object(Bucket="files", Key="kept", Body=b"2")
        one = not_exported(Buckets(s3), "files")
        s3.put_object(Bucket="files", Key="deleted", Body=b"3")
        s3.delete_object(Bucket="files", Key="deleted")
        two = not_exported(Buckets(s3), "files")

    assert nothing == ""
    assert one == "LOST: 1 old version in s3://files; --export copies only current files"
    assert "2 old versions" in two
