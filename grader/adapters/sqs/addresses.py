"""The addresses of queues, by the names that messages, logs and commands use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from grader.errors import SettingsError

_AWS_HOST = re.compile(
    r"(?:sqs\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
    r"|([a-z0-9-]+)\.queue\.amazonaws\.com(?:\.cn)?)"
)


class QueueUrls(Mapping[str, str]):
    """
    The URL of each queue by its name, such as ``grading-requests``.

    Args:
        urls: URL by name.
        region: Region of the client that will use them.

    Raises:
        SettingsError: A URL is not one, or names another region: SQS would answer that the queue
            does not exist.
    """

    def __init__(self, urls: Mapping[str, str], region: str) -> None:
        for name, url in urls.items():
            _check(name, url, region)
        self._urls = dict(urls)

    def __getitem__(self, name: str) -> str:
        """Return the URL of a queue; raises `KeyError`."""
        return self._urls[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._urls)

    def __len__(self) -> int:
        """Count the queues."""
        return len(self._urls)


def sibling_url(url: str, name: str, other: str) -> str:
    """
    Derive the URL of another queue of the environment: ``…/dev-grading-requests`` has siblings.

    Args:
        url: URL of the queue `name`.
        name: Name that the URL ends with.
        other: Name of the other queue.

    Raises:
        SettingsError: The URL does not end with `name`, so the other one cannot be derived.
    """
    if not url.endswith(name):
        raise SettingsError(
            f"the URL of {other} cannot be derived from one that does not end with {name}",
            where=url,
            next_step="set the URL of each queue",
        )
    return url.removesuffix(name) + other


def _check(name: str, url: str, region: str) -> None:
    host = _host(url)
    if not host:
        raise SettingsError(f"not the URL of a queue: {url!r}", where=name)
    if url.endswith(".fifo"):
        raise SettingsError(
            "a FIFO queue cannot be used: one slow request would block those behind it",
            where=url,
            next_step="use a standard queue",
        )
    found = _AWS_HOST.fullmatch(host)
    named = (found[1] or found[2]) if found else region
    if named != region:
        raise SettingsError(
            f"the queue is in {named}, and the client in {region}",
            where=url,
            next_step="correct AWS_REGION or the URL of the queue",
        )


def _host(url: str) -> str:
    """Return the host of a URL that has a path; empty for anything else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_url = parts.scheme in ("http", "https") and parts.path.strip("/")
    return (parts.hostname or "") if is_url else ""
