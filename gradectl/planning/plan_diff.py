"""Compares two reviewed plans, change by change and attribute by attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

COLUMNS = ("", "resource", "difference")
_FINGERPRINT = "(sensitive, fingerprint "


@dataclass(frozen=True)
class Difference:
    """
    A difference between two plans.

    Attributes:
        sign: `+` only in the second plan, `-` only in the first, `~` in both and not equal.
        address: The resource, output or password.
        text: What differs, without values.
    """

    sign: str
    address: str
    text: str


@dataclass(frozen=True)
class Comparison:
    """
    The differences between two plans.

    Attributes:
        differences: All differences: of the resources by address, of the outputs, the passwords.
        incomparable: What two files never show to be equal: addresses with sensitive values, and
            passwords that both were given.
    """

    differences: tuple[Difference, ...]
    incomparable: tuple[str, ...]


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Comparison:
    """
    Compare two documents of `gradectl.planning.review.write_reviewed`.

    Each file has its own salt, so fingerprints of sensitive values are left out of the comparison.
    """
    before = {str(item["address"]): item for item in first.get("changes", [])}
    after = {str(item["address"]): item for item in second.get("changes", [])}
    found: list[Difference] = []
    for address in sorted({*before, *after}):
        found += _differences(address, before.get(address), after.get(address))
    one, other = set(first.get("outputs", [])), set(second.get("outputs", []))
    found += _only_in_one("output", one, other, "changes")
    given, given_later = _passwords(first), _passwords(second)
    found += _only_in_one("password", given, given_later, "given to this plan only")
    both = sorted(address for address in before if address in after)
    secret = [each for each in both if _has_fingerprint([before[each], after[each]])]
    secret += [f"password {name}" for name in sorted(given & given_later)]
    return Comparison(tuple(found), tuple(secret))


def _only_in_one(kind: str, one: set[str], other: set[str], text: str) -> Iterator[Difference]:
    """The names that only one of two sets has."""
    for sign, names in (("-", one - other), ("+", other - one)):
        for name in sorted(names):
            yield Difference(sign, f"{kind} {name}", text)


def _passwords(document: Mapping[str, Any]) -> set[str]:
    """Names of the passwords that a plan was given and writes."""
    found = document.get("passwords")
    return set(map(str, found)) if isinstance(found, Mapping) else set()


def _differences(
    address: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[Difference]:
    """The differences of one resource."""
    if before is None or after is None:
        there, sign = (after, "+") if before is None else (before, "-")
        yield Difference(sign, address, str((there or {}).get("action", "")))
        return
    if before["action"] != after["action"]:
        yield Difference("~", address, f"{before['action']} became {after['action']}")
    for side, words in (("before", "current value"), ("after", "planned value")):
        names = _different(before.get(side), after.get(side))
        if names:
            yield Difference("~", address, f"{words} of {', '.join(names)}")
    if before.get("unknown") != after.get("unknown"):
        yield Difference("~", address, "which values are known only after the apply")


def _different(one: object, other: object) -> list[str]:
    """Names of the attributes that differ, without fingerprints."""
    first, second = (each if isinstance(each, Mapping) else {} for each in (one, other))
    return sorted(
        str(name)
        for name in {*first, *second}
        if _comparable(first.get(name)) != _comparable(second.get(name))
    )


def _comparable(value: object) -> object:
    """A value with all fingerprints made equal."""
    if isinstance(value, Mapping):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return _FINGERPRINT if _is_fingerprint(value) else value


def _has_fingerprint(value: object) -> bool:
    """Whether any value within is a fingerprint."""
    if isinstance(value, Mapping):
        return any(map(_has_fingerprint, value.values()))
    if isinstance(value, list):
        return any(map(_has_fingerprint, value))
    return _is_fingerprint(value)


def _is_fingerprint(value: object) -> bool:
    """Whether a value stands for a sensitive one."""
    return isinstance(value, str) and value.startswith(_FINGERPRINT)
