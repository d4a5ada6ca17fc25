"""`gradectl queue` on the queues of SQS, on an emulated account in this process."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqs_queues import DEAD, MOST_RECEIPTS, REQUESTS, RESULTS, SqsQueues

from gradectl.local.control_plane.patch_sqs import patch_sqs

SCHEMAS = Path(__file__).resolve().parents[4] / "docs" / "schemas" / "cli"


@pytest.fixture
def queues(dev: Any) -> SqsQueues:
    """The queues of `dev`, in an SQS with the rules of AWS."""
    patch_sqs()
    return SqsQueues(dev)


def test_a_plan_returns_what_it_has_received(queues: SqsQueues) -> None:
    """It says before that messages are received; without --apply nothing is moved."""
    for number in range(12):
        queues.dead_letter(number, "INTERNAL_ERROR" if number % 2 else "DOWNLOAD_FAILED")

    done = queues.dev.gradectl(
        *("queue", "redrive", "-e", "dev", "--reason", "INTERNAL_ERROR", "-o", "json")
    )

    assert done.code == 0, done.stderr
    assert "only by receiving it" in done.stderr
    document = done.document
    assert (document["seen"], document["size"], document["complete"]) == (12, 12, True)
    assert {each["to"] for each in document["planned"]} == {REQUESTS}
    assert len(document["planned"]) == 6
    assert queues.waiting(DEAD) == 12


def test_selected_messages_are_moved_and_the_others_return(queues: SqsQueues) -> None:
    """With their headers, and where they came from; the journal has each."""
    queues.create("held")
    for number in range(12):
        queues.send(REQUESTS, json.dumps({"requestId": f"r{number}"}), x_note="n")

    done = queues.dev.gradectl(
        *("--yes", "queue", "move", REQUESTS, "--to", "held", "-e", "dev"),
        *("--where", "body.requestId == 'r7'", "--apply", "-o", "json"),
    )

    assert done.code == 0, done.stderr
    assert f"after {MOST_RECEIPTS} SQS makes it a dead letter" in done.stderr
    assert (done.document["taken"], queues.waiting(REQUESTS)) == (1, 11)
    (copy,) = queues.take("held")
    headers = {key: value["StringValue"] for key, value in copy["MessageAttributes"].items()}
    assert headers["x-note"] == "n"
    assert headers["x-gradectl-original-queue"] == REQUESTS
    assert '"r7"' in copy["Body"]
    journal = Path(done.document["journal"]).read_text()
    assert [json.loads(line)["event"] for line in journal.splitlines()] == ["taking", "taken"]


def test_a_dead_letter_of_sqs_itself_goes_back_where_it_came_from(queues: SqsQueues) -> None:
    """It has no headers of a worker, but SQS knows its queue."""
    queues.send(REQUESTS, json.dumps({"requestId": "r1"}))
    for _ in range(MOST_RECEIPTS + 1):
        queues.client.receive_message(QueueUrl=queues.urls[REQUESTS], VisibilityTimeout=0)

    done = queues.dev.gradectl("queue", "redrive", "-e", "dev", "-o", "json")

    assert done.code == 0, done.stderr
    assert [each["to"] for each in done.document["planned"]] == [REQUESTS]
    assert "received too often" in done.stderr


def test_a_dry_run_receives_nothing(queues: SqsQueues) -> None:
    """A receipt is counted, so it is a change."""
    queues.dead_letter(1)

    done = queues.dev.gradectl("--dry-run", "queue", "redrive", "-e", "dev", "--apply")

    assert done.code == 5
    assert "so ReceiveMessage was not sent" in done.stderr
    (message,) = queues.take(DEAD)
    assert queues.receipts(message) == 1


def test_messages_with_consumers_are_not_seen_and_that_is_said(queues: SqsQueues) -> None:
    """Only they have them; exit code 3."""
    for number in range(3):
        queues.send(REQUESTS, str(number))
    queues.client.receive_message(QueueUrl=queues.urls[REQUESTS])

    done = queues.dev.gradectl(
        *("--yes", "queue", "delete", REQUESTS, "-e", "dev"),
        *("--older-than", "0s", "--apply", "-o", "json"),
    )

    assert done.code == 3, done.stderr
    assert (done.document["seen"], done.document["size"]) == (2, 3)
    assert done.document["reason"] == "in flight"
    assert done.document["taken"] == 2


def test_an_export_keeps_the_queue_and_can_be_imported(queues: SqsQueues, tmp_path: Path) -> None:
    """The messages are those that were sent; also with a limit, which leaves the others."""
    for number in range(4):
        queues.send(RESULTS, f"é {number}", correlation_id=f"c{number}")
    file = tmp_path / "results.ndjson"

    done = queues.dev.gradectl(
        "queue", "export", RESULTS, "-e", "dev", "--to", str(file), "-o", "json"
    )
    limited = queues.dev.gradectl(
        *("queue", "export", RESULTS, "-e", "dev", "--to", str(tmp_path / "some")),
        *("--limit", "2", "-o", "json"),
    )

    assert done.document["exported"] == 4
    assert (limited.document["exported"], limited.document["reason"]) == (2, "--limit")
    assert queues.waiting(RESULTS) == 4
    queues.create("again")
    sent = queues.dev.gradectl(
        "--yes", "queue", "import", str(file), "-e", "dev", "--to", "again", "--apply"
    )
    assert sent.code == 0, sent.stderr
    bodies = {each["Body"] for each in queues.take("again")}
    assert bodies == {f"é {number}" for number in range(4)}


def test_a_purge_exports_and_deletes(queues: SqsQueues) -> None:
    """The name has to be typed; what is deleted is in a file."""
    for number in range(3):
        queues.send(RESULTS, str(number))

    refused = queues.dev.gradectl("queue", "purge", RESULTS, "-e", "dev", "--confirm", "other")
    done = queues.dev.gradectl("queue", "purge", RESULTS, "-e", "dev", "--confirm", RESULTS)

    assert refused.code != 0
    assert done.code == 0, done.stderr
    assert "3 of 3 done" in done.stdout
    assert queues.waiting(RESULTS) == 0
    (export,) = (queues.dev.root / ".gradectl" / "queues").glob("*.export")
    assert len(export.read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tail", RESULTS), "without taking them"),
        (("move", "nowhere", "--to", DEAD), "'nowhere' not found"),
        (("move", DEAD, "--to", "nowhere"), "'nowhere' not found"),
        (("list", "--transport", "activemq"), "no queues of activemq"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    queues: SqsQueues, arguments: tuple[str, ...], said: str
) -> None:
    """With a next step."""
    done = queues.dev.gradectl("queue", *arguments, "-e", "dev")

    assert done.code != 0
    assert said in done.stderr


def test_a_message_is_sent_with_its_headers(queues: SqsQueues) -> None:
    """Its correlation id is the request id of its body."""
    done = queues.dev.gradectl(
        *("--yes", "queue", "send", DEAD, "-e", "dev", "--field", "requestId=req_1", "--raw")
    )

    assert done.code == 0, done.stderr
    (message,) = queues.take(DEAD)
    assert message["MessageAttributes"]["correlation-id"]["StringValue"] == "req_1"


def test_the_list_shows_what_sqs_counts(queues: SqsQueues) -> None:
    """Consumers and totals are unknown, which is said once."""
    for number in range(3):
        queues.send(REQUESTS, str(number))
    queues.client.receive_message(QueueUrl=queues.urls[REQUESTS])
    queues.client.send_message(
        QueueUrl=queues.urls[REQUESTS], MessageBody="later", DelaySeconds=600
    )

    listed = queues.dev.gradectl("queue", "list", "-e", "dev", "-o", "json")
    shown = queues.dev.gradectl("queue", "list", "-e", "dev")
    refused = queues.dev.gradectl("queue", "list", "-e", "dev", "--source", "cloudwatch")

    assert listed.code == 0, listed.stderr
    assert (listed.document["transport"], listed.document["source"]) == ("sqs", "sqs")
    requests = listed.document["queues"][0]
    counted = (requests["waiting"], requests["in_flight"], requests["delayed"])
    assert counted == (2, 1, 1)
    assert (requests["consumers"], requests["enqueued"], requests["hint"]) == (None, None, "")
    (line,) = [each for each in shown.stdout.splitlines() if each.startswith(REQUESTS)]
    *counts, age = line.split()
    assert counts == [REQUESTS, "2", "1", "1"]
    assert re.fullmatch(r"\d+s", age)
    assert shown.stderr.count("neither consumers nor totals") == 1
    assert refused.code == 64


def test_an_inspection_counts_and_receives_nothing(queues: SqsQueues) -> None:
    """What would need a receipt is refused, and names the option that receives."""
    queues.dead_letter(1)

    counted = queues.dev.gradectl("queue", "inspect", DEAD, "-e", "dev", "-o", "json")
    shown = queues.dev.gradectl("queue", "inspect", DEAD, "-e", "dev")
    reading = queues.dev.gradectl("queue", "inspect", DEAD, "-e", "dev", "--group-by", "reason")
    selector = queues.dev.gradectl("queue", "inspect", DEAD, "-e", "dev", "--selector", "A = 1")

    assert counted.code == 0, counted.stderr
    assert (counted.document["seen"], counted.document["size"]) == (0, 1)
    assert "1 waiting, 0 in flight, 0 delayed" in shown.stdout
    assert (reading.code, selector.code) == (64, 64)
    assert "--sample" in reading.stderr
    assert "has no selectors" in selector.stderr
    (message,) = queues.take(DEAD)
    assert queues.receipts(message) == 1


def test_a_sample_is_received_and_returned_at_once(queues: SqsQueues) -> None:
    """It says before what that costs, and shows each message as the broker's are shown."""
    for number in range(5):
        queues.send(REQUESTS, json.dumps({"requestId": f"r{number}"}))

    done = queues.dev.gradectl(
        "queue", "inspect", REQUESTS, "-e", "dev", "--sample", "3", "-o", "json"
    )

    assert done.code == 0, done.stderr
    assert f"after {MOST_RECEIPTS} SQS makes a message a dead letter" in done.stderr
    assert (done.document["seen"], done.document["size"]) == (3, 5)
    assert done.document["reason"] == "--sample"
    assert {each["request_id"] for each in done.document["messages"]} <= {
        f"r{number}" for number in range(5)
    }
    assert queues.waiting(REQUESTS) == 5


