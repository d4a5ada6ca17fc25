"""Runs code in a child process, so that what it changes of itself ends with it."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Done:
    """
    What a child process came to.

    Args:
        result: What its work returned.
        failure: The traceback, or the status of a child that reported nothing; else empty.
    """

    result: Any
    failure: str = ""


def in_a_child(work: Callable[[], Any]) -> Done:
    """Run `work`, whose result has to be picklable, in a child process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            done = Done(work())
        except BaseException:  # noqa: BLE001 - the parent reports any exception
            done = Done(None, traceback.format_exc())
        with os.fdopen(writing, "wb") as file:
            pickle.dump(done, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        said = file.read()
    _, status = os.waitpid(child, 0)
    if not said:
        return Done(None, f"ended with status {status}")
    answer: Done = pickle.loads(said)
    return answer
