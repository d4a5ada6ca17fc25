"""Creates the certificates of one local stack."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate


@dataclass(frozen=True)
class KeyStore:
    """A server's key and certificate in PKCS#12, for Java."""

    path: Path
    password: str


@dataclass(frozen=True)
class Certificates:
    """The certificate of a server, and the CA certificate for its clients."""

    ca_file: Path
    key_store: KeyStore
    pem_file: Path  # the same key and certificate, for servers that are not Java


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 600, set before the first byte is written."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def make_certificates(directory: Path, *names: str) -> Certificates:
    """
    Create a CA and one server certificate; the CA's key is not stored.

    Args:
        directory: Receives `ca.pem`, `server.p12` and `server.pem`.
        names: Host names and addresses of the server.
    """
    authority = trustme.CA(organization_name="gradectl local environment")
    issued = authority.issue_cert(*names)
    password = secrets.token_urlsafe(24)
    content = pkcs12.serialize_key_and_certificates(
        b"server",
        # trustme creates EC keys, which PKCS#12 supports; the stub's type is wider
        load_pem_private_key(issued.private_key_pem.bytes(), password=None),  # type: ignore[arg-type]  # see above
        load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()),
        None,
        BestAvailableEncryption(password.encode()),
    )
    ca_file, key_file = directory / "ca.pem", directory / "server.p12"
    ca_file.write_bytes(authority.cert_pem.bytes())
    write_private(key_file, content)
    pem_file = directory / "server.pem"
    write_private(pem_file, issued.private_key_and_cert_chain_pem.bytes())
    return Certificates(ca_file, KeyStore(key_file, password), pem_file)
