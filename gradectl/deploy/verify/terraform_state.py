"""What Terraform has already created: read from the state, without its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Attributes that name a resource; nothing else is taken out of the state.
_NAMES = ("id", "name", "bucket", "arn", "broker_name", "identifier")


@dataclass(frozen=True)
class TerraformState:
    """
    A state.

    Attributes:
        outputs: Outputs that are not sensitive.
        names: IDs and names of the managed resources by type.
        readable: False when there is a state that could not be read.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    readable: bool = True

    @property
    def applied(self) -> bool:
        """Whether an apply has created something."""
        return bool(self.names)

    def has(self, kind: str, name: str) -> bool:
        """Whether Terraform manages a resource."""
        return name in self.names.get(kind, frozenset())


def parse_state(text: str) -> TerraformState:
    """
    Read a state file of format 4.

    Raises:
        ValueError: It has another format, or is encrypted.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("version") != 4:  # noqa: PLR2004 - the format
        text = "the Terraform state is encrypted or has a new format"
        raise ValueError(text)
    names: dict[str, set[str]] = {}
    for resource in document.get("resources", []):
        if resource.get("mode") == "managed":
            for instance in resource.get("instances", []):
                names.setdefault(resource["type"], set()).update(_names(instance))
    outputs = {
        name: each["value"]
        for name, each in document.get("outputs", {}).items()
        if not each.get("sensitive")
    }
    return TerraformState(outputs, {kind: frozenset(found) for kind, found in names.items()})


def _names(instance: Mapping[str, Any]) -> set[str]:
    """The names of one instance of a resource."""
    attributes = instance.get("attributes") or {}
    return {str(attributes[key]) for key in _NAMES if attributes.get(key)}
