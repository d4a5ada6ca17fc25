"""The broker's XML under any variables, rendered by Terraform: many at a time, for it is slow."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

Variables = Mapping[str, Any]
Render = Callable[[Mapping[str, Variables]], dict[str, str]]
_REQUIRED = {
    "source": "../modules/messaging",
    "name": "test",
    "subnet_ids": ["subnet-1", "subnet-2"],
    "security_group_ids": ["sg-1"],
}


@pytest.fixture(scope="session")
def render(mocked_folder: Callable[..., Any]) -> Render:
    """Make a root with one broker for each set of variables, and ask Terraform for their XML."""

    def rendered(variants: Mapping[str, Variables]) -> dict[str, str]:
        modules = {name: {**_REQUIRED, **variables} for name, variables in variants.items()}
        root = mocked_folder("brokers", {"main.tf.json": json.dumps({"module": modules})})
        pairs = ", ".join(f"{name} = module.{name}.broker_xml" for name in variants)
        answer = root.run("console", text=f"base64encode(jsonencode({{{pairs}}}))\n")
        found: dict[str, str] = json.loads(base64.b64decode(json.loads(answer)))
        return found

    return rendered
