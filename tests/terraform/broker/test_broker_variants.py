"""The broker's XML under every option: Amazon MQ keeps all of it, and each option is in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from gradectl.validation.amazon_mq import amazon_mq_rules
from gradectl.validation.broker_rules import stripped

pytestmark = pytest.mark.engine

CORE = "{http://activemq.apache.org/schema/core}"
QUEUES = (">", "grading-requests", "grading-results", "exams.>", "exams.*")
#: Each option of a policy: values it may have, the attribute it becomes, and how it is written.
OPTIONS: dict[str, tuple[tuple[Any, ...], str, Callable[[Any], str]]] = {
    "expiry_check_ms": ((0, 1000, 86_400_000), "expireMessagesPeriod", str),
    "max_browse_page_size": ((400, 1_000_000), "maxBrowsePageSize", str),
    "max_destinations": ((1, 10_000), "maxDestinations", str),
    "memory_limit_mb": ((1, 64, 10_240), "memoryLimit", lambda value: str(value * 1_048_576)),
    "prefetch": ((0, 1, 10_000), "queuePrefetch", str),
    "prioritized": ((True, False), "prioritizedMessages", lambda value: str(value).lower()),
    "producer_flow_control": ((True, False), "producerFlowControl", lambda v: str(v).lower()),
    "send_timeout_ms": ((1, 600_000), "sendFailIfNoSpaceAfterTimeout", str),
    "strict_order": ((True, False), "strictOrderDispatch", lambda value: str(value).lower()),
    "use_cache": ((True, False), "useCache", lambda value: str(value).lower()),
}
DEFAULTS = {
    "cursorMemoryHighWaterMark": "20",
    "maxBrowsePageSize": "1000",
    "minimumMessageSize": "3072",
    "prioritizedMessages": "true",
}
NAMED: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no_authorization": {"authorization": None},
    "no_console": {"authorization": {"web_console": False}},
    "own_entries": {
        "queues": ["grading-requests", "exams.mock"],
        "authorization": {
            "requests": ["exams.mock"],
            "results": [],
            "entries": {"exams.>": {"read": ["teachers"], "write": ["teachers", "grading-web"]}},
        },
    },
    "memory": {"nodes": {"memory_percent": 60}},
    "timeout": {"nodes": {"send_timeout_ms": 2000}},
    "memory_and_timeout": {"nodes": {"memory_percent": 10, "send_timeout_ms": 1}},
    "dead_letters": {
        "queue_policies": {
            ">": {"dead_letter_queue": "lost", "expired_to_dead_letter_queue": False},
            "grading-requests": {"dead_letter_queue": "lost-requests"},
        }
    },
    "redelivery": {
        "queue_policies": {
            ">": {"redelivery": {"maximum": 0}},
            "exams.>": {"redelivery": {"delay_ms": 1000, "backoff_multiplier": 1.5}},
        }
    },
}


def a_policy(rng: random.Random) -> dict[str, Any]:
    """Choose some options, and a value for each."""
    chosen = rng.sample(sorted(OPTIONS), rng.randint(0, len(OPTIONS)))
    return {option: rng.choice(OPTIONS[option][0]) for option in chosen}


def policies(seed: int) -> dict[str, dict[str, Any]]:
    """Choose some queues, and a policy for each; the same for the same seed."""
    rng = random.Random(seed)
    return {queue: a_policy(rng) for queue in rng.sample(QUEUES, rng.randint(0, len(QUEUES)))}


RANDOM = {f"random_{seed}": policies(seed) for seed in range(40)}


@pytest.fixture(scope="module")
def rendered(render: Any) -> dict[str, str]:
    """All of them, by one call of Terraform."""
    found: dict[str, str] = render(
        NAMED | {name: {"queue_policies": chosen} for name, chosen in RANDOM.items()}
    )
    return found


def entries(xml: str, element: str) -> list[dict[str, str]]:
    """The attributes of all elements of a name."""
    return [dict(found.attrib) for found in ET.fromstring(xml).iter(f"{CORE}{element}")]


def by_queue(xml: str, element: str) -> dict[str, dict[str, str]]:
    """The same by the queue they are for."""
    return {found.pop("queue"): found for found in entries(xml, element) if "queue" in found}


@pytest.mark.parametrize("name", [*NAMED, *RANDOM])
def test_amazon_mq_keeps_all_of_it(rendered: dict[str, str], name: str) -> None:
    """Whatever is chosen; what it removed would be a promise broken without a word."""
    assert stripped(rendered[name], amazon_mq_rules()) == []


@pytest.mark.parametrize("name", RANDOM)
def test_each_queue_has_what_was_chosen_for_it_or_for_all(
    rendered: dict[str, str], name: str
) -> None:
    """ActiveMQ takes one policy for a queue, so each is complete; nothing else is set."""
    chosen: Mapping[str, dict[str, Any]] = RANDOM[name]
    expected = {
        queue: DEFAULTS | written(chosen.get(">", {})) | written(chosen.get(queue, {}))
        for queue in {">", *chosen}
    }

    assert by_queue(rendered[name], "policyEntry") == expected


def written(policy: dict[str, Any]) -> dict[str, str]:
    """Give the attributes that a policy becomes."""
    return {OPTIONS[name][1]: OPTIONS[name][2](value) for name, value in policy.items()}


def test_a_queue_may_have_a_dead_letter_queue_of_its_own(rendered: dict[str, str]) -> None:
    """Each is declared, workers may write to each, and expiry follows what holds for all."""
    xml = rendered["dead_letters"]
    declared = {queue["physicalName"] for queue in entries(xml, "queue")}
    rights = by_queue(xml, "authorizationEntry")

    assert {"lost", "lost-requests"} <= declared
    assert "grading-dlq" not in declared
    assert rights["lost"] == rights["lost-requests"] == {"write": "grading-workers"}
    assert {item["processExpired"] for item in entries(xml, "sharedDeadLetterStrategy")} == {
        "false"
    }


def test_a_queue_may_have_a_redelivery_of_its_own(rendered: dict[str, str]) -> None:
    """Others have the one for all."""
    own, general = entries(rendered["redelivery"], "redeliveryPolicy")

    assert (own["queue"], own["initialRedeliveryDelay"], own["backOffMultiplier"]) == (
        "exams.>",
        "1000",
        "1.5",
    )
    assert ("queue" in general, general["maximumRedeliveries"]) == (False, "0")


def test_without_authorization_nobody_is_refused_anything(rendered: dict[str, str]) -> None:
    """As brokers were before there were roles."""
    assert "authorizationPlugin" not in rendered["no_authorization"]
    assert "temp" not in rendered["no_authorization"]


def test_without_the_console_its_group_has_no_rights(rendered: dict[str, str]) -> None:
    """Amazon MQ puts users of the web console into it; by default it may do everything."""
    assert "activemq-webconsole" in rendered["defaults"]
    assert "activemq-webconsole" not in rendered["no_console"]


def test_groups_of_ones_own_have_rights_and_temporary_queues(rendered: dict[str, str]) -> None:
    """The queues of other names are whose they were said to be."""
    xml = rendered["own_entries"]
    rights = by_queue(xml, "authorizationEntry")
    (temporary,) = [item for item in entries(xml, "tempDestinationAuthorizationEntry") if item]

    assert rights["exams.>"] == {"read": "teachers", "write": "grading-web,teachers"}
    assert rights["exams.mock"]["read"] == "grading-workers"
    assert "grading-requests" not in rights
    assert "teachers" in temporary["admin"].split(",")


def test_limits_of_the_whole_broker_are_written_when_given(rendered: dict[str, str]) -> None:
    """Otherwise ActiveMQ has its own, and Amazon MQ those of the instance."""
    usage = [found for found in entries(rendered["memory_and_timeout"], "systemUsage") if found]

    assert usage == [{"sendFailIfNoSpaceAfterTimeout": "1"}]
    assert {"percentOfJvmHeap": "10"} in entries(rendered["memory_and_timeout"], "memoryUsage")
    assert "memoryUsage" not in rendered["timeout"]
    assert "systemUsage" not in rendered["defaults"]
