"""Submit to SQS with boto3 alone, and receive results as the one consumer of an environment."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3

ENVIRONMENT = os.environ.get("GRADING_ENVIRONMENT", "exams")
BUCKET = f"{ENVIRONMENT}-grading-files"
SOURCE = b"print(sum(map(int, open(0).read().split()[1:])))"
POINTER = "software.amazon.payloadoffloading.PayloadS3Pointer"

s3, sqs = boto3.client("s3"), boto3.client("sqs")


def queue_urls() -> tuple[str, str]:
    """Read the URLs of the queues of requests and of results."""
    names = [f"/{ENVIRONMENT}/sqs/{key}-url" for key in ("requests", "results")]
    found = boto3.client("ssm").get_parameters(Names=names)
    values = {each["Name"]: each["Value"] for each in found["Parameters"]}
    return values[names[0]], values[names[1]]


def submit(url: str) -> str:
    """Store the program, and send its request; returns the request id."""
    request_id = f"req_{uuid.uuid4()}"
    key = f"submissions/{request_id}/solution.py"
    s3.put_object(Bucket=BUCKET, Key=key, Body=SOURCE)
    request = {
        "requestId": request_id,
        "userId": "user_001",
        "problemId": "sum",
        "language": "python",
        "sourceFile": f"s3://{BUCKET}/{key}",
        "timeLimit": 5000,
        "memoryLimit": 256,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(request))
    return request_id


@contextmanager
def received(url: str) -> Iterator[list[Any]]:
    """Receive up to ten messages, and delete them after the block has stored them."""
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)
    messages = answer.get("Messages", [])
    yield messages
    entries = [
        {"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(messages)
    ]
    if entries:
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def content(body: str) -> dict[str, Any]:
    """Read a message; a large one is in the bucket, and its message is a pointer to that."""
    found: Any = json.loads(body)
    if isinstance(found, list) and found[0] == POINTER:
        place = found[1]
        stored = s3.get_object(Bucket=place["s3BucketName"], Key=place["s3Key"])
        found = json.load(stored["Body"])
    return dict(found)


def main() -> None:
    """Submit, and receive results until that of the submission has come."""
    requests, results = queue_urls()
    request_id = submit(requests)
    stored: dict[str, Any] = {}  # in place of a database; the same result may come twice
    while request_id not in stored:
        with received(results) as messages:
            for message in messages:
                result = content(message["Body"])
                stored[result["requestId"]] = result
    result = stored[request_id]
    grade, error = result.get("result"), result.get("error")
    outcome = (grade["verdict"], grade["score"]) if grade else (error["code"], error["message"])
    print(result["status"], *outcome)


if __name__ == "__main__":
    main()
