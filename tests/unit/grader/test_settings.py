"""Settings from environment variables."""

from __future__ import annotations

import pytest

from grader.errors import SettingsError
from grader.settings import HealthSettings, WorkerSettings, explain, load

REQUIRED = {
    "ENVIRONMENT": "production",
    "GRADING_BUCKET": "production-grading-files",
    "MQ_ENDPOINT_PARAM": "/production/mq/broker-endpoint",
    "MQ_USERNAME_PARAM": "/production/mq/username",
    "MQ_PASSWORD_PARAM": "/production/mq/password",
    "DB_ENDPOINT_PARAM": "/production/db/endpoint",
    "DB_NAME_PARAM": "/production/db/name",
    "DB_USERNAME_PARAM": "/production/db/username",
    "DB_PASSWORD_PARAM": "/production/db/password",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with only the required variables."""
    for name, _, _ in explain(WorkerSettings):
        monkeypatch.delenv(name, raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("variables")
def test_required_variables_are_enough() -> None:
    """All others have the default of the contract."""
    settings = load(WorkerSettings)

    assert settings.queues == ("grading-priority", "grading-requests")
    assert (settings.result_queue_name, settings.dlq_name) == ("grading-results", "grading-dlq")
    assert (settings.aws_region, settings.health_port) == ("ap-northeast-2", 8080)
    assert (settings.max_attempts, settings.worker_slots) == (6, 1)


def test_exactly_these_variables_are_required() -> None:
    """The task definition sets them; a new one would break existing deployments."""
    required = {name for name, default, _ in explain(WorkerSettings) if not default}
    webhooks = ("ALLOWED_HOSTS", "PRIVATE_HOSTS", "SECRET_PARAM", "HEADERS_PARAM")
    empty_by_default = {
        *("ECS_AGENT_URI", "PRIORITY_QUEUE_NAME"),
        *(f"WEBHOOK_{name}" for name in webhooks),
        *("REDIS_URL_PARAM", "REDIS_PASSWORD_PARAM"),
    }

    assert required - empty_by_default == set(REQUIRED)


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_variable_is_named_with_its_purpose(
    variables: pytest.MonkeyPatch, name: str
) -> None:
    """One error, with the exit code of a wrong configuration."""
    variables.delenv(name)

    with pytest.raises(SettingsError, match=rf"{name}: is not set \(.+\)") as caught:
        load(WorkerSettings)

    assert caught.value.exit_code == 78
    assert "grader worker --help" in caught.value.next_step


SQS_URL = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/production-grading-requests"
BROKER = ("MQ_ENDPOINT_PARAM", "MQ_USERNAME_PARAM", "MQ_PASSWORD_PARAM")


def test_no_variable_of_the_broker_is_needed_on_sqs(variables: pytest.MonkeyPatch) -> None:
    """One that is left is not used: its parameter may not exist any more."""
    for name in BROKER[1:]:
        variables.delenv(name)
    variables.setenv("USE_SQS_QUEUE", "true")
    variables.setenv("SQS_QUEUE_URL", SQS_URL)

    settings = load(WorkerSettings)

    assert (settings.uses_broker, settings.uses_sqs) == (False, True)
    assert (settings.mq_endpoint_param, settings.sqs_queue_url) == ("", SQS_URL)


@pytest.mark.usefixtures("variables")
def test_sqs_is_off_unless_it_is_turned_on(variables: pytest.MonkeyPatch) -> None:
    """A queue that exists is not used because of that."""
    variables.setenv("SQS_QUEUE_URL", SQS_URL)

    settings = load(WorkerSettings)

    assert (settings.uses_broker, settings.uses_sqs) == (True, False)
    assert settings.sqs_queue_url is None


@pytest.mark.parametrize("active", ["true", "false"])
def test_variables_of_both_are_needed_while_one_is_drained(
    variables: pytest.MonkeyPatch, active: str
) -> None:
    """All that are missing are named in one error."""
    for name in BROKER:
        variables.setenv(name, "")
    variables.setenv("USE_SQS_QUEUE", active)
    variables.setenv("DRAIN_OTHER_TRANSPORT", "true")

    with pytest.raises(SettingsError) as caught:
        load(WorkerSettings)

    assert all(f"{name}: is not set" in str(caught.value) for name in (*BROKER, "SQS_QUEUE_URL"))


def test_the_queue_of_requests_is_needed_on_sqs(variables: pytest.MonkeyPatch) -> None:
    """The URLs of the others follow from it."""
    variables.setenv("USE_SQS_QUEUE", "true")

    with pytest.raises(SettingsError, match=r"SQS_QUEUE_URL: is not set \(.+\)"):
        load(WorkerSettings)


def test_a_switch_takes_only_true_or_false(variables: pytest.MonkeyPatch) -> None:
    """A word that is neither does not choose a transport."""
    variables.setenv("USE_SQS_QUEUE", "sqs")

    with pytest.raises(SettingsError, match=r"USE_SQS_QUEUE: .*boolean"):
        load(WorkerSettings)


def test_all_errors_are_reported_together(variables: pytest.MonkeyPatch) -> None:
    """One run shows every variable to correct."""
    variables.delenv("ENVIRONMENT")
    variables.setenv("WORKER_SLOTS", "many")
    variables.setenv("LOG_FORMAT", "xml")

    with pytest.raises(SettingsError) as caught:
        load(WorkerSettings)

    assert all(name in str(caught.value) for name in ("ENVIRONMENT", "WORKER_SLOTS", "LOG_FORMAT"))


def test_an_empty_name_means_no_priority_queue(variables: pytest.MonkeyPatch) -> None:
    """The priority queue is optional."""
    variables.setenv("PRIORITY_QUEUE_NAME", "")

    assert load(WorkerSettings).queues == ("grading-requests",)


def test_health_needs_no_other_variable(variables: pytest.MonkeyPatch) -> None:
    """The health check is a process of its own that needs only the port."""
    for name in REQUIRED:
        variables.delenv(name)

    assert load(HealthSettings).health_port == 8080


def test_every_variable_is_explained() -> None:
    """Each has a description in the help."""
    assert all(meaning for _, _, meaning in explain(WorkerSettings))


def test_webhooks_are_sent_only_with_a_secret(variables: pytest.MonkeyPatch) -> None:
    """A worker that could not sign would say so at the first result, hours later."""
    variables.setenv("WEBHOOKS_ENABLED", "true")

    with pytest.raises(SettingsError, match="WEBHOOKS_ENABLED: needs WEBHOOK_SECRET_PARAM"):
        load(WorkerSettings)

    variables.setenv("WEBHOOK_SECRET_PARAM", "/production/webhook/secret")
    assert load(WorkerSettings).webhooks_enabled
