"""Two deployments of one environment never run at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.deploy.deploy_lock import LOCK_KEY, Holder, LockStore, deploy_lock, release
from gradectl.errors import ExitCode, TryAgainError, UsageError

OTHER = Holder(id="abc", who="eve@laptop", since="2026-01-01T00:00:00+00:00", machine="m", pid=7)


class Bucket:
    """A bucket in memory; `lost` answers are written and then reported as failed."""

    def __init__(self, holder: Holder | None = None, *, lost: int = 0) -> None:
        """Hold a lock, or none."""
        self.objects = {LOCK_KEY: json.dumps(asdict(holder)).encode()} if holder else {}
        self._lost = lost

    def create(self, key: str, body: bytes) -> bool:
        if key in self.objects:
            return False
        self.objects[key] = body
        self._lost -= 1
        return self._lost < 0

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def remove(self, key: str) -> None:
        self.objects.pop(key, None)


def no_pause() -> bool:
    return False


def test_the_lock_is_held_for_the_block_and_removed_after_it() -> None:
    """Also when the block fails."""
    bucket = Bucket()
    held = []

    def fail() -> None:
        held.append(Holder(**json.loads(bucket.objects[LOCK_KEY])))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), deploy_lock(bucket, "dev", no_pause, print):
        fail()

    assert held[0].pid == os.getpid()
    assert not held[0].has_ended
    assert bucket.objects == {}


def test_a_second_deployment_is_told_who_holds_it() -> None:
    """Exit code 75, with the command that removes a lock left behind; the lock stays."""
    bucket = Bucket(OTHER)

    with pytest.raises(TryAgainError) as caught, deploy_lock(bucket, "dev", no_pause, print):
        pytest.fail("it got the lock")

    assert caught.value.exit_code == ExitCode.TRY_AGAIN
    assert "eve@laptop (process 7) since 2026-01-01" in caught.value.what
    assert "gradectl deploy dev --release-lock abc" in caught.value.next_step
    assert bucket.objects


def test_a_second_deployment_waits_for_the_first() -> None:
    """It says so once."""
    bucket = Bucket(OTHER)
    said: list[str] = []
    pauses: list[None] = []

    def pause() -> bool:
        pauses.append(None)
        if len(pauses) == 2:
            bucket.remove(LOCK_KEY)
        return True

    with deploy_lock(bucket, "dev", pause, said.append):
        assert json.loads(bucket.objects[LOCK_KEY])["id"] != "abc"

    assert len(said) == 1
    assert "eve@laptop" in said[0]


def test_the_lock_of_an_ended_process_is_taken_over() -> None:
    """It ran on this machine and is gone, for example after SIGKILL."""
    program = "import json, dataclasses; from gradectl.deploy.deploy_lock import Holder;"
    program += "print(json.dumps(dataclasses.asdict(Holder.this_process())))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    ended = Holder(**json.loads(done.stdout))
    said: list[str] = []

    with deploy_lock(Bucket(ended), "dev", no_pause, said.append):
        pass

    assert "taking over" in said[0]


def test_a_process_of_another_machine_or_container_counts_as_running() -> None:
    """Its pid says nothing here."""
    here = Holder.this_process()

    assert not replace(here, machine="elsewhere", started="0").has_ended
    assert not replace(here, machine="", started="0").has_ended
    assert replace(here, started="0").has_ended


def test_a_repeated_request_does_not_lock_out_its_own_sender() -> None:
    """The first answer was lost, so the second request finds its own lock."""
    bucket = Bucket(lost=1)

    with deploy_lock(bucket, "dev", no_pause, print):
        assert bucket.objects

    assert bucket.objects == {}


def test_a_lock_is_released_by_its_id_only() -> None:
    """The wrong id could be that of a running deployment."""
    bucket = Bucket(OTHER)

    with pytest.raises(UsageError, match="the lock is abc, of eve@laptop"):
        release(bucket, "dev", "other")
    release(bucket, "dev", "abc")
    with pytest.raises(UsageError, match="dev is not locked"):
        release(bucket, "dev", "abc")


def test_a_lock_that_cannot_be_read_is_held_and_can_be_released() -> None:
    """Another version may have written it."""
    bucket = Bucket()
    bucket.objects[LOCK_KEY] = b"\xff not JSON"

    with (
        pytest.raises(TryAgainError, match="an unknown holder") as caught,
        deploy_lock(bucket, "dev", no_pause, print),
    ):
        pytest.fail("it got the lock")
    release(bucket, "dev", caught.value.next_step.split()[-1])

    assert bucket.objects == {}


@pytest.fixture(name="bucket")
def _bucket(moto_server: str) -> LockStore:
    """A bucket of the emulated account."""
    settings = AwsSettings("eu-west-1", "123456789012", None, moto_server, "testing", "testing")
    aws = Aws(settings)
    aws.exclusive_objects("x")._client.create_bucket(
        Bucket="locks", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return aws.exclusive_objects("locks")


def test_s3_writes_an_object_only_where_none_exists(bucket: LockStore) -> None:
    """The conditional write of the emulated S3."""
    assert bucket.read("key") is None
    assert bucket.create("key", b"first")
    assert not bucket.create("key", b"second")
    assert bucket.read("key") == b"first"
    bucket.remove("key")
    bucket.remove("key")
    assert bucket.read("key") is None