def test_one_message_of_a_sample_is_shown_whole(queues: SqsQueues) -> None:
    """And a sample can be counted by groups; a missing message is an error."""
    for number in range(2):
        queues.dead_letter(number)
    some = ("-e", "dev", "--sample", "10", "-o", "json")
    listed = queues.dev.gradectl("queue", "inspect", DEAD, *some)
    chosen = listed.document["messages"][0]["message_id"]

    shown = queues.dev.gradectl("queue", "inspect", DEAD, *some, "--id", chosen)
    missing = queues.dev.gradectl("queue", "inspect", DEAD, *some, "--id", "no-such-message")
    grouped = queues.dev.gradectl("queue", "inspect", DEAD, *some, "--group-by", "reason")

    assert listed.document["complete"]
    assert shown.document["message"]["headers"]["x-gradectl-reason-code"] == "INTERNAL_ERROR"
    assert "not found" in missing.stderr
    assert grouped.document["groups"] == [{"group": "INTERNAL_ERROR", "count": 2}]
    assert queues.waiting(DEAD) == 2


def test_the_next_command_of_each_listing_works(queues: SqsQueues) -> None:
    """From the counters of all queues to the whole message, as it is printed."""
    queues.dead_letter(1)
    said = queues.dev.gradectl("queue", "list", "-e", "dev").stderr

    listed = queues.dev.gradectl(*printed(said))
    shown = queues.dev.gradectl(*printed(listed.stderr))

    assert listed.code == 0, listed.stderr
    assert shown.code == 0, shown.stderr
    assert "INTERNAL_ERROR" in shown.stdout


