"""Which files have values for a root, and for which variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.validation.value_files import automatic, given, named

FILES = (
    "terraform.tfvars",
    "a.auto.tfvars",
    "b.auto.tfvars.json",
    "prod.tfvars",
    "dev/terraform.tfvars",
    "envs/prod/x.tfvars.json",
    "other/main.tf",
    "other/x.tfvars",
    ".hidden/x.tfvars",
    "a/b/c/x.tfvars",
)


def test_some_files_are_read_unasked_and_others_by_name(tmp_path: Path) -> None:
    """Folders with a configuration have their own values."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    assert {str(path.relative_to(tmp_path)) for path in automatic(tmp_path)} == set(FILES[:3])
    assert {str(path.relative_to(tmp_path)) for path in named(tmp_path)} == set(FILES[3:6])


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("a.tfvars", 'a = 1\nb = {\n  c = "}"\n}\n# d = 1\n', {"a", "b"}),
        ("a.tfvars.json", '{"a": 1, "b": null}', {"a", "b"}),
        ("a.tfvars", 'a = "', set()),
        ("a.tfvars.json", "1", set()),
        ("a.tfvars.json", "{", set()),
    ],
)
def test_the_names_in_a_file(tmp_path: Path, name: str, text: str, names: set[str]) -> None:
    """Broken files have none; Terraform reports them."""
    (tmp_path / name).write_text(text)

    assert given([tmp_path / name, tmp_path / "missing.tfvars"]) == names
