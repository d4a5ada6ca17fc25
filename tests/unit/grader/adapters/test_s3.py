"""What S3 answers becomes an error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from grader.adapters.s3 import S3ObjectStore, open_object_store
from grader.adapters.s3_put import DirectPuts
from grader.errors import AccessError, HiddenObjectError, ObjectNotFoundError


def test_a_refused_read_may_mean_that_the_object_does_not_exist() -> None:
    """A refused write or login may not."""
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    store = S3ObjectStore(client, "bucket")
    with Stubber(client) as answers:
        answers.add_client_error("get_object", "AccessDenied", http_status_code=403)
        answers.add_client_error("get_object", "ExpiredToken", http_status_code=400)
        answers.add_client_error("put_object", "AccessDenied", http_status_code=403)

        with pytest.raises(HiddenObjectError):
            store.get("key", max_bytes=1)
        for call in (
            lambda: store.get("key", max_bytes=1),
            lambda: store.put("key", b"", content_type="text/plain"),
        ):
            with pytest.raises(AccessError) as caught:
                call()
            assert not isinstance(caught.value, HiddenObjectError)


def test_a_key_that_is_too_long_names_no_object() -> None:
    """It comes from a message, so it must not be tried again like a failure of S3."""
    client = boto3.client(
        "s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as answers:
        answers.add_client_error("get_object", "KeyTooLongError", http_status_code=400)

        with pytest.raises(ObjectNotFoundError):
            S3ObjectStore(client, "bucket").get("k" * 1025, max_bytes=1)


@pytest.mark.parametrize("status", [301, 403, 503])
def test_a_write_that_fails_past_boto3_is_repeated_with_it(status: int) -> None:
    """So it is retried, and its error has a reason; a stored object is not written twice."""
    with answering([status, 200, 200, status, 412]) as (address, requests):
        store = _store_with_direct_writes(address)

        store.put("a/b c", b"1", content_type="text/plain")
        store.put("a/b c", b"2", content_type="text/plain")
        assert store.put_new("a/new", b"3", content_type="text/plain") is False

    assert [request.partition(b" HTTP")[0] for request in requests] == [
        *[b"PUT /bucket/a/b%20c"] * 3,
        *[b"PUT /bucket/a/new"] * 2,
    ]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "ap-northeast-2"])
def test_an_upload_url_is_only_for_a_new_object(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """The header is signed, so a client can neither leave it out nor replace what was graded."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")

    target = open_object_store("bucket", region).upload_target(
        "submissions/req_1/solution.py", content_type="text/plain", seconds=900
    )

    assert target.headers["If-None-Match"] == "*"
    assert "X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match" in target.url


def test_without_an_answer_nothing_was_written() -> None:
    """The address may have changed, or be away."""
    with answering([]) as (address, _):
        client = _client(address)
    direct = DirectPuts(client, "bucket", _SESSION.get_credentials(), None)

    assert not direct.put("key", b"1", "text/plain")
    assert direct.put_new("key", b"1", "text/plain") is None


_SESSION = boto3.Session("a", "b", region_name="eu-west-1")


def _client(address: str) -> Any:
    return _SESSION.client(
        "s3", endpoint_url=address, config=Config(s3={"addressing_style": "path"})
    )


def _store_with_direct_writes(address: str) -> S3ObjectStore:
    client = _client(address)
    direct = DirectPuts(client, "bucket", _SESSION.get_credentials(), None)
    return S3ObjectStore(client, "bucket", direct)


@contextmanager
def answering(statuses: list[int]) -> Iterator[tuple[str, list[bytes]]]:
    """Answer each request with the next status; yields the address, and the first lines."""
    seen: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a connection that closes could fail the next write

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.raw_requestline)
            self.send_response(statuses[len(seen) - 1])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_parts: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()
