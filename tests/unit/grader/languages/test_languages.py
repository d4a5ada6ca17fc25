"""The table of languages."""

from __future__ import annotations

import pytest

from grader.errors import RequestError
from grader.languages import LANGUAGES, Language, find
from grader.sandbox.policy import POLICIES


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.name)
def test_a_language_is_found_by_each_of_its_names(language: Language) -> None:
    """Producers write "C++", "cpp" or "Python3" for the same thing."""
    for name in (language.name, *language.aliases):
        assert find(name) is language
        assert find(name.upper()) is language


def test_no_two_languages_share_a_name() -> None:
    """An alias that meant two things would grade by accident."""
    names = [name for one in LANGUAGES for name in (one.name, *one.aliases)]

    assert len(names) == len(set(names))


def test_an_unknown_language_is_answered_with_those_that_exist() -> None:
    """Whoever wrote the request learns what to write."""
    with pytest.raises(
        RequestError, match="'cobol'; known: python, c, cpp17, cpp20, java, "
    ) as caught:
        find("cobol")

    assert caught.value.code == "UNKNOWN_LANGUAGE"


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda one: one.name)
def test_a_language_names_an_existing_policy_and_its_own_source(language: Language) -> None:
    """What a declaration says must fit the sandbox: nothing checks it while it is written."""
    commands = (*language.compile_argv, *language.run_argv)

    assert language.policy in {policy.name for policy in POLICIES}
    assert any(language.source_name in part for part in commands)
