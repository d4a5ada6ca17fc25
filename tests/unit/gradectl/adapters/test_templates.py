"""Templates reject unknown variables, and values keep their meaning in HCL."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.adapters.templates import hcl, render_template
from gradectl.errors import ConfigurationError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        ("a", '"a"'),
        ('say "hi"\n', '"say \\"hi\\"\\n"'),
        ("${var.x} %{if}", '"$${var.x} %%{if}"'),
        (["a", 1], '["a", 1]'),
        ({}, "{}"),
        ({"LOG_LEVEL": "DEBUG", "a b": 1}, '{ LOG_LEVEL = "DEBUG", "a b" = 1 }'),
    ],
)
def test_a_value_is_written_as_terraform_would(value: object, text: str) -> None:
    """On one line, so that `terraform fmt` does not change it."""
    assert hcl(value) == text


def test_types_that_hcl_lacks_are_refused() -> None:
    """YAML reads 2026-01-01 as a date; Terraform has none."""
    with pytest.raises(ConfigurationError) as caught:
        hcl(dt.date(2026, 1, 1))

    assert caught.value.next_step == "put it in quotes"


@given(st.text())
def test_no_text_can_break_out_of_its_quotes(text: str) -> None:
    """Strings of environment.yaml are never evaluated."""
    body = hcl(text)[1:-1]

    assert "\n" not in body
    assert '"' not in body.replace("\\\\", "").replace('\\"', "")
    assert "${" not in body.replace("$${", "")


def test_an_undefined_name_is_an_error(tmp_path: Path) -> None:
    """Otherwise an empty string would be deployed."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.j2").write_text("{{ nobody }}")

    with pytest.raises(ConfigurationError) as caught:
        render_template(tmp_path, "x.j2", {})

    assert caught.value.where == "templates/x.j2"


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    """It is a file of the project."""
    with pytest.raises(ConfigurationError) as caught:
        render_template(tmp_path, "x.j2", {})

    assert caught.value.where == "templates/x.j2"
