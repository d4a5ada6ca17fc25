"""Behaviour of every parameter store."""

from __future__ import annotations

import pytest

from grader.errors import SettingsError
from grader.ports.stores import ParameterStore


def test_all_values_are_returned(parameter_store: ParameterStore) -> None:
    """Also for more names than one call of the service accepts."""
    names = [f"/t/{number}" for number in range(12)]

    assert parameter_store.get_many(names) == {f"/t/{n}": str(n) for n in range(12)}


def test_all_missing_names_are_reported_together(parameter_store: ParameterStore) -> None:
    """The error has the complete list."""
    with pytest.raises(SettingsError, match=r"/t/x, /t/y"):
        parameter_store.get_many(["/t/x", "/t/1", "/t/y"])


def test_the_values_that_exist_are_found(parameter_store: ParameterStore) -> None:
    """Missing ones are left out."""
    names = ["/t/x", "/t/1", "/t/y", *(f"/t/{number}" for number in range(12))]

    assert parameter_store.find_many(names) == {f"/t/{n}": str(n) for n in range(12)}
    assert parameter_store.find_many([]) == {}
