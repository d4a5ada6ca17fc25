"""What a password of the broker or the database must be."""

from __future__ import annotations

import string
from collections.abc import Callable

#: Both services accept it: no comma, colon, equals sign, slash, quote, at sign or space.
ALPHABET = string.ascii_letters + string.digits + "-_.~"
LENGTH = 40
_DIFFERENT = 4  # Amazon MQ wants this many different characters


def generate(choose: Callable[[str], str]) -> str:
    """
    Make a password.

    Args:
        choose: Picks one character at random, such as `secrets.choice`.
    """
    while True:
        password = "".join(choose(ALPHABET) for _ in range(LENGTH))
        if len(set(password)) >= _DIFFERENT:
            return password
