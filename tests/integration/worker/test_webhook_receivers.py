"""The receivers of docs/webhooks.md accept what we sign, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from gradectl.local.loopback import free_ports
from grader.adapters.webhook import sign
from grader.webhooks.payload import event

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"
OLD = "whsec_" + "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"
NEW = "whsec_" + "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"
FORGED = "whsec_" + "Zm9yZ2VkZm9yZ2VkZm9yZ2VkZm9yZ2Vk"
BODY = event("submission.finished", datetime.now(UTC), '{"requestId":"req_한"}'.encode())
COMMANDS = {"python": [sys.executable, "receiver.py"], "js": ["node", "receiver.mjs"]}


class Running:
    """A receiver with the new secret, and at first the old one."""

    def __init__(self, process: Any, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}/"

    def post(self, headers: Mapping[str, str], body: bytes = BODY) -> int:
        """Post; returns the status."""
        request = urllib.request.Request(self.url, body, dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def line(self) -> str:
        """The next line that it prints."""
        return str(self.process.stdout.readline()).strip()


@pytest.fixture(params=COMMANDS)
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """The receiver of the page in one language."""
    (code,) = re.findall(rf"```{request.param}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    command = COMMANDS[request.param]
    (tmp_path / command[1]).write_text(code)
    (port,) = free_ports(1)
    variables = {**os.environ, "PORT": str(port), "WEBHOOK_SECRETS": f"{NEW} {OLD}"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, text=True
    ) as process:
        running = Running(process, port)
        wait_until_open(running)
        yield running
        process.kill()


def wait_until_open(running: Running) -> None:
    """Wait until it answers."""
    for _ in range(200):
        try:
            running.post({"webhook-id": "m", "webhook-timestamp": "1"}, b"{}")
        except OSError:
            assert running.process.poll() is None
            with_pause(running)
        else:
            return


def with_pause(running: Running) -> None:
    """Wait a moment, or for the end of the process."""
    try:
        running.process.wait(0.05)
    except subprocess.TimeoutExpired:
        return


def test_a_receiver_of_the_page_accepts_what_is_genuine(receiver: Running) -> None:
    """During a rotation by either secret; a repeated one is acknowledged and not handled twice."""
    now = datetime.now(UTC)

    assert receiver.post(sign([OLD], "msg_1", now, BODY)) == 204
    assert receiver.line() == "submission.finished req_한"
    assert receiver.post(sign([FORGED, NEW], "msg_2", now, BODY)) == 204
    assert receiver.line() == "submission.finished req_한"
    assert receiver.post(sign([NEW], "msg_2", now, BODY)) == 204
    other = event("webhook.test", now, b'{"requestId":"last"}')
    assert receiver.post(sign([NEW], "msg_3", now, other), other) == 204
    assert receiver.line() == "webhook.test last"


def test_a_receiver_of_the_page_refuses_the_rest(receiver: Running) -> None:
    """Forged, changed, replayed, from a wrong clock, and without a signature."""
    now = datetime.now(UTC)
    genuine = sign([NEW], "msg_1", now, BODY)

    assert receiver.post(sign([FORGED], "msg_1", now, BODY)) == 401
    assert receiver.post(genuine, BODY + b" ") == 401
    assert receiver.post({**genuine, "webhook-id": "msg_2"}) == 401
    later = str(int(now.timestamp()) + 1)
    assert receiver.post({**genuine, "webhook-timestamp": later}) == 401
    for minutes in (-6, 6):
        moment = now + timedelta(minutes=minutes)
        assert receiver.post(sign([NEW], "msg_1", moment, BODY)) == 401
    unsigned = {key: value for key, value in genuine.items() if key != "webhook-signature"}
    assert receiver.post(unsigned) == 401
    assert receiver.post(genuine) == 204
