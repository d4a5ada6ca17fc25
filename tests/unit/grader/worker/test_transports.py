"""The transport that the settings choose."""

from __future__ import annotations

import pytest

from grader.errors import SettingsError
from grader.logs import Logger, Redactor
from grader.settings import WorkerSettings
from grader.testing import MemoryParameterStore
from grader.worker.combined_source import CombinedTransport
from grader.worker.parameters import Parameters
from grader.worker.transports import consumer_names, inspector_of, make_transport, queue_urls

HOST = "https://sqs.ap-northeast-2.amazonaws.com/123456789012"
BROKER = {f"mq_{name}_param": f"/t/mq/{name}" for name in ("endpoint", "username", "password")}
DATABASE = {
    f"db_{name}_param": f"/t/db/{name}" for name in ("endpoint", "name", "username", "password")
}
PARAMETERS = Parameters(MemoryParameterStore(), {}, Redactor())


def settings(**values: object) -> WorkerSettings:
    """Settings of a worker on SQS, unless they say something else."""
    sqs = {"use_sqs_queue": True, "sqs_queue_url": f"{HOST}/test-grading-requests"}
    common = {"environment": "test", "grading_bucket": "files", "aws_region": "ap-northeast-2"}
    return WorkerSettings.model_validate({**common, **DATABASE, **sqs, **values})


def test_the_urls_of_the_queues_follow_from_that_of_the_requests() -> None:
    """One setting is enough where the queues have the names of the module."""
    assert queue_urls(settings()) == {
        name: f"{HOST}/test-{name}"
        for name in ("grading-requests", "grading-priority", "grading-results", "grading-dlq")
    }


def test_each_queue_may_have_a_url_of_its_own() -> None:
    """Also that of the requests, whose name then tells nothing about the others."""
    urls = queue_urls(
        settings(
            sqs_queue_url=f"{HOST}/a",
            sqs_priority_queue_url=f"{HOST}/b",
            sqs_result_queue_url=f"{HOST}/c",
            sqs_dlq_url=f"{HOST}/d",
        )
    )

    assert list(urls.values()) == [f"{HOST}/{name}" for name in "abcd"]


def test_a_url_that_does_not_follow_has_to_be_set() -> None:
    """The worker does not guess."""
    with pytest.raises(SettingsError, match="cannot be derived"):
        queue_urls(settings(sqs_queue_url=f"{HOST}/a"))


@pytest.mark.parametrize("name", ["sqs_priority_queue_url", "priority_queue_name"])
def test_an_empty_name_or_url_means_no_priority_queue(log: Logger, name: str) -> None:
    """It is neither polled nor looked for."""
    assert "grading-priority" not in queue_urls(settings(**{name: ""}))
    assert make_transport(settings(**{name: ""}), PARAMETERS, log).name == "sqs"


def test_a_url_of_another_region_is_refused_at_the_start(log: Logger) -> None:
    """SQS would only say that the queue does not exist."""
    with pytest.raises(SettingsError, match="eu-west-1"):
        make_transport(settings(aws_region="eu-west-1"), PARAMETERS, log)


def test_a_broker_is_used_unless_sqs_is_chosen(log: Logger) -> None:
    """Its messages can be read without receiving them; those of SQS cannot."""
    broker = settings(use_sqs_queue=False, **BROKER)

    assert make_transport(broker, PARAMETERS, log).name == "activemq"
    assert inspector_of(make_transport(broker, PARAMETERS, log)) is not None
    assert inspector_of(make_transport(settings(), PARAMETERS, log)) is None


@pytest.mark.parametrize("on_sqs", [True, False])
def test_both_are_used_while_one_is_drained(log: Logger, on_sqs: bool) -> None:
    """The one that the environment uses is the active one."""
    values = {"use_sqs_queue": on_sqs, "drain_other_transport": True}

    transport = make_transport(settings(**values, **BROKER), PARAMETERS, log)

    assert isinstance(transport, CombinedTransport)
    assert (transport.active.name, transport.drained.name) == (
        ("sqs", "activemq") if on_sqs else ("activemq", "sqs")
    )
    assert inspector_of(transport) is None


def test_consumers_are_named_after_what_they_are_connected_to() -> None:
    """The health page and the log have these names."""
    assert consumer_names(settings(worker_slots=2)) == ["queue-0", "queue-1"]
    assert consumer_names(settings(use_sqs_queue=False, **BROKER)) == ["broker-0"]
