"""The demo with queues of SQS in place of the broker."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.exhaustive]


def test_the_demo_grades_on_sqs(
    project: Any, ended: Callable[[subprocess.Popen[str]], str]
) -> None:
    """The same submissions with the same results, without a broker; nothing is left."""
    process = project.start_demo(TRANSPORT="sqs")
    printed = ended(process)

    assert process.returncode == 0, printed
    assert "every result is as expected" in printed
    assert "local-sqs-grading-service" in printed
    assert "\nbroker " not in printed
    project.assert_nothing_is_left([])
