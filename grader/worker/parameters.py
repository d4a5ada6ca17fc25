"""Endpoints and logins of the broker and the database, and of Redis apart from them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from grader.adapters.mysql.engine import DatabaseLogin
from grader.adapters.redis import RedisLogin
from grader.adapters.ssm import open_parameter_store
from grader.errors import AccessError, SettingsError, TemporaryError
from grader.logs import Redactor
from grader.ports.stores import ParameterStore
from grader.settings import RedisSettings


@dataclass(frozen=True)
class BrokerLogin:
    """Endpoints and login of the broker."""

    endpoint: str
    user: str
    password: str = field(repr=False)


class Parameters:
    """
    The values of the `*_PARAM` variables; read again after a refused login.

    Args:
        store: The parameter store.
        names: Parameter names by key, e.g. `db_name`.
        redactor: Masks the passwords in the log.
        ca_file: Trusted authorities for the database; None: its certificate is not checked.
    """

    def __init__(
        self,
        store: ParameterStore,
        names: Mapping[str, str],
        redactor: Redactor,
        *,
        ca_file: Path | None = None,
    ) -> None:
        """Read nothing; `refresh` does."""
        self._store = store
        self._names = dict(names)
        self._redactor = redactor
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}

    def refresh(self) -> bool:
        """
        Read all parameters; returns whether any value has changed.

        Raises:
            SettingsError: Some do not exist; lists them.
            AccessError: The role may not read them.
            TemporaryError: SSM is unreachable.
        """
        found = self._store.get_many(list(self._names.values()))
        values = {key: found[name] for key, name in self._names.items()}
        self._redactor.hide(*(value for key, value in values.items() if "password" in key))
        with self._lock:
            changed = values != self._values
            self._values = values
        return changed

    def refresh_if_possible(self) -> None:
        """Read all parameters again; after an error the old values stand until the next call."""
        with suppress(TemporaryError, AccessError, SettingsError):
            self.refresh()

    def __getitem__(self, key: str) -> str:
        """Return one value."""
        with self._lock:
            return self._values[key]

    def name_of(self, key: str) -> str:
        """Return the parameter name of a key."""
        return self._names[key]

    def broker_login(self) -> BrokerLogin:
        """Build the broker login from the current values."""
        with self._lock:
            values = self._values
        return BrokerLogin(values["mq_endpoint"], values["mq_username"], values["mq_password"])

    def database_login(self) -> DatabaseLogin:
        """Build the database login from the current values."""
        return DatabaseLogin(
            endpoint=self["db_endpoint"],
            name=self["db_name"],
            user=self["db_username"],
            password=self["db_password"],
            ca_file=self._ca_file,
        )


class RedisParameters:
    """
    Address and password of Redis, which are read for each connection.

    They are not among `Parameters`: if they are missing or wrong, jobs go on, and the other logins
    can still be read.

    Args:
        store: The parameter store.
        settings: Names of the parameters.
        redactor: Masks the password in the log.
    """

    def __init__(self, store: ParameterStore, settings: RedisSettings, redactor: Redactor) -> None:
        self._store = store
        self._settings = settings
        self._redactor = redactor

    def login(self) -> RedisLogin:
        """
        Read the login.

        Raises:
            SettingsError: A parameter does not exist, or the address is not one of Redis.
            AccessError: The role may not read them.
            TemporaryError: SSM is unreachable.
        """
        url, password = self._settings.redis_url_param, self._settings.redis_password_param
        found = self._store.get_many([name for name in (url, password) if name])
        secret = found.get(password, "")
        self._redactor.hide(secret)
        return RedisLogin.of_url(found[url], secret, self._settings.redis_ca_file)


def open_redis_parameters(
    settings: RedisSettings, region: str, redactor: Redactor
) -> RedisParameters | None:
    """Make what reads the login of Redis; reads nothing yet. None without a Redis."""
    if not settings.redis_url_param:
        return None
    return RedisParameters(open_parameter_store(region), settings, redactor)


def parameter_names(settings: Mapping[str, object]) -> dict[str, str]:
    """
    Collect the `*_param` settings that are not empty; the keys lose that suffix.

    Those of Redis and webhooks are read by who uses them: grading does not depend on them.
    """
    ending = "_param"
    return {
        key.removesuffix(ending): str(value)
        for key, value in settings.items()
        if key.endswith(ending) and value and not key.startswith(("redis_", "webhook_"))
    }
