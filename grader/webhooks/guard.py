"""
Decides where a webhook may go; pure.

A URL is judged by its text, and then by the addresses that its host resolves to. The resolver reads
`2130706433`, `0x7f.1` and digits in circles as 127.0.0.1, so no text is ever taken for an address:
the sender connects to the very address that was judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from grader.contract.messages import LONGEST_WEBHOOK_URL

_HTTPS_PORT = 443
_LONGEST_HOST = 253
_ENCODED = frozenset(' \\"<>^`{|}')
#: Hosts that mean this machine; any other host that leads to loopback is refused.
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

_Address = IPv4Address | IPv6Address


def _networks(*texts: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(
        IPv6Network(each) if ":" in each else IPv4Network(each)
        for each in texts
    )  # fmt: skip


#: Services of cloud providers for their machines; not even a private host may lead there.
_METADATA = _networks(
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure
    "169.254.0.0/16",  # link-local: metadata and credentials of AWS, ECS and others
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::/32",  # AWS
    "fe80::/10",  # link-local
)
_LOOPBACK = _networks("127.0.0.0/8", "::1/128")
#: Networks that a company uses inside, and AWS in a VPC.
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
#: Not public, although `is_global` says so in some versions of Python.
_SPECIAL = _networks(
    "0.0.0.0/8",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",  # multicast, reserved, broadcast
    "2001::/23",  # Teredo and other protocols
    "2001:db8::/32",
    "2002::/16",  # 6to4: holds an IPv4 address
    "2620:4f:8000::/48",
    "3fff::/20",
)
#: All other IPv6 addresses hold an IPv4 address, or are not routed.
_PUBLIC_IPV6 = IPv6Network("2000::/3")


@dataclass(frozen=True)
class Target:
    """
    The parts of a valid URL.

    Args:
        host: Name or address, in lower case, without brackets.
        port: The port.
        path: Path and query, from the slash on.
    """

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _HTTPS_PORT else f"{host}:{self.port}"


@dataclass(frozen=True)
class HostRules:
    """
    The hosts that may receive webhooks.

    Args:
        allowed: Host names, `*.example.com` for all names below example.com, or `*` for all.
        private: Hosts that may resolve to private addresses too, in the same form but without `*`;
            they are allowed as well. Loopback is reached only by localhost, 127.0.0.1 and ::1.
    """

    allowed: Sequence[str] = field(default=())
    private: Sequence[str] = field(default=())

    @classmethod
    def parse(cls, allowed: str, private: str) -> HostRules:
        """Read the two settings, which separate hosts by commas."""
        return cls(_words(allowed), tuple(each for each in _words(private) if each != "*"))

    def refusal(self, url: str) -> str:
        """Return why a webhook may not go to a URL; empty if it may."""
        found = parse_target(url)
        if isinstance(found, str):
            return found
        return self.refusal_of_host(found.host)

    def refusal_of_host(self, host: str) -> str:
        """Return why no webhook may go to a host; empty if it may."""
        if not self.allowed and not self.private:
            return "webhooks are off: WEBHOOK_ALLOWED_HOSTS is empty"
        if _matches(host, self.private):
            return ""
        if host in _LOOPBACK_HOSTS:
            return f"{host} is the machine that sends, not yours"
        if _matches(host, self.allowed):
            return ""
        return f"the host {host} is not in WEBHOOK_ALLOWED_HOSTS"

    def refusal_of_addresses(self, host: str, addresses: Iterable[str]) -> str:
        """
        Return why a host may not be connected to; empty if it may.

        Args:
            host: The host.
            addresses: All addresses that it resolves to. One that is refused refuses the host: a
                name that leads to a public and a private address is an attack or a mistake.
        """
        is_private = _matches(host, self.private)
        seen = False
        for each in addresses:
            seen = True
            if reason := _refusal_of(each, is_private=is_private, host=host):
                return reason
        return "" if seen else f"{host} has no address"


def parse_target(url: str) -> Target | str:
    """Split a URL into its parts, or return why it is not valid for a webhook."""
    if len(url) > LONGEST_WEBHOOK_URL:
        return f"the URL has more than {LONGEST_WEBHOOK_URL} characters"
    if not url.isascii() or not url.isprintable() or any(char in url for char in _ENCODED):
        return "the URL has characters that must be encoded"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "the URL is not valid"
    if reason := _refusal_of_parts(parts, host, port):
        return reason
    query = f"?{parts.query}" if parts.query else ""
    return Target(host, port or _HTTPS_PORT, f"{parts.path or '/'}{query}")


def _refusal_of_parts(parts: SplitResult, host: str, port: int | None) -> str:
    if parts.scheme != "https":
        return "the URL must begin with https://"
    if "@" in parts.netloc:
        return "the URL must not have a user or password; use WEBHOOK_HEADERS_PARAM"
    if not host or len(host) > _LONGEST_HOST or "%" in host:
        return "the URL has no valid host"
    return "the URL has no valid port" if port == 0 else ""


def host_of(url: str) -> str:
    """Return the host of a URL for grouping; empty if it is not valid."""
    found = parse_target(url)
    return "" if isinstance(found, str) else found.host


def _refusal_of(text: str, *, is_private: bool, host: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:  # also an address with a zone, which only link-local ones have
        return f"{host} resolves to {text!r}, which is not an address"
    plain = _unwrapped(address)
    shown = f"{host} resolves to {address}"
    if _within(plain, _METADATA):
        return f"{shown}, an address of the network or the cloud itself"
    if _within(plain, _LOOPBACK):
        if is_private and host in _LOOPBACK_HOSTS:
            return ""
        return f"{shown}, the machine that sends"
    if _within(plain, _PRIVATE):
        return "" if is_private else f"{shown}, which is private and not in WEBHOOK_PRIVATE_HOSTS"
    return "" if _is_public(plain) else f"{shown}, which is not a public address"


def _is_public(address: _Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    if address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return address.is_global and not _within(address, _SPECIAL)


def _unwrapped(address: _Address) -> _Address:
    """Return the IPv4 address that the system connects to for `::ffff:127.0.0.1`."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: _Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in each for each in networks if each.version == address.version)


def _matches(host: str, patterns: Iterable[str]) -> bool:
    return any(
        pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))
        for pattern in patterns
    )


def _words(text: str) -> tuple[str, ...]:
    words = (each.strip().strip("[]").lower() for each in text.split(","))
    return tuple(each for each in words if each)
