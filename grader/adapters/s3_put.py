"""Writes an object with one signed request, for a fraction of the processor time of boto3."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

_OK, _EXISTS = 200, 412
_ADDRESS_SECONDS = 60


class DirectPuts:
    """
    Writes objects to one bucket, without retries, and without reasons for failures.

    The caller repeats a failed write with boto3, which has both; to write the same object twice
    does no harm. The request has the SHA-256 of the body, which S3 checks.

    Args:
        client: A boto3 S3 client, which knows the address of the bucket.
        bucket: Name of the bucket.
        credentials: Those of boto3, which renew themselves.
        verify: Path of the CA bundle; None for that of botocore.

    Raises:
        BotoCoreError: There is no address for this bucket.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 creates its classes at run time
        bucket: str,
        credentials: Any,  # noqa: ANN401 - likewise
        verify: str | None,
    ) -> None:
        config = client.meta.config
        values = {"Bucket": bucket, "Key": "x"}
        url = client.generate_presigned_url("put_object", values, ExpiresIn=_ADDRESS_SECONDS)
        self._address = url.partition("?")[0].removesuffix("x")
        self._region = client.meta.region_name
        self._credentials = credentials
        self._session = URLLib3Session(
            verify=verify or True,  # type: ignore[arg-type]  # the stubs lack the path
            proxies=get_environ_proxies(self._address),
            timeout=(config.connect_timeout, config.read_timeout),  # type: ignore[arg-type]  # the stubs lack the pair
            max_pool_connections=config.max_pool_connections,
        )

    def put(self, key: str, body: bytes, content_type: str) -> bool:
        """Write a whole object; returns whether S3 has confirmed it."""
        return self._status(key, body, {"Content-Type": content_type}) == _OK

    def put_new(self, key: str, body: bytes, content_type: str) -> bool | None:
        """Write an object unless the key exists; None if S3 has answered neither."""
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        return {_OK: True, _EXISTS: False}.get(self._status(key, body, headers))

    def _status(self, key: str, body: bytes, headers: dict[str, str]) -> int:
        """Return the status of the answer; 0 without one."""
        try:
            url = self._address + quote(key, safe="/~")
            request = AWSRequest("PUT", url, headers, body)
            frozen = self._credentials.get_frozen_credentials()
            S3SigV4Auth(frozen, "s3", self._region).add_auth(request)
            return int(self._session.send(request.prepare()).status_code)
        except (BotoCoreError, HTTPClientError):
            return 0
