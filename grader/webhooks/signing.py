"""The secrets that sign webhooks, and the headers that receivers want."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from grader.errors import AccessError, SettingsError, TemporaryError
from grader.ports.stores import ParameterStore

#: A changed secret is used after this time at the latest.
REFRESH_SECONDS = 60.0
#: Headers of HTTP itself, and those of the signature.
_RESERVED = frozenset({"connection", "expect", "host", "te", "trailer", "upgrade"})
_RESERVED_PREFIXES = ("content-", "transfer-", "webhook-")


@dataclass(frozen=True)
class Keys:
    """
    The values of the two parameters.

    Args:
        secrets: The first signs first.
        headers: Headers by host.
    """

    secrets: tuple[str, ...] = field(repr=False)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def headers_of(self, host: str) -> Mapping[str, str]:
        """Return the headers for a host."""
        return self.headers.get(host, {})


@dataclass(eq=False)
class Signing:
    """
    Reads the secrets, and reads them again after a while.

    Args:
        store: The parameter store.
        names: Names of the parameters with the secrets and with the headers; empty: no headers.
        hide: Called with every secret value, before it is used.
        check: Raises `SettingsError` if one of the secrets cannot sign; gets the name too.
        complain: Called with the reason when a changed value cannot be used.
        clock: Seconds, such as `time.monotonic`.
    """

    store: ParameterStore
    names: tuple[str, str]
    hide: Callable[..., None]
    check: Callable[[tuple[str, ...], str], None]
    complain: Callable[[str], None] = lambda _reason: None
    clock: Callable[[], float] = time.monotonic
    _keys: Keys | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)

    def keys(self) -> Keys:
        """
        Return the present values; those before, if the present ones cannot be read or used.

        Raises:
            SettingsError: A parameter does not exist, or its value is invalid.
            AccessError: The role may not read them.
            TemporaryError: The store is away.
        """
        now = self.clock()
        if self._keys is not None and now - self._read_at < REFRESH_SECONDS:
            return self._keys
        try:
            self._keys = self._read()
        except (TemporaryError, AccessError, SettingsError) as error:
            if self._keys is None:
                raise
            self.complain(str(error))
        self._read_at = now
        return self._keys

    def _read(self) -> Keys:
        secret_name, headers_name = self.names
        found = self.store.get_many([name for name in self.names if name])
        secrets = tuple(found[secret_name].split())
        self.hide(*secrets, *(each.removeprefix("whsec_") for each in secrets))
        self.check(secrets, secret_name)
        if not headers_name:
            return Keys(secrets)
        headers = parse_headers(found[headers_name], headers_name)
        self.hide(*(value for each in headers.values() for value in each.values()))
        return Keys(secrets, headers)


def parse_headers(text: str, where: str) -> dict[str, dict[str, str]]:
    """
    Read headers by host.

    Args:
        text: JSON such as `{"hooks.example.com": {"Authorization": "Bearer ..."}}`.
        where: Name of the parameter.

    Raises:
        SettingsError: It is not such a document, or a header cannot be set; without its value.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not all(
        isinstance(each, dict) for each in document.values()
    ):
        raise SettingsError('not JSON such as {"host": {"Header": "value"}}', where=where)
    for host, headers in document.items():
        for name, value in headers.items():
            if not _is_header(name, value):
                what = f"the header {name!r} of {host!r} cannot be set"
                hint = "use ASCII without line breaks; those of HTTP and webhook-* are set already"
                raise SettingsError(what, where=where, next_step=hint)
    return {str(host).lower(): dict(headers) for host, headers in document.items()}


def _is_header(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return False
    is_name = bool(name) and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    lower = name.lower()
    return is_name and lower not in _RESERVED and not lower.startswith(_RESERVED_PREFIXES)
