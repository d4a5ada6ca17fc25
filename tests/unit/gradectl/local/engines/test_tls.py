"""Each stack has its own certificates, and only the owner can read its keys."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography.hazmat.primitives.serialization import pkcs12

from gradectl.local.engines.tls import make_certificates, write_private


def test_only_the_owner_can_read_the_key_and_it_needs_a_password(tmp_path: Path) -> None:
    """The key store opens with its password, and each stack has a different one."""
    first = make_certificates(tmp_path, "localhost")
    content = first.key_store.path.read_bytes()
    second = make_certificates(tmp_path, "localhost")

    assert first.key_store.path.stat().st_mode & 0o777 == 0o600
    assert pkcs12.load_pkcs12(content, first.key_store.password.encode()).key
    assert first.key_store.password != second.key_store.password


def test_the_key_is_also_available_as_pem(tmp_path: Path) -> None:
    """The PEM file has no password, so its mode is 600."""
    certificates = make_certificates(tmp_path, "localhost")

    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificates.pem_file)

    assert certificates.pem_file.stat().st_mode & 0o777 == 0o600


def test_clients_can_load_the_ca(tmp_path: Path) -> None:
    """It is one PEM file, as SSL_CERT_FILE requires."""
    certificates = make_certificates(tmp_path, "localhost")

    context = ssl.create_default_context(cafile=certificates.ca_file)

    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_private_file_replaces_a_readable_one(tmp_path: Path) -> None:
    """The new content never has the old permissions."""
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
