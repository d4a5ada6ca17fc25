"""The needed parameters follow from environment.yaml, and a value must suit its engine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gradectl.adapters.aws.models import ParameterInfo
from gradectl.errors import ConfigurationError, UsageError
from gradectl.secrets.catalogue import (
    NeededParameter,
    ParameterState,
    check_value,
    find_secret,
    needed_parameters,
)
from gradectl.secrets.passwords import ALPHABET, LENGTH

NEEDED = needed_parameters("dev", {})
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def parameter(part: str) -> NeededParameter:
    return NeededParameter(f"/dev/{part}/password", part, "password")


def test_the_contracts_parameters_are_needed() -> None:
    """With the names of docs and contract, and a login for each role."""
    names = {each.name for each in NEEDED}

    assert {"/dev/mq/broker-endpoint", "/dev/mq/username", "/dev/mq/password"} <= names
    assert {f"/dev/db/{key}" for key in ("endpoint", "name", "username", "password")} <= names
    assert {f"/dev/mq-{role}/password" for role in ("operator", "web", "worker")} <= names
    assert {each.key for each in NEEDED if each.secret} == {"password"}


@pytest.mark.parametrize(
    "variables", [{"mq_enable_role_users": False}, {"mq_existing": {"name": "company-mq"}}]
)
def test_without_role_users_their_parameters_are_not_needed(variables: dict[str, object]) -> None:
    """The root creates none of them then."""
    parts = {each.part for each in needed_parameters("dev", variables)}

    assert parts == {"mq", "db", "db-app"}


def test_without_a_broker_none_of_its_parameters_is_needed() -> None:
    """They exist while a broker is being drained, or while one is active."""
    on_sqs = {each.part for each in needed_parameters("dev", {"use_sqs_queue": True})}
    draining = {"use_sqs_queue": True, "drain_other_transport": True}

    assert on_sqs == {"db", "db-app"}
    assert needed_parameters("dev", draining) == NEEDED
    assert needed_parameters("dev", {"drain_other_transport": True}) == NEEDED


def test_an_environment_with_an_api_has_a_database_user_for_it() -> None:
    """The API does not use the login of the workers, which may write."""
    names = {each.name for each in needed_parameters("dev", {"enable_api": True})}

    assert names - {each.name for each in NEEDED} == {
        "/dev/db-web/username",
        "/dev/db-web/password",
    }


@pytest.mark.parametrize("word", ["mq-web", "mq-web/password", "/dev/mq-web/password"])
def test_a_secret_has_three_names(word: str) -> None:
    """Its part is enough, because each part has one secret."""
    assert find_secret(NEEDED, word).name == "/dev/mq-web/password"


@pytest.mark.parametrize("word", ["mq-woker", "db/endpoint", "", "/prod/mq/password"])
def test_an_unknown_secret_is_refused(word: str) -> None:
    """A typing error must not create a parameter that nothing reads."""
    with pytest.raises(UsageError, match="unknown secret") as caught:
        find_secret(NEEDED, word)

    assert caught.value.next_step


@pytest.mark.parametrize("word", ["mq", "mq-worker", "mq-web/password", "/dev/mq/password"])
def test_an_environment_on_sqs_has_no_secret_of_a_broker(word: str) -> None:
    """The error says why, because the name is right elsewhere."""
    on_sqs = needed_parameters("dev", {"use_sqs_queue": True})

    with pytest.raises(UsageError, match="uses Amazon SQS: it has no broker") as caught:
        find_secret(on_sqs, word)

    assert caught.value.next_step == "secrets: db/password, db-app/password"
    with pytest.raises(UsageError, match="unknown secret"):
        find_secret(on_sqs, "mq-woker")


def test_a_state_says_what_is_wrong() -> None:
    """Missing, or readable without a key."""
    secret = parameter("mq")
    plain = ParameterInfo(secret.name, "String", 1, NOW)

    assert ParameterState(secret, None).problem == "missing"
    assert "not a SecureString" in ParameterState(secret, plain).problem
    endpoint = NeededParameter("/dev/mq/broker-endpoint", "mq", "broker-endpoint")
    assert ParameterState(endpoint, plain).problem == ""


@pytest.mark.parametrize("part", ["mq", "mq-worker", "db", "db-app", "redis"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "short",
        "aaaaaaaaaaaaaaaa",
        "with\na-line-end-inside",
        "Ünicode-is-not-accepted",
        "x" * 300,
    ],
)
def test_a_value_that_no_engine_accepts_is_refused_without_showing_it(
    part: str, value: str
) -> None:
    """The error names the rule and the parameter."""
    with pytest.raises(ConfigurationError) as caught:
        check_value(parameter(part), value)

    assert caught.value.where == f"/dev/{part}/password"
    if len(value) > 5:
        assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("mq", "a,comma-is-refused"),
        ("mq-web", "an=equals-sign-is-refused"),
        ("db", "a/slash-is-refused"),
        ("db", "an@at-sign-is-refused"),
        ("db-app", "a'quote-is-refused"),
        ("redis", "an_underscore-is-refused"),
        ("redis", "too-short"),
    ],
)
def test_each_engine_has_characters_of_its_own(part: str, value: str) -> None:
    """Amazon MQ and RDS refuse them only after the parameter was written."""
    with pytest.raises(ConfigurationError):
        check_value(parameter(part), value)


@pytest.mark.parametrize("part", ["mq", "mq-worker", "db", "db-app", "redis"])
def test_every_generated_character_is_accepted(part: str) -> None:
    """A generated value is valid for each engine."""
    for start in range(0, len(ALPHABET), LENGTH):
        check_value(parameter(part), (ALPHABET * 2)[start : start + LENGTH])


def test_redis_and_webhooks_have_secrets_where_they_are_on() -> None:
    """An existing Redis has its own parameters, which are not ours to write."""
    both = needed_parameters("dev", {"enable_redis": True, "enable_webhooks": True})
    existing = needed_parameters("dev", {"enable_redis": True, "redis_existing": {}})
    other = needed_parameters("dev", {"enable_redis": True, "redis_existing": {"port": 1}})

    added = {each.short_name: each.secret for each in both if each.part in ("redis", "webhook")}
    assert added == {
        "redis/url": False,
        "redis/password": True,
        "webhook/secret": True,
        "webhook/headers": True,
    }
    assert {each.part for each in existing} - {each.part for each in other} == {"redis"}
    assert find_secret(both, "webhook").key == "secret"


SIGNING = "whsec_" + "A" * 43 + "="


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("secret", SIGNING),
        ("secret", f"{SIGNING} {SIGNING}"),
        ("headers", '{"lms.example.com": {"Authorization": "Bearer x"}}'),
    ],
)
def test_secrets_of_webhooks_have_a_form_of_their_own(key: str, value: str) -> None:
    """They are no passwords."""
    check_value(NeededParameter(f"/dev/webhook/{key}", "webhook", key), value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("secret", "whsec_short"),
        ("headers", '{"lms.example.com": "Bearer x"}'),
        ("headers", "Authorization: x"),
    ],
)
def test_another_form_is_refused_without_showing_it(key: str, value: str) -> None:
    """A worker would stop at its start."""
    with pytest.raises(ConfigurationError) as caught:
        check_value(NeededParameter(f"/dev/webhook/{key}", "webhook", key), value)

    assert value not in str(caught.value)
