"""Values that Terraform marks as sensitive cannot be printed."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.planning.masking import MASK, Sensitive, mask, with_fingerprints

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_a_marked_value_is_masked() -> None:
    """The marks have the shape of the value; everything else stays readable."""
    value = {"name": "a", "password": "secret", "users": [{"password": "secret"}]}
    sensitive = {"password": True, "users": [{"password": True}]}

    assert json.loads(json.dumps(mask(value, sensitive), default=str)) == {
        "name": "a",
        "password": MASK,
        "users": [{"password": MASK}],
    }


def test_an_absent_secret_is_shown_as_absent() -> None:
    """That a password is missing matters."""
    assert mask({"password": None}, {"password": True}) == {"password": None}


@pytest.mark.parametrize("text", [str, repr, "{}".format, lambda value: f"{value!r:>12}"])
def test_no_way_of_printing_shows_a_sensitive_value(text: object) -> None:
    """Neither in a message nor in the repr of a plan."""
    assert callable(text)
    assert "secret" not in text(Sensitive("secret"))


def test_a_sensitive_value_is_not_json_by_accident() -> None:
    """Only `with_fingerprints` makes it so."""
    with pytest.raises(TypeError):
        json.dumps(mask("secret", sensitive=True))


@given(json_values)
def test_true_covers_the_whole_value(value: object) -> None:
    """True at the root covers all below it; an absent or empty value is no secret."""
    assert str(mask(value, True)) == (str(value) if value in (None, "") else MASK)


@given(json_values, json_values)
def test_marks_of_any_shape_are_accepted(value: object, sensitive: object) -> None:
    """Terraform's two documents need not have the same shape."""
    mask(value, sensitive)


@given(json_values)
def test_an_unmarked_value_is_unchanged(value: object) -> None:
    """Neither masking nor fingerprints change it."""
    assert with_fingerprints(mask(value, False), "salt") == value


def test_fingerprints_are_equal_for_equal_values_of_one_file() -> None:
    """Another value or another salt has another fingerprint."""
    first = with_fingerprints({"a": [Sensitive("x")], "b": Sensitive("x")}, "salt")
    other = with_fingerprints({"a": [Sensitive("y")], "b": Sensitive("x")}, "other salt")

    assert first["a"] == [first["b"]]
    assert len({first["b"], *other["a"], other["b"]}) == 3


def test_a_guess_costs_as_much_as_for_a_stored_password() -> None:
    """The parameters of scrypt that OWASP names as the least; fewer rounds make it cheap."""
    digest = hashlib.scrypt(b'"x"', salt=b"salt", n=2**17, r=8, p=1, maxmem=2**28, dklen=16)

    assert Sensitive("x").fingerprint("salt") == f"(sensitive, fingerprint {digest.hex()})"
