"""What the worker must know to reach its broker and its database, read from SSM."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from grader.adapters.mysql.engine import DatabaseLogin
from grader.logs import Redactor
from grader.ports.stores import ParameterStore


class Parameters:
    """
    The values behind the `*_PARAM` variables; read again when the other side refuses them.

    Args:
        store: Where they are kept.
        names: What we call each, and the name of its parameter.
        redactor: Is told the secret ones.
        ca_file: What the database's certificate must be signed by; None: it is not looked at.
    """

    def __init__(
        self,
        store: ParameterStore,
        names: Mapping[str, str],
        redactor: Redactor,
        *,
        ca_file: Path | None = None,
    ) -> None:
        """Nothing is read yet; `refresh` does."""
        self._store = store
        self._names = dict(names)
        self._redactor = redactor
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}

    def refresh(self) -> bool:
        """
        Read all of them; tells whether anything is different from before.

        Raises:
            SettingsError: Some do not exist; names them.
            AccessError: The role may not read them.
            TemporaryError: SSM cannot be reached.
        """
        found = self._store.get_many(list(self._names.values()))
        values = {ours: found[name] for ours, name in self._names.items()}
        self._redactor.hide(*(value for ours, value in values.items() if "password" in ours))
        with self._lock:
            changed = values != self._values
            self._values = values
        return changed

    def __getitem__(self, ours: str) -> str:
        """Give one value."""
        with self._lock:
            return self._values[ours]

    def name_of(self, ours: str) -> str:
        """Give the name of the parameter that a value comes from."""
        return self._names[ours]

    def database_login(self) -> DatabaseLogin:
        """Where the database is, and who we are there now."""
        return DatabaseLogin(
            endpoint=self["db_endpoint"],
            name=self["db_name"],
            user=self["db_username"],
            password=self["db_password"],
            ca_file=self._ca_file,
        )


def parameter_names(settings: Mapping[str, object]) -> dict[str, str]:
    """Take the `*_param` settings, called by what they stand for."""
    ending = "_param"
    return {
        key.removesuffix(ending): str(value)
        for key, value in settings.items()
        if key.endswith(ending)
    }