def printed(said: str) -> list[str]:
    """The arguments of the last command that a message names."""
    return shlex.split(said.rpartition("gradectl ")[2].splitlines()[0])


def test_a_mistake_is_refused_before_a_message_is_received(
    queues: SqsQueues, tmp_path: Path
) -> None:
    """A file that exists, and a missing destination, cost no receipt."""
    queues.dead_letter(1)
    file = tmp_path / "export.ndjson"
    file.touch()

    exported = queues.dev.gradectl("queue", "export", DEAD, "-e", "dev", "--to", str(file))
    purged = queues.dev.gradectl("queue", "purge", DEAD, "-e", "dev", "--export", str(file))
    moved = queues.dev.gradectl("queue", "move", DEAD, "-e", "dev", "--to", "nowhere", "--apply")

    assert "the file exists" in exported.stderr
    assert "the file exists" in purged.stderr
    assert "queue 'nowhere' not found" in moved.stderr
    (message,) = queues.take(DEAD)
    assert queues.receipts(message) == 1


def test_during_a_change_the_other_transport_is_named(queues: SqsQueues) -> None:
    """Commands take the active one; the list names the option for the other."""
    ssm = queues.dev.client("ssm")
    ssm.put_parameter(Name="/dev/mq/broker-endpoint", Value="stomp+ssl://h:1", Type="String")

    on_sqs = queues.dev.gradectl("queue", "list", "-e", "dev")
    ssm.put_parameter(Name="/dev/sqs/active", Value="false", Type="String", Overwrite=True)
    drained = queues.dev.gradectl("queue", "list", "-e", "dev", "--transport", "sqs", "-o", "json")

    assert "gradectl queue list -e dev --transport activemq" in on_sqs.stderr
    assert drained.code == 0, drained.stderr
    assert drained.document["transport"] == "sqs"


