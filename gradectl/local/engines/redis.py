"""The data plane of ElastiCache: a Redis process with the tokens of its replication group."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gradectl.local.engines.tls import Certificates, write_private
from gradectl.local.loopback import LOOPBACK
from gradectl.processes.child import Child, ProgramSpec

READY_SECONDS = 30.0
STOP_SECONDS = 10.0
_PROBE_SECONDS = 5.0
_ANSWER_BYTES = 256
#: What a server answers to PING: a client with a token has to log in first.
_ANSWERS = (b"+PONG", b"-NOAUTH")
#: Commands that ElastiCache does not let its clients use.
_RESTRICTED = (
    *("acl|setuser", "acl|deluser", "acl|load", "acl|save", "bgrewriteaof", "bgsave", "config"),
    *("debug", "failover", "migrate", "module", "psync", "replicaof", "save", "shutdown"),
    *("slaveof", "sync"),
)
#: The data set of this server is small and disposable, as a cache is.
_OPTIONS = (
    "daemonize no",
    'save ""',
    "appendonly no",
    "maxmemory 64mb",
    "maxmemory-policy volatile-lru",  # the default of ElastiCache
    "databases 16",
)


@dataclass(frozen=True)
class RedisEngine:
    """The server: Redis, or Valkey, which has the same configuration."""

    server: Path


@dataclass(frozen=True)
class Cache:
    """
    The settings of a replication group in ElastiCache.

    Args:
        tokens: The tokens that clients log in with; none lets every client in. During a rotation
            there are two.
        encrypts: Whether clients connect by TLS.
    """

    tokens: tuple[str, ...] = field(default=(), repr=False)
    encrypts: bool = True


@dataclass(frozen=True)
class CacheHome:
    """Directory, port, log file and certificates of a server."""

    directory: Path
    port: int
    log_file: Path
    certificates: Certificates


def start_cache(engine: RedisEngine, cache: Cache, home: CacheHome) -> Child:
    """
    Start a server, without waiting until it is ready.

    Its configuration has the tokens as hashes only.
    """
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = home.directory / "redis.conf"
    lines = [
        f"bind {LOOPBACK}",
        f"dir {home.directory}",
        *_OPTIONS,
        *_listener(cache, home),
        _user(cache.tokens),
    ]
    write_private(settings, "\n".join([*lines, ""]).encode())
    command = [str(engine.server), str(settings)]
    environment = {"PATH": os.defpath}
    return Child(ProgramSpec("Redis", command, environment, home.directory, home.log_file))


def cache_answers(port: int, ca_file: Path | None) -> bool:
    """Return True if a server answers; over TLS verified with `ca_file`, unless that is None."""
    with ExitStack() as opened:
        try:
            connection = opened.enter_context(
                socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS)
            )
            if ca_file:
                context = ssl.create_default_context(cafile=ca_file)
                connection = opened.enter_context(
                    context.wrap_socket(connection, server_hostname="localhost")
                )
            connection.sendall(b"PING\r\n")
            return connection.recv(_ANSWER_BYTES).startswith(_ANSWERS)
        except OSError:  # refused, reset, untrusted certificate, timeout
            return False


def _listener(cache: Cache, home: CacheHome) -> Sequence[str]:
    """The port, for TLS or without; ElastiCache asks its clients for no certificate."""
    if not cache.encrypts:
        return [f"port {home.port}"]
    pem_file = home.certificates.pem_file
    return [
        "port 0",
        f"tls-port {home.port}",
        f"tls-cert-file {pem_file}",
        f"tls-key-file {pem_file}",
        f"tls-ca-cert-file {home.certificates.ca_file}",
        "tls-auth-clients no",
    ]


def _user(tokens: Sequence[str]) -> str:
    """The default user, with what ElastiCache allows."""
    hashes = [f"#{hashlib.sha256(token.encode()).hexdigest()}" for token in tokens]
    denied = [f"-{name}" for name in _RESTRICTED]
    return " ".join(["user default reset on", *(hashes or ["nopass"]), "~* &* +@all", *denied])
