"""What Terraform marks as sensitive never leaves the masking."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gradectl.deploy.masking import MASK, mask

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_a_marked_value_is_replaced() -> None:
    """The twin document says what is sensitive."""
    value = {"name": "a", "password": "secret", "users": [{"password": "secret"}]}
    sensitive = {"password": True, "users": [{"password": True}]}

    assert mask(value, sensitive) == {
        "name": "a",
        "password": MASK,
        "users": [{"password": MASK}],
    }


def test_nothing_is_hidden_where_nothing_is() -> None:
    """An absent secret is shown as absent: that it is missing matters."""
    assert mask({"password": None}, {"password": True}) == {"password": None}


@given(json_values)
def test_a_wholly_sensitive_value_leaves_nothing(value: object) -> None:
    """True at the root covers all below it."""
    assert mask(value, True) in (MASK, None)


@given(json_values, json_values)
def test_any_twin_is_survived(value: object, sensitive: object) -> None:
    """Terraform's two documents need not have the same shape."""
    mask(value, sensitive)


@given(json_values)
def test_what_is_not_marked_stays(value: object) -> None:
    """Masking changes nothing else."""
    assert mask(value, False) == value
