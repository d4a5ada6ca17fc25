"""Broker addresses, parsed from the parameter `/<environment>/mq/broker-endpoint`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from grader.errors import SettingsError

_TLS_BY_SCHEME = {"stomp+ssl": True, "stomp+nio+ssl": True, "stomp": False, "stomp+nio": False}


@dataclass(frozen=True)
class BrokerAddress:
    """One endpoint of a broker; an active/standby pair has two."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        """Format as an endpoint."""
        return f"{'stomp+ssl' if self.tls else 'stomp'}://{self.host}:{self.port}"

    @classmethod
    def parse(cls, endpoint: str) -> BrokerAddress:
        """
        Parse one endpoint such as ``stomp+ssl://broker-1.example:61614``.

        Raises:
            SettingsError: Unknown scheme, or no host or port.
        """
        try:
            parts = urlsplit(endpoint.strip())
            tls, host, port = _TLS_BY_SCHEME[parts.scheme], parts.hostname, parts.port
        except (ValueError, KeyError):
            tls, host, port = False, None, None
        if host is None or port is None:
            raise SettingsError(
                f"not a STOMP endpoint: {endpoint!r}",
                where="broker endpoint",
                next_step="write stomp+ssl://host:port, separated by commas",
            )
        return cls(host, port, tls)

    @classmethod
    def parse_all(cls, endpoints: Sequence[str]) -> tuple[BrokerAddress, ...]:
        """Parse endpoints; each may be a comma-separated list. Raises as `parse`."""
        found = [text for item in endpoints for text in item.split(",") if text.strip()]
        if not found:
            raise SettingsError("broker endpoint is empty", where="broker endpoint")
        return tuple(cls.parse(text) for text in found)
