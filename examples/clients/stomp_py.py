"""Submit with stomp.py and boto3 alone, and receive the result of this one request."""

import json
import os
import queue
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

import boto3
import stomp
from stomp.utils import Frame

ENVIRONMENT = os.environ.get("GRADING_ENVIRONMENT", "exams")
BUCKET = f"{ENVIRONMENT}-grading-files"
SOURCE = b"print(sum(map(int, open(0).read().split()[1:])))"


class Inbox(stomp.ConnectionListener):
    """Hands frames to the main thread; a listener that works itself misses heartbeats."""

    def __init__(self) -> None:
        self._frames: queue.Queue[Frame | None] = queue.Queue()

    def _put(self, frame: Frame | None = None) -> None:
        self._frames.put(frame)

    on_receipt = on_message = on_error = on_disconnected = _put

    def expect(self, command: str, seconds: float = 60) -> Frame:
        """Wait for the next frame; raises ConnectionError when it is another one."""
        frame = self._frames.get(timeout=seconds)
        if frame is None or frame.cmd != command:
            raise ConnectionError(frame.headers.get("message") if frame else "disconnected")
        return frame


def connect(inbox: Inbox) -> stomp.Connection12:
    """Log in as the web tier, at whichever address answers."""
    keys = ("mq/broker-endpoint", "mq-web/username", "mq-web/password")
    names = [f"/{ENVIRONMENT}/{key}" for key in keys]
    found = boto3.client("ssm").get_parameters(Names=names, WithDecryption=True)
    values = {each["Name"]: each["Value"] for each in found["Parameters"]}
    endpoints, user, password = (values[name] for name in names)
    urls = [urlsplit(each.strip()) for each in endpoints.split(",")]
    servers = [(url.hostname, url.port) for url in urls]
    connection = stomp.Connection12(
        servers, heartbeats=(10_000, 10_000), heart_beat_receive_scale=2.5
    )
    connection.set_ssl(servers)  # trusts the authorities of the system, or of SSL_CERT_FILE
    connection.set_listener("inbox", inbox)
    connection.connect(user, password, wait=True)
    return connection


def store_source(request_id: str) -> str:
    """Store the program; returns the value of `sourceFile`."""
    key = f"submissions/{request_id}/solution.py"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=SOURCE)
    return f"s3://{BUCKET}/{key}"


def main() -> None:
    """Submit, and print the verdict."""
    inbox = Inbox()
    connection = connect(inbox)
    request_id = f"req_{uuid.uuid4()}"
    request = {
        "requestId": request_id,
        "userId": "user_001",
        "problemId": "sum",
        "language": "python",
        "sourceFile": store_source(request_id),
        "timeLimit": 5000,
        "memoryLimit": 256,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    headers = {"persistent": "true", "correlation-id": request_id, "receipt": request_id}
    body = json.dumps(request)
    connection.send("/queue/grading-requests", body, "application/json", headers)
    inbox.expect("RECEIPT")

    chosen = {"selector": f"JMSCorrelationID='{request_id}'", "activemq.prefetchSize": "1"}
    connection.subscribe("/queue/grading-results", "result", "client-individual", chosen)
    message = inbox.expect("MESSAGE")
    connection.ack(message.headers["ack"], receipt="acknowledged")
    inbox.expect("RECEIPT")
    connection.disconnect()

    result = json.loads(message.body)
    grade, error = result.get("result"), result.get("error")
    outcome = (grade["verdict"], grade["score"]) if grade else (error["code"], error["message"])
    print(result["status"], *outcome)


if __name__ == "__main__":
    main()
