"""Uploads of functions leave no file too many and none too few."""

from __future__ import annotations

from datetime import timedelta

from grader.client.functions import make_manifest, stored_manifest, upload_function
from grader.contract.bucket import function_file_key, function_manifest_key
from grader.contract.functions import FunctionManifest
from grader.testing import MemoryObjectStore


class Interrupted(MemoryObjectStore):
    """A bucket in which another upload runs just before a manifest is written."""

    other: bytes | None = None

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write, after the other upload."""
        if key == function_manifest_key("hello") and self.other is not None:
            other, self.other = self.other, None
            push(self, other)
        super().put(key, body, content_type=content_type)


def push(store: MemoryObjectStore, source: bytes) -> FunctionManifest:
    """Upload `hello` with this source."""
    contents = {"main.py": source}
    manifest = make_manifest(
        function_id="hello", runtime="python", entry="main.py", contents=contents
    )
    upload_function(store, manifest, contents)
    return manifest


def sources(store: MemoryObjectStore) -> set[bytes]:
    """The files that are stored."""
    return {body for key, body in store.objects.items() if "/files/" in key}


def grow_old(store: MemoryObjectStore) -> None:
    """Let an hour pass."""
    store.modified = {key: at - timedelta(minutes=61) for key, at in store.modified.items()}


def test_uploads_at_the_same_time_leave_a_complete_function() -> None:
    """The last manifest counts, and all its files are there."""
    store = Interrupted()
    store.other = b"print(2)"

    last = push(store, b"print(1)")

    assert stored_manifest(store, "hello") == last
    assert function_file_key("hello", last.files["main.py"]) in store.objects


def test_files_of_old_versions_are_deleted() -> None:
    """After an hour, except those of the version before: a run may just have read its manifest."""
    store = MemoryObjectStore()
    for source in (b"1", b"2", b"3"):
        push(store, source)
    assert sources(store) == {b"1", b"2", b"3"}
    grow_old(store)

    push(store, b"4")

    assert sources(store) == {b"3", b"4"}
