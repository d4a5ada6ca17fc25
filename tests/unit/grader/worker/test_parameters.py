"""The values behind the ``*_PARAM`` variables."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from grader.errors import AccessError, SettingsError, TemporaryError
from grader.logs import Redactor
from grader.settings import RedisSettings
from grader.testing import MemoryParameterStore
from grader.worker.parameters import Parameters, RedisParameters, parameter_names

NAMES = {
    "db_endpoint": "/t/db/endpoint",
    "db_name": "/t/db/name",
    "db_username": "/t/db/username",
    "db_password": "/t/db/password",
}


def store() -> MemoryParameterStore:
    """A store with all of them."""
    values = ("db:3306", "grading", "worker", "secret-1")
    return MemoryParameterStore(dict(zip(NAMES.values(), values, strict=True)))


def test_login_is_built_from_the_parameters() -> None:
    """Endpoint, name, user and password; repr() hides the password."""
    parameters = Parameters(store(), NAMES, Redactor())
    parameters.refresh()

    login = parameters.database_login()

    assert (login.address, login.name, login.password) == (("db", 3306), "grading", "secret-1")
    assert "secret-1" not in repr(login)


def test_refresh_returns_whether_a_value_changed() -> None:
    """A refused login is retried only then."""
    values = store()
    parameters = Parameters(values, NAMES, Redactor())

    assert parameters.refresh()
    assert not parameters.refresh()
    values.values["/t/db/password"] = "secret-2"
    assert parameters.refresh()
    assert parameters.database_login().password == "secret-2"


def test_passwords_are_masked_in_the_log() -> None:
    """The old one too: a log line may still contain it."""
    redactor, values = Redactor(), store()
    parameters = Parameters(values, NAMES, redactor)
    parameters.refresh()
    values.values["/t/db/password"] = "secret-2"
    parameters.refresh()

    assert redactor(None, "info", {"event": "secret-1 secret-2 grading"}) == {
        "event": "*** *** grading"
    }


def test_missing_parameters_are_named() -> None:
    """By their parameter names."""
    with pytest.raises(SettingsError, match="/t/db/name"):
        Parameters(MemoryParameterStore(), NAMES, Redactor()).refresh()


@pytest.mark.parametrize(
    "error", [TemporaryError("away"), AccessError("denied"), SettingsError("deleted")]
)
def test_old_values_stand_if_they_cannot_be_read_again(error: Exception) -> None:
    """A thread that only wants newer ones goes on."""

    class Store(MemoryParameterStore):
        def get_many(self, names: Sequence[str]) -> dict[str, str]:
            if self.fails:
                raise error
            return super().get_many(names)

        fails = False

    values = Store(store().values)
    parameters = Parameters(values, NAMES, Redactor())
    parameters.refresh_if_possible()
    values.fails = True

    parameters.refresh_if_possible()

    assert parameters.database_login().password == "secret-1"


def test_names_come_from_the_settings() -> None:
    """Settings that end in ``_param`` hold names; those of results by push are read apart."""
    settings = {
        "db_name_param": "/t/db/name",
        "environment": "t",
        "redis_url_param": "/t/redis/url",
        "redis_password_param": "",
        "webhook_secret_param": "/t/webhook/secret",
    }

    assert parameter_names(settings) == {"db_name": "/t/db/name"}


def test_the_login_of_redis_is_read_for_each_connection() -> None:
    """So a changed one takes effect; the password is masked in the log."""
    values = MemoryParameterStore({"/t/url": "rediss://one", "/t/password": "secret-1"})
    settings = RedisSettings(redis_url_param="/t/url", redis_password_param="/t/password")
    redactor = Redactor()
    redis = RedisParameters(values, settings, redactor)

    assert (redis.login().address, redis.login().password) == ("one:6379", "secret-1")
    values.values |= {"/t/url": "rediss://two", "/t/password": "secret-2"}
    assert (redis.login().address, redis.login().password) == ("two:6379", "secret-2")
    assert redactor(None, "info", {"event": "secret-1 secret-2"}) == {"event": "*** ***"}


def test_redis_without_a_password_has_none() -> None:
    """Without a parameter for it, only the address is read."""
    values = MemoryParameterStore({"/t/url": "redis://localhost"})
    settings = RedisSettings(redis_url_param="/t/url")

    assert RedisParameters(values, settings, Redactor()).login().password is None
