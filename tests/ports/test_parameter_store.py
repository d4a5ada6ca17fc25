"""What every parameter store does."""

from __future__ import annotations

import pytest

from grader.errors import SettingsError
from grader.ports.stores import ParameterStore


def test_all_named_values_are_given(parameter_store: ParameterStore) -> None:
    """More names than one call of the service takes are no matter."""
    names = [f"/t/{number}" for number in range(12)]

    assert parameter_store.get_many(names) == {f"/t/{n}": str(n) for n in range(12)}


def test_all_missing_names_are_told_at_once(parameter_store: ParameterStore) -> None:
    """Who sets up an environment wants the whole list."""
    with pytest.raises(SettingsError, match=r"/t/x, /t/y"):
        parameter_store.get_many(["/t/x", "/t/1", "/t/y"])