def test_the_status_is_what_web_tiers_read(queues: SqsQueues) -> None:
    """Exactly these members; numbers are strings, as those of SQS."""
    for number in range(3):
        queues.send(REQUESTS, str(number))
    queues.client.receive_message(QueueUrl=queues.urls[REQUESTS])

    done = queues.dev.gradectl("queue", "status", "-e", "dev", "-o", "json")
    shown = queues.dev.gradectl("queue", "status", "-e", "dev")

    assert done.code == 0, done.stderr
    assert status_of(done) == {
        "status": "success",
        "queue_info": {
            "messages_available": "2",
            "messages_in_flight": "1",
            "queue_url": queues.urls[REQUESTS],
        },
        "sqs_enabled": True,
    }
    assert "messages_available  2" in shown.stdout


def test_a_status_that_cannot_be_read_is_an_error(queues: SqsQueues) -> None:
    """The document has the message, and the exit code is that of the error."""
    queues.client.delete_queue(QueueUrl=queues.urls[REQUESTS])

    done = queues.dev.gradectl("queue", "status", "-e", "dev", "-o", "json")

    assert done.code == 1
    assert status_of(done) == {
        "status": "error",
        "message": f"queue '{REQUESTS}' not found",
    }


def status_of(done: Any) -> Any:
    """The document of `gradectl queue status`, checked against its schema."""
    document = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / "queue-status.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


@pytest.mark.parametrize("source", ["broker", "cloudwatch"])
def test_there_is_one_source_of_counters(queues: SqsQueues, source: str) -> None:
    """SQS answers for itself."""
    done = queues.dev.gradectl("queue", "list", "-e", "dev", "--source", source)

    assert done.code == 64
    assert "the counters of Amazon SQS are read from SQS itself" in done.stderr
    assert f"where:   --source {source}" in done.stderr
