"""What may stand in a statement that makes a user."""

from __future__ import annotations

import pytest

from grader.adapters.mysql.users import ApplicationUser
from grader.errors import SettingsError

PASSWORD = "a-Password-1"


def test_a_schema_is_no_pattern() -> None:
    """In a GRANT `_` stands for any character, and would open other schemas too."""
    assert ApplicationUser("app", "a_b", PASSWORD).pattern == r"`a\_b`.*"


@pytest.mark.parametrize("name", ["", "App", "1app", "app'; DROP USER x", "a" * 33])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """It says what is taken."""
    with pytest.raises(SettingsError, match="1 to 32 of a-z"):
        ApplicationUser(name, "grading", PASSWORD)


@pytest.mark.parametrize("schema", ["", "gra`ding", "a" * 65])
def test_a_schema_that_is_none_is_refused(schema: str) -> None:
    """It says what is taken."""
    with pytest.raises(SettingsError, match="1 to 64 of a-z"):
        ApplicationUser("app", schema, PASSWORD)


@pytest.mark.parametrize(
    "password", ["short-1", "with space", "with'quote", 'with"quote', "with`tick", r"back\slash"]
)
def test_a_password_that_a_message_could_show_in_part_is_refused(password: str) -> None:
    """Logs hide it as it is, so it must stand in a statement as it is; it is not shown."""
    with pytest.raises(SettingsError, match="8 to 128") as caught:
        ApplicationUser("app", "grading", password)

    assert password not in str(caught.value)


def test_a_password_is_in_no_representation() -> None:
    """A traceback must not show it."""
    assert PASSWORD not in repr(ApplicationUser("app", "grading", PASSWORD))
