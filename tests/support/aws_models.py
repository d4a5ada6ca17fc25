"""
Reads each model of the AWS API once per test process.

Each session of boto3 parses the models of its services again: a third of the processor time of a
test of a command that reads an account. Only the parsed files are shared.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader

_load_file = JSONFileLoader.load_file


@cache
def _read(path: str) -> Any:
    return _load_file(JSONFileLoader(), path)


def pytest_configure() -> None:
    """Let all sessions of this process share what they read."""
    JSONFileLoader.load_file = lambda _self, file_path: _read(file_path)
