"""Where a password comes from."""

from __future__ import annotations

from gradectl.secrets import password_variables

MQ, DB = "/dev/mq/password", "/dev/db/password"


def test_a_kept_password_stays() -> None:
    """Applying again must not change what the broker and the database know."""
    found = password_variables("dev", {}, lambda _names: {MQ: "kept-mq", DB: "kept-db"})

    assert found == {
        "TF_VAR_mq_admin_password": "kept-mq",
        "TF_VAR_db_admin_password": "kept-db",
    }


def test_a_given_password_wins() -> None:
    """Whoever wants to choose it sets the variable that Terraform itself reads."""
    environ = {"TF_VAR_mq_admin_password": "given"}

    found = password_variables("dev", environ, lambda _names: {MQ: "kept"})

    assert found["TF_VAR_mq_admin_password"] == "given"


def test_a_missing_password_is_made() -> None:
    """Each one for itself, and another one each time."""
    first = password_variables("dev", {}, lambda _names: {})
    second = password_variables("dev", {}, lambda _names: {})

    assert len({*first.values(), *second.values()}) == 4


def test_only_the_two_parameters_are_read() -> None:
    """The identity that plans needs no more permission than these."""
    asked: list[str] = []
    password_variables("dev", {}, lambda names: asked.extend(names) or {})

    assert sorted(asked) == [DB, MQ]
