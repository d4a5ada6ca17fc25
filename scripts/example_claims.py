"""
Compares the `# plans:` comments of README examples with the actual plan.

An example ends in comments such as `# plans: resources=12 aws_subnet.private=3` and
`# plans: aws_mq_broker.this deployment_mode = "SINGLE_INSTANCE"`; CONTRIBUTING.md has the form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_CLAIM = re.compile(r"^\s*# plans: *(.*?)\s*$")
_COUNT = re.compile(r"(?P<address>[\w.\[\]\"-]+)=(?P<number>\d+)")
_VALUE = re.compile(r"(?P<address>\S+) (?P<path>\S+) (?P<sign>=|contains) (?P<value>.+)")
_INDEX = re.compile(r"\[[^\]]*\]")
_ALL = "resources"
_ABSENT = object()


@dataclass(frozen=True)
class Claim:
    """A `# plans:` comment and its line in the page."""

    text: str
    line: int


@dataclass(frozen=True)
class Planned:
    """
    A resource in the plan of an example.

    Attributes:
        address: Address relative to the example, such as `module.network.aws_subnet.private["a"]`.
        values: Known attributes.
        unknown: The same tree with `true` for values known only after the apply.
    """

    address: str
    values: Mapping[str, object]
    unknown: Mapping[str, object]

    def matches(self, address: str) -> bool:
        """Whether an address refers to this resource; without an index, to all instances."""
        mine = self.address if "[" in address else _INDEX.sub("", self.address)
        return mine == address or mine.endswith(f".{address}")


def claims(text: str, first_line: int = 1) -> list[Claim]:
    """
    Find the `# plans:` comments of an example.

    Args:
        text: Text of the example.
        first_line: Line of the page on which it begins.
    """
    lines = enumerate(text.splitlines(), first_line)
    found = ((number, _CLAIM.match(line)) for number, line in lines)
    return [Claim(match.group(1), number) for number, match in found if match]


def complaints(claim: Claim, resources: Sequence[Planned]) -> Iterator[str]:
    """
    Yield the differences between a claim and the plan.

    Args:
        claim: Claim to check.
        resources: Planned resources of the example.
    """
    counts = [_COUNT.fullmatch(word) for word in claim.text.split()]
    value = _VALUE.fullmatch(claim.text)
    if counts and all(counts):
        for match in filter(None, counts):
            yield from _of_count(match["address"], int(match["number"]), resources)
    elif value:
        yield from _of_value(value, resources)
    else:
        yield 'expected "resources=N", "address=N" or "address path = JSON"'


def _of_count(address: str, number: int, resources: Sequence[Planned]) -> Iterator[str]:
    """Compare the number of resources."""
    found = [item.address for item in resources if address == _ALL or item.matches(address)]
    if len(found) != number:
        names = "".join(f"\n    {name}" for name in sorted(found))
        yield f"the plan has {address}={len(found)}{names}"


def _of_value(match: re.Match[str], resources: Sequence[Planned]) -> Iterator[str]:
    """Compare an attribute of each instance."""
    address, path = match["address"], match["path"].split(".")
    try:
        expected = json.loads(match["value"])
    except ValueError:
        yield f"{match['value']} is not JSON"
        return
    found = [item for item in resources if item.matches(address)]
    places = {item.address.partition("aws_")[0] for item in found}
    if len({_INDEX.sub("", place) for place in places}) > 1:
        yield f"{address} is in {', '.join(sorted(places))}: add the module to the address"
    if not found:
        kinds = sorted({_INDEX.sub("", item.address) for item in resources})
        yield "".join([f"the plan has no {address}, only", *(f"\n    {kind}" for kind in kinds)])
    for item in found:
        if reach(item.unknown, path) is True:
            yield f"{item.address} {match['path']} is known only after the apply"
        elif not _fits(reach(item.values, path), match["sign"], expected):
            yield f"the plan has {item.address} {match['path']} = {_shown(item.values, path)}"


def reach(value: object, path: Sequence[str]) -> object:
    """
    Follow a path into a value.

    Args:
        value: Attributes of a resource.
        path: Names and indexes. A list with one element needs no index; JSON strings are decoded.
    """
    for step in path:
        inner = _opened(value)
        if isinstance(inner, list):
            if not step.isdecimal():
                inner = inner[0] if len(inner) == 1 else _ABSENT
            elif int(step) < len(inner):
                value = inner[int(step)]
                continue
        value = inner.get(step, _ABSENT) if isinstance(inner, dict) else _ABSENT
    return value


def _opened(value: object) -> object:
    """Decode a JSON string; return other values unchanged."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        read: object = json.loads(value)
    except ValueError:
        return value
    return read


def _fits(value: object, sign: str, expected: object) -> bool:
    """Whether a value equals or contains the expected one."""
    opened = _opened(value)
    if sign == "contains":
        text = value if isinstance(value, str) else json.dumps(None if value is _ABSENT else value)
        inside = isinstance(expected, str) and expected in text
        return inside or (isinstance(opened, list) and expected in opened)
    if expected is None:
        return value is _ABSENT or value is None or value in ([], {})
    candidate = value if isinstance(expected, str) else opened
    same_kind = isinstance(candidate, bool) == isinstance(expected, bool)
    return bool(candidate == expected) and same_kind


def _shown(values: Mapping[str, object], path: Sequence[str]) -> str:
    """Format the value at a path; if there is none, list what its parent contains."""
    found = reach(values, path)
    if found is not _ABSENT:
        return json.dumps(found)
    above = reach(values, path[:-1])
    there = (
        ", ".join(sorted(above)) if isinstance(above, Mapping) else json.dumps(above, default=str)
    )
    return f"nothing; it has {there}"
