"""Tests for `gradectl.transports.variable_lines`."""

from __future__ import annotations

import pytest
import yaml

from gradectl.transports.variable_lines import with_flags

HEAD = 'schema_version: 1\naccount_id: "111122223333"\n'
FILE = HEAD + "variables:\n  # Two workers.\n  ecs_desired_count: 2\n\n  zones:\n    - a\n"


def edited(text: str, *, use: bool, drain: bool) -> str:
    """The text with both variables set."""
    flags = {"use_sqs_queue": use, "drain_other_transport": drain}
    return with_flags(text, flags, removed_if_false="drain_other_transport")


def test_variables_without_a_line_are_appended() -> None:
    """All other lines stay as they are."""
    lines = "  use_sqs_queue: true\n  drain_other_transport: true\n"

    assert edited(FILE, use=True, drain=True) == FILE + lines


def test_a_line_keeps_its_place_and_its_comment() -> None:
    """Only the value changes."""
    text = HEAD + "variables:\n  use_sqs_queue: true  # no broker to run\n  size: 1\n# end\n"

    assert edited(text, use=False, drain=False) == text.replace(": true", ": false")


def test_the_line_of_a_drain_is_removed_after_it() -> None:
    """It would have no effect."""
    both = edited(FILE, use=True, drain=True)

    assert edited(both, use=True, drain=False) == FILE + "  use_sqs_queue: true\n"


def test_a_text_that_declares_the_same_is_not_changed() -> None:
    """False is the default, so it needs no line."""
    assert edited(FILE, use=False, drain=False) == FILE
    assert edited(HEAD, use=False, drain=False) == HEAD


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + "variables:\n",
        HEAD + "variables: {}  # none yet\n",
        HEAD + "variables:\n  # ecs_desired_count: 2\nregion: eu-west-1\n",
        HEAD + "variables:\n    size: 1\n",
        HEAD + 'variables:\n  "use_sqs_queue": false\n',
        HEAD.rstrip("\n") + "\nvariables:\n  size: {use_sqs_queue: no}",
    ],
)
def test_the_result_declares_the_variables_and_keeps_the_rest(text: str) -> None:
    """Whatever the block looks like."""
    before = yaml.safe_load(text)
    after = yaml.safe_load(edited(text, use=True, drain=True))

    wanted = {"use_sqs_queue": True, "drain_other_transport": True}
    assert after == {**before, "variables": {**(before.get("variables") or {}), **wanted}}


def test_a_mapping_in_braces_is_left_to_the_user() -> None:
    """The caller sees that the result does not declare the variables."""
    text = HEAD + "variables: {size: 1}\n"

    assert edited(text, use=True, drain=True) == text
