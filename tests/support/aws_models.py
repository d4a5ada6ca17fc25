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


#: A client of S3 changes its model, so each session needs its own.
_CHANGED = "/s3/"


def _read(path: str) -> Any:
    return _load_file(JSONFileLoader(), path)


_read_once = cache(_read)


def pytest_configure() -> None:
    """Let all sessions of this process share what they read."""
    JSONFileLoader.load_file = lambda _self, path: (_read if _CHANGED in path else _read_once)(path)
