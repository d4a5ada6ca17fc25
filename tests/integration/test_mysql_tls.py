"""Verification of the database server's certificate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gradectl.local.engines.tls import make_certificates
from grader.adapters.mysql.engine import DatabaseLogin, open_engine, translated
from grader.errors import SettingsError, TrustError

pytestmark = pytest.mark.engine


def login_to(database: Any, ca_file: Path | None) -> DatabaseLogin:
    """A login that trusts this authority."""
    user, password = database.user, database.password
    return DatabaseLogin(database.endpoint, database.name, user, password, ca_file)


def cipher(login: DatabaseLogin) -> str:
    """Connect; returns the cipher of the connection."""
    engine = open_engine(lambda: login, connections=1)
    try:
        with translated("database"), engine.connect() as connection:
            return str(connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).one()[1])
    finally:
        engine.dispose()


def test_a_connection_is_encrypted_if_the_server_offers_tls(fresh_database: Any) -> None:
    """Without an authority too: RDS refuses unencrypted logins."""
    assert cipher(login_to(fresh_database, None))


def test_a_server_of_the_authority_is_trusted(fresh_database: Any) -> None:
    """Its certificate is verified."""
    assert cipher(login_to(fresh_database, fresh_database.ca_file))


def test_a_server_of_another_authority_gets_no_password(
    fresh_database: Any, tmp_path: Path
) -> None:
    """The error names the setting and is not retried."""
    another = make_certificates(tmp_path, "localhost", "127.0.0.1").ca_file

    with pytest.raises(TrustError, match="DB_CA_FILE"):
        cipher(login_to(fresh_database, another))


def test_a_server_of_another_name_gets_no_password(fresh_database: Any) -> None:
    """The authority is not enough: RDS signs the certificates of other customers with it too."""
    login = login_to(fresh_database, fresh_database.ca_file)
    elsewhere = replace(login, endpoint=f"127.1:{fresh_database.port}")  # the same host

    with pytest.raises(TrustError):
        cipher(elsewhere)


def test_an_unreadable_ca_file_is_an_error(fresh_database: Any, tmp_path: Path) -> None:
    """The login does not continue without verification."""
    with pytest.raises(SettingsError, match=r"missing\.pem"):
        cipher(login_to(fresh_database, tmp_path / "missing.pem"))
