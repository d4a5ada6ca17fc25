"""The address of the client of a call."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]

_FORWARDED = (b"forwarded", b"x-forwarded-for")


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
    values = ",".join(_values(scope, (b"x-forwarded-for",))).split(",")
    found = values[-trusted_proxies].strip() if len(values) >= trusted_proxies else ""
    return found or peer


def is_from_inside(scope: Scope) -> bool:
    """Whether a call comes from a loopback or private address, and through no proxy."""
    client = scope.get("client")
    if not client or any(True for _ in _values(scope, _FORWARDED)):
        return False
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    return address.is_private and not address.is_link_local


def _values(scope: Scope, names: Iterable[bytes]) -> Iterable[str]:
    wanted = set(names)
    return (value.decode("latin-1") for name, value in scope["headers"] if name in wanted)
