"""The address of the client of a call."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]


def client_address(scope: Scope, trusted_proxies: int) -> str:
    """
    Return the address of the client; empty if it is not known.

    Args:
        scope: The scope of the call.
        trusted_proxies: How many proxies in front of the API append the address of their client to
            X-Forwarded-For, such as 1 behind a load balancer. What the client itself sends in that
            header is further to the left and does not count.
    """
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    if not trusted_proxies:
        return peer
    headers = scope["headers"]
    text = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    values = text.decode("latin-1").split(",")
    found = values[-trusted_proxies].strip() if len(values) >= trusted_proxies else ""
    return found or peer
