"""Secrets out of Terraform's plans, which show them in clear."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

MASK = "(sensitive)"

#: Replaces one sensitive value.
Mask = Callable[[Any], str]


def hide(value: Any) -> str:  # noqa: ANN401, ARG001 - any JSON, and nothing of it is shown
    """Mask a value so that nothing of it is left."""
    return MASK


def fingerprint(salt: str) -> Mask:
    """
    Mask values so that equal ones can be told from others, and nothing else.

    Args:
        salt: Random text, one for each file; guessing is slow, and has to be done again for each.
    """

    def cover(value: Any) -> str:  # noqa: ANN401 - any JSON
        text = json.dumps(value, sort_keys=True).encode()
        digest = hashlib.scrypt(text, salt=salt.encode(), n=2**14, r=8, p=1, dklen=16)
        return f"(sensitive, fingerprint {digest.hex()})"

    return cover


def mask(value: Any, sensitive: Any, cover: Mask = hide) -> Any:  # noqa: ANN401 - any JSON
    """
    Replace the sensitive parts of a value.

    Args:
        value: A value of a plan.
        sensitive: Terraform's twin of it: true where the value is sensitive, or a mapping or list
            of the same shape.
        cover: Makes what stands in its place.
    """
    if sensitive is True:
        return None if value is None else cover(value)
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {key: mask(item, sensitive.get(key), cover) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        twins = [*sensitive, *([None] * (len(value) - len(sensitive)))]
        return [mask(item, twin, cover) for item, twin in zip(value, twins, strict=False)]
    return value
