"""Stores functions in the bucket, and makes the requests that run them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from grader.client.submission import new_request_id
from grader.contract.bucket import (
    FUNCTIONS_PREFIX,
    function_file_key,
    function_manifest_key,
    function_prefix,
)
from grader.contract.functions import FunctionManifest, FunctionRequest, files_version
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.ports.stores import ObjectStore

_MANIFEST_BYTES = 1 << 16
_MANIFEST = "manifest.json"
#: A file that no manifest names yet may belong to an upload that still runs.
_UPLOAD_TIME = timedelta(hours=1)


@dataclass(frozen=True)
class StoredFunction:
    """
    A function in the bucket.

    Args:
        function_id: Its id.
        manifest: Its manifest; None if it is invalid.
        error: Why it is invalid.
        modified_at: When it was pushed, UTC; None: not known.
    """

    function_id: str
    manifest: FunctionManifest | None
    error: str
    modified_at: datetime | None


def make_manifest(  # noqa: PLR0913 - the fields of the manifest, all named at the call
    *,
    function_id: str,
    runtime: str,
    entry: str,
    contents: Mapping[str, bytes],
    memory_mb: int = 256,
    timeout_ms: int = 5000,
) -> FunctionManifest:
    """
    Make the manifest of a function.

    Args:
        function_id: Its id.
        runtime: A language of the workers.
        entry: The file that is run or compiled.
        contents: Content by file name.
        memory_mb: Memory limit, MB.
        timeout_ms: Limit of wall and CPU time, milliseconds.

    Raises:
        RequestError: A value is invalid; names the field.
    """
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    document = {
        "functionId": function_id,
        "runtime": runtime,
        "entry": entry,
        "memory": memory_mb,
        "timeout": timeout_ms,
        "version": files_version(files),
        "files": files,
    }
    return FunctionManifest.from_json(json.dumps(document).encode())


def stored_manifest(store: ObjectStore, function_id: str) -> FunctionManifest | None:
    """Read the manifest of a function; None without one; raises `RequestError` if it is invalid."""
    try:
        body = store.get(function_manifest_key(function_id), max_bytes=_MANIFEST_BYTES)
    except ObjectNotFoundError:
        return None
    except ObjectTooLargeError as error:
        raise RequestError(ErrorCode.FUNCTION_INVALID, f"manifest: {error.what}") from None
    return FunctionManifest.from_json(body)


def stored_functions(store: ObjectStore) -> Iterator[StoredFunction]:
    """Read all functions of a bucket, in the order of their ids."""
    for info in store.list(FUNCTIONS_PREFIX):
        function_id, _, name = info.key.removeprefix(FUNCTIONS_PREFIX).partition("/")
        if name != _MANIFEST:
            continue
        try:
            manifest, error = stored_manifest(store, function_id), ""
        except RequestError as invalid:
            manifest, error = None, invalid.what
        if manifest or error:
            yield StoredFunction(function_id, manifest, error, info.modified_at)


def upload_function(
    store: ObjectStore, manifest: FunctionManifest, contents: Mapping[str, bytes]
) -> None:
    """
    Store a function: all its files, so that a damaged one is replaced, then its manifest.

    Files of the version before stay until a later upload, because runs may still read them, and so
    do those of the last hour, which may be of another upload at the same time: the last manifest
    counts.

    Args:
        store: The grading bucket.
        manifest: From `make_manifest`.
        contents: The same as for `make_manifest`.
    """
    function_id = manifest.function_id
    try:
        before = stored_manifest(store, function_id)
    except RequestError:  # damaged: this upload repairs it
        before = None
    used = {function_manifest_key(function_id)}
    for each in (manifest, before):
        if each is not None:
            used |= {function_file_key(function_id, digest) for digest in each.files.values()}
    for name, digest in manifest.files.items():
        key = function_file_key(function_id, digest)
        store.put(key, contents[name], content_type="application/octet-stream")
    key = function_manifest_key(function_id)
    store.put(key, manifest.to_json(), content_type="application/json")
    there = {info.key: info.modified_at for info in store.list(function_prefix(function_id))}
    now = there.get(key)  # by the clock of the store
    store.delete([each for each, at in there.items() if each not in used and _is_old(at, now)])


def _is_old(modified_at: datetime | None, now: datetime | None) -> bool:
    return bool(modified_at and now and now - modified_at > _UPLOAD_TIME)


def delete_function(store: ObjectStore, function_id: str) -> int:
    """Delete a function, its manifest first; returns the number of deleted objects."""
    manifest = function_manifest_key(function_id)
    keys = [info.key for info in store.list(function_prefix(function_id))]
    if manifest in keys:
        store.delete([manifest])
    store.delete([key for key in keys if key != manifest])
    return len(keys)


def make_function_request(
    function_id: str, input_data: object, *, user_id: str, request_id: str | None = None
) -> FunctionRequest:
    """
    Make the request that runs a function.

    Args:
        function_id: The function.
        input_data: Its input, any JSON value.
        user_id: Who runs it, as the caller names them.
        request_id: Its id; a new one by default.

    Raises:
        RequestError: A value is invalid; names the field.
    """
    try:
        return FunctionRequest(
            request_id=request_id or new_request_id(datetime.now(UTC)),
            function_id=function_id,
            input_data=input_data,
            user_id=user_id,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        text = f"{first['loc'][0]}: {first['msg']}"
        raise RequestError(ErrorCode.INVALID_REQUEST, text) from error
