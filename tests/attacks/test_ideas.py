"""What the suite is known to hold: ``ideas.yaml``."""

from __future__ import annotations

from collections import Counter

from arena.attack import HERE, Attack, read_ideas


def folders() -> list[Attack]:
    """All attacks, also those that are meant for other machines."""
    return [Attack.read(path.parent) for path in sorted(HERE.glob("*/attack.yaml"))]


def test_every_idea_is_tried_or_has_a_reason_why_it_cannot_be() -> None:
    """An idea without a folder is a hole that nobody looks at."""
    tried = {idea for attack in folders() for idea in attack.ideas}

    assert [idea for _, idea, reason in read_ideas() if idea not in tried and not reason] == []


def test_every_folder_stands_for_a_known_idea() -> None:
    """A word that is spelt differently would count for nothing."""
    known = {idea for _, idea, _ in read_ideas()}

    assert {idea for attack in folders() for idea in attack.ideas} <= known
    assert [attack.name for attack in folders() if not attack.ideas] == []


def test_no_idea_is_listed_twice_and_none_is_tried_that_cannot_be() -> None:
    """Each is one line of one group."""
    listed = Counter(idea for _, idea, _ in read_ideas())
    tried = {idea for attack in folders() for idea in attack.ideas}

    assert [idea for idea, count in listed.items() if count > 1] == []
    assert [idea for _, idea, reason in read_ideas() if reason and idea in tried] == []


def test_every_folder_holds_a_source_and_says_what_it_tries() -> None:
    """A folder that cannot be submitted attacks nobody."""
    assert [attack.name for attack in folders() if not attack.content or not attack.about] == []
    assert [attack.name for attack in folders() if attack.checker and not attack.validator] == []
