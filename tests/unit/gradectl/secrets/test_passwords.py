"""Passwords: where they come from, and how they are generated."""

from __future__ import annotations

import json
import random
import re
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.errors import ConfigurationError
from gradectl.secrets.passwords import (
    ALPHABET,
    LENGTH,
    generate,
    given_passwords,
    password_variables,
)

MQ, DB, APPLICATION = "/dev/mq/password", "/dev/db/password", "/dev/db-app/password"
ROLES = {role: f"/dev/mq-{role}/password" for role in ("operator", "web", "worker")}
KEPT = {
    MQ: "kept-mq",
    DB: "kept-db",
    APPLICATION: "kept-app",
    "/dev/db-web/password": "kept-web-user",
    "/dev/redis/password": "kept-redis",
    "/dev/webhook/headers": '{"lms.example.com": {"X-Token": "a${b}"}}',
    "/dev/webhook/secret": "kept-webhook",
    **{name: f"kept-{role}" for role, name in ROLES.items()},
}
VARIABLE = "TF_VAR_mq_user_passwords"


def test_a_kept_password_stays() -> None:
    """A second apply must not change the passwords."""
    found = password_variables("dev", {}, lambda _names: KEPT)

    assert found == {
        "TF_VAR_mq_admin_password": "kept-mq",
        "TF_VAR_db_admin_password": "kept-db",
        "TF_VAR_db_application_password": "kept-app",
        "TF_VAR_db_web_password": "kept-web-user",
        "TF_VAR_redis_password": "kept-redis",
        "TF_VAR_webhook_header_secrets": '{"lms.example.com": {"X-Token": "a$${b}"}}',
        "TF_VAR_webhook_secret": "kept-webhook",
        VARIABLE: '{"operator": "kept-operator", "web": "kept-web", "worker": "kept-worker"}',
    }


def test_a_given_password_takes_precedence() -> None:
    """Users set the variable that Terraform itself reads."""
    environ = {"TF_VAR_mq_admin_password": "given"}

    found = password_variables("dev", environ, lambda _names: KEPT)

    assert found["TF_VAR_mq_admin_password"] == "given"
    assert found["TF_VAR_db_admin_password"] == "kept-db"


def test_given_passwords_are_those_of_the_environment() -> None:
    """By the name of the variable, those of roles one by one; an empty one is not given."""
    environ = {
        "TF_VAR_mq_admin_password": "given",
        "TF_VAR_db_admin_password": "",
        VARIABLE: '{"worker": "also given"}',
        "TF_VAR_greeting": "hello",
        "TF_VAR_webhook_secret": "given too",
    }

    found = given_passwords(environ)

    assert found == {
        "mq_admin_password": "given",
        "mq_user_passwords.worker": "also given",
        "webhook_secret": "given too",
    }


def test_one_role_can_be_given_a_password_alone() -> None:
    """The others keep theirs; unknown roles are passed on to the root, which rejects them."""
    environ = {VARIABLE: '{"worker": "given", "cook": "too many"}'}

    found = json.loads(password_variables("dev", environ, lambda _names: KEPT)[VARIABLE])

    assert found == {
        "cook": "too many",
        "operator": "kept-operator",
        "web": "kept-web",
        "worker": "given",
    }


def test_a_password_with_template_syntax_stays_a_string() -> None:
    """Terraform parses the variable as an expression, in which `${` starts a template."""
    environ = {VARIABLE: '{"web": "a${b}%{c}"}'}

    found = password_variables("dev", environ, lambda _names: KEPT)[VARIABLE]

    assert '"web": "a$${b}%%{c}"' in found


def test_a_missing_password_is_generated() -> None:
    """Each is generated separately, and differs every time."""
    first = password_variables("dev", {}, lambda _names: {})
    second = password_variables("dev", {VARIABLE: ""}, lambda _names: {})

    made = [
        value
        for found in (first, second)
        if found.pop("TF_VAR_webhook_header_secrets") == "{}"  # only receivers know them
        for value in (*json.loads(found.pop(VARIABLE)).values(), *found.values())
    ]
    assert len(set(made)) == 18
    assert all(len(value) >= 12 for value in made)
    assert len(b64decode(first["TF_VAR_webhook_secret"].removeprefix("whsec_"))) == 32


def test_only_the_parameters_of_passwords_are_read() -> None:
    """The identity of a plan needs no other permission."""
    asked: list[str] = []
    password_variables("dev", {}, lambda names: asked.extend(names) or {})

    assert sorted(asked) == sorted(KEPT)


@pytest.mark.parametrize("given", ['{web = "hcl-Password"}', '"text"', '{"web": 1}', '["list"]'])
def test_passwords_of_another_form_are_refused_and_not_shown(given: str) -> None:
    """Terraform accepts some of these, but other roles could not be added to them."""
    with pytest.raises(ConfigurationError) as caught:
        password_variables("dev", {VARIABLE: given}, lambda _names: KEPT)

    assert caught.value.where == VARIABLE
    assert given not in str(caught.value)
    assert "hcl-Password" not in str(caught.value)


@given(st.integers())
def test_a_password_keeps_both_rules(seed: int) -> None:
    """Amazon MQ: 12 to 250, 4 different. All engines together accept no sign but a hyphen."""
    password = generate(random.Random(seed).choice)

    assert len(password) == LENGTH
    assert len(set(password)) >= 4
    assert re.fullmatch(r"[A-Za-z0-9-]+", password)


def test_a_weak_password_is_generated_again() -> None:
    """Amazon MQ rejects passwords with fewer than four different characters."""
    choices = iter("a" * LENGTH + ALPHABET)

    assert len(set(generate(lambda _: next(choices)))) >= 4
