"""XML that Amazon MQ would remove is found."""

from __future__ import annotations

import pytest

from gradectl.validation.broker_rules import InvalidXmlError, Stripped, stripped

NAMESPACE = "http://activemq.apache.org/schema/core"
RULES = {
    "broker": {"attributes": ["persistent"], "children": ["destinations"]},
    "destinations": {"children": ["queue"]},
    "queue": {"attributes": ["physicalName"]},
}


def found(inside: str, attributes: str = "") -> list[Stripped]:
    """The removed parts of a broker."""
    return stripped(f'<broker xmlns="{NAMESPACE}" {attributes}>{inside}</broker>', RULES)


def test_allowed_xml_is_kept() -> None:
    """Allowed elements with allowed attributes."""
    queues = '<destinations><queue physicalName="a"/><queue physicalName="b"/></destinations>'

    assert found(queues, 'persistent="true"') == []


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<sslContext/>", "broker/sslContext"),
        ("<queue/>", "broker/queue"),
        ('<destinations><queue name="q"/></destinations>', "queue@name"),
        ("<destinations><topic/></destinations>", "destinations/topic"),
    ],
)
def test_removed_xml_is_named_with_its_parent(inside: str, what: str) -> None:
    """The same element may be allowed elsewhere."""
    assert [item.what for item in found(inside)] == [what]


def test_children_of_a_removed_element_are_not_listed() -> None:
    """Only the outer element is reported."""
    after = '<destinations><queue name="q"/></destinations>'

    assert [item.what for item in found(f"<a><b c='d'/></a>{after}")] == ["broker/a", "queue@name"]


def test_each_has_its_line() -> None:
    """The user need not search the template."""
    assert [item.line for item in found("\n\n<a/>")] == [3]


def test_another_root_element_is_removed_whole() -> None:
    """Amazon MQ accepts only a broker."""
    assert [item.what for item in stripped("<beans/>", RULES)] == ["beans"]


def test_invalid_xml_is_refused_with_its_line() -> None:
    """With the message of the parser."""
    with pytest.raises(InvalidXmlError) as caught:
        stripped("<broker>\n<a>\n</broker>", RULES)

    assert caught.value.line == 3
