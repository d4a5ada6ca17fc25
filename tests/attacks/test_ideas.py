"""The suite covers all ideas of ``ideas.yaml``."""

from __future__ import annotations

from collections import Counter

from arena.attack import HERE, Attack, read_ideas


def folders() -> list[Attack]:
    """All attacks, including those for other architectures."""
    return [Attack.read(path.parent) for path in sorted(HERE.glob("*/attack.yaml"))]


def test_every_idea_has_an_attack_or_a_reason_why_it_does_not_apply() -> None:
    """An idea without an attack is not tested."""
    tried = {idea for attack in folders() for idea in attack.ideas}

    assert [idea for _, idea, reason in read_ideas() if idea not in tried and not reason] == []


def test_every_attack_covers_a_known_idea() -> None:
    """A misspelt idea would not count."""
    known = {idea for _, idea, _ in read_ideas()}

    assert {idea for attack in folders() for idea in attack.ideas} <= known
    assert [attack.name for attack in folders() if not attack.ideas] == []


def test_no_idea_is_listed_twice_and_none_that_does_not_apply_has_an_attack() -> None:
    """Each idea is one line of one group."""
    listed = Counter(idea for _, idea, _ in read_ideas())
    tried = {idea for attack in folders() for idea in attack.ideas}

    assert [idea for idea, count in listed.items() if count > 1] == []
    assert [idea for _, idea, reason in read_ideas() if reason and idea in tried] == []


def test_every_attack_has_a_source_and_a_description() -> None:
    """A folder without a source cannot be submitted."""
    assert [attack.name for attack in folders() if not attack.content or not attack.about] == []
    assert [attack.name for attack in folders() if attack.checker and not attack.validator] == []
