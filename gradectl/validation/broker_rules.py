"""The allow-list of Amazon MQ for a broker's XML; it silently removes everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

BrokerRules = Mapping[str, Mapping[str, Sequence[str]]]
_CORE = "http://activemq.apache.org/schema/core "


@dataclass(frozen=True)
class Stripped:
    """Removed XML: `element@attribute` or `parent/element`, with its line."""

    what: str
    element: str
    line: int


class InvalidXmlError(ValueError):
    """
    Invalid XML.

    Args:
        line: Position of the error.
        what: The parser's message.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass
class _Walk:
    """Walks through the elements, and skips everything below a removed one."""

    rules: BrokerRules
    line: int = 1
    parents: list[str] = field(default_factory=list)
    removed_at: int | None = None
    found: list[Stripped] = field(default_factory=list)

    def enter(self, name: str, attributes: Sequence[str]) -> None:
        """Check one element and its attributes against the rules."""
        name = name.removeprefix(_CORE)
        if self.removed_at is None and not self._allowed(name):
            parent = f"{self.parents[-1]}/" if self.parents else ""
            self.found.append(Stripped(f"{parent}{name}", name, self.line))
            self.removed_at = len(self.parents)
        if self.removed_at is None:
            kept = self.rules.get(name, {}).get("attributes", ())
            self.found += [
                Stripped(f"{name}@{attribute}", name, self.line)
                for attribute in attributes[::2]
                if attribute not in kept
            ]
        self.parents.append(name)

    def leave(self) -> None:
        """Return to the parent element."""
        self.parents.pop()
        if self.removed_at == len(self.parents):
            self.removed_at = None

    def _allowed(self, name: str) -> bool:
        """Whether the rules allow an element at this position."""
        if not self.parents:
            return name == "broker"
        return name in self.rules and name in self.rules[self.parents[-1]].get("children", ())


def stripped(xml: str, rules: BrokerRules) -> list[Stripped]:
    """
    List the XML that Amazon MQ would remove.

    Args:
        xml: The broker's XML.
        rules: Element name to its permitted `attributes` and `children`.

    Raises:
        InvalidXmlError: The XML has a syntax error.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.ordered_attributes = True
    walk = _Walk(rules)

    def enter(name: str, attributes: Sequence[str]) -> None:
        walk.line = parser.CurrentLineNumber
        walk.enter(name, attributes)

    parser.StartElementHandler = enter
    parser.EndElementHandler = lambda _name: walk.leave()
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise InvalidXmlError(error.lineno, str(error)) from error
    return walk.found
