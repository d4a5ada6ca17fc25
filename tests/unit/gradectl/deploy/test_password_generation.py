"""A generated password is taken by the broker and by the database."""

from __future__ import annotations

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from gradectl.deploy.passwords import ALPHABET, LENGTH, generate


@given(st.integers())
def test_a_password_keeps_both_rules(seed: int) -> None:
    """Amazon MQ: 12 to 250, 4 different, no comma, colon, equals sign. RDS: no / @ quote space."""
    password = generate(random.Random(seed).choice)

    assert len(password) == LENGTH
    assert len(set(password)) >= 4
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", password)


def test_a_poor_choice_is_made_again() -> None:
    """Chance may repeat one character; the service would refuse it."""
    choices = iter("a" * LENGTH + ALPHABET)

    assert len(set(generate(lambda _: next(choices)))) >= 4
