"""The languages that can be graded: one file each, and their look-up by name."""

from __future__ import annotations

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.languages.c import C
from grader.languages.cpp import CPP17, CPP20
from grader.languages.go import GO
from grader.languages.java import JAVA
from grader.languages.javascript import JAVASCRIPT
from grader.languages.model import Language
from grader.languages.python import PYTHON
from grader.languages.rust import RUST

__all__ = ["LANGUAGES", "Language", "find"]

#: In display order.
LANGUAGES = (PYTHON, C, CPP17, CPP20, JAVA, JAVASCRIPT, GO, RUST)
_BY_NAME = {name: one for one in LANGUAGES for name in (one.name, *one.aliases)}


def find(name: str) -> Language:
    """Find a language by name or alias, in any case; raises `RequestError` with all names."""
    try:
        return _BY_NAME[name.casefold()]
    except KeyError:
        known = ", ".join(one.name for one in LANGUAGES)
        raise RequestError(
            ErrorCode.UNKNOWN_LANGUAGE, f"unknown language {name!r}; known: {known}"
        ) from None
