"""Reads the allow-list of Amazon MQ."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

from gradectl.environment import read_mapping
from gradectl.validation.broker_rules import BrokerRules

_FILE = Path(__file__).parent / "amazon_mq.yaml"


@cache
def amazon_mq_rules() -> BrokerRules:
    """Read the elements and attributes that Amazon MQ keeps; the file names its source."""
    return cast("BrokerRules", read_mapping(_FILE, _FILE.name))
