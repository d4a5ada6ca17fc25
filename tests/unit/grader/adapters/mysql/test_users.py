"""Values allowed in the statement that creates a user."""

from __future__ import annotations

import pytest

from grader.adapters.mysql.users import ApplicationUser
from grader.errors import SettingsError

PASSWORD = "a-Password-1"


def test_a_schema_is_not_a_pattern() -> None:
    """In a GRANT an unescaped `_` would match other schemas too."""
    assert list(ApplicationUser("app", "a_b", PASSWORD).rights) == [r"`a\_b`.*"]


@pytest.mark.parametrize("name", ["", "App", "1app", "app'; DROP USER x", "a" * 33])
def test_an_invalid_name_is_rejected(name: str) -> None:
    """The error lists the allowed characters."""
    with pytest.raises(SettingsError, match="1 to 32 of a-z"):
        ApplicationUser(name, "grading", PASSWORD)


@pytest.mark.parametrize("schema", ["", "gra`ding", "a" * 65])
def test_an_invalid_schema_is_rejected(schema: str) -> None:
    """The error lists the allowed characters."""
    with pytest.raises(SettingsError, match="1 to 64 of a-z"):
        ApplicationUser("app", schema, PASSWORD)


@pytest.mark.parametrize(
    "password", ["short-1", "with space", "with'quote", 'with"quote', "with`tick", r"back\slash"]
)
def test_a_password_that_needs_escaping_is_rejected(password: str) -> None:
    """Masking finds the password only unescaped; the error does not show it."""
    with pytest.raises(SettingsError, match="8 to 128") as caught:
        ApplicationUser("app", "grading", password)

    assert password not in str(caught.value)


def test_repr_hides_the_password() -> None:
    """A traceback must not show it."""
    assert PASSWORD not in repr(ApplicationUser("app", "grading", PASSWORD))
