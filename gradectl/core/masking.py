"""Secrets out of Terraform's plans, which show them in clear."""

from __future__ import annotations

from typing import Any

MASK = "(sensitive)"


def mask(value: Any, sensitive: Any) -> Any:  # noqa: ANN401 - any JSON
    """
    Replace the sensitive parts of a value.

    Args:
        value: A value of a plan.
        sensitive: Terraform's twin of it: true where the value is sensitive, or a mapping or list
            of the same shape.
    """
    if sensitive is True:
        return None if value is None else MASK
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {key: mask(item, sensitive.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        twins = [*sensitive, *([None] * (len(value) - len(sensitive)))]
        return [mask(item, twin) for item, twin in zip(value, twins, strict=False)]
    return value
