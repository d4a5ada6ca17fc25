"""What Amazon MQ would remove of a broker's XML is seen."""

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
    """What would be removed of a broker."""
    return stripped(f'<broker xmlns="{NAMESPACE}" {attributes}>{inside}</broker>', RULES)


def test_what_is_permitted_stays() -> None:
    """Elements where they may be, with attributes that they may have."""
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
def test_what_is_not_permitted_is_named_with_its_parent(inside: str, what: str) -> None:
    """The same element may be permitted elsewhere."""
    assert [item.what for item in found(inside)] == [what]


def test_what_is_inside_a_removed_element_is_not_listed() -> None:
    """It goes with it."""
    after = '<destinations><queue name="q"/></destinations>'

    assert [item.what for item in found(f"<a><b c='d'/></a>{after}")] == ["broker/a", "queue@name"]


def test_each_has_its_line() -> None:
    """A template of two hundred lines is searched no further."""
    assert [item.line for item in found("\n\n<a/>")] == [3]


def test_another_root_element_is_removed_whole() -> None:
    """Amazon MQ takes a broker and nothing else."""
    assert [item.what for item in stripped("<beans/>", RULES)] == ["beans"]


def test_a_text_that_is_no_xml_is_refused_with_its_line() -> None:
    """The parser's words come along."""
    with pytest.raises(InvalidXmlError) as caught:
        stripped("<broker>\n<a>\n</broker>", RULES)

    assert caught.value.line == 3
