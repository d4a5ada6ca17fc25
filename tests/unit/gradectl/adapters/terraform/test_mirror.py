"""Providers come from a mirror where there is one; the user's own configuration is respected."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.adapters.terraform.mirror import (
    candidates,
    command_line_configuration,
    prepare,
    providers_in,
)
from gradectl.errors import ConfigurationError


def mirror(folder: Path, name: str = "hashicorp/aws") -> Path:
    (folder / "registry.terraform.io" / name / "5.100.0" / "linux_amd64").mkdir(parents=True)
    return folder


def test_a_given_directory_is_the_only_one(tmp_path: Path) -> None:
    """GRADECTL_PLUGIN_DIR overrides all others."""
    given = mirror(tmp_path / "given")

    assert candidates({"GRADECTL_PLUGIN_DIR": str(given)}) == [given]


def test_a_given_directory_without_providers_is_an_error(tmp_path: Path) -> None:
    """Otherwise the network would be used."""
    with pytest.raises(ConfigurationError) as caught:
        candidates({"GRADECTL_PLUGIN_DIR": str(tmp_path)})

    assert str(tmp_path) in caught.value.where


def test_the_system_folder_is_searched(tmp_path: Path) -> None:
    """A mirror directly below a child is found, after Terraform's implied directories."""
    child = mirror(tmp_path / "software" / "plugins")

    found = candidates({"HOME": str(tmp_path)}, tmp_path / "software")

    assert found[0] == tmp_path / ".terraform.d/plugins"
    assert found[-1] == child


def test_each_provider_has_one_source(tmp_path: Path) -> None:
    """Terraform would compare versions between sources; the first mirror decides."""
    first, second = mirror(tmp_path / "a"), mirror(tmp_path / "b")
    mirror(second, "hashicorp/null")

    text = command_line_configuration([first, second])

    assert text.count("registry.terraform.io/hashicorp/aws") == 2  # include, and exclude of direct
    assert text.count("filesystem_mirror") == 2
    assert providers_in(second) == {"hashicorp/aws", "hashicorp/null"}


def test_without_a_mirror_the_registry_is_used_and_downloads_are_kept(tmp_path: Path) -> None:
    """One download for all environments: a provider has 600 MB."""
    environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    assert command_line_configuration([tmp_path]) == ""

    variables = prepare({**environ, "TF_PLUGIN_CACHE_DIR": "mine"}, tmp_path / "d", tmp_path / "c")

    assert "TF_PLUGIN_CACHE_DIR" not in variables
    assert Path(variables["TF_CLI_CONFIG_FILE"]).is_file()


def test_the_users_own_configuration_stays(tmp_path: Path) -> None:
    """It may hold credentials or a company's mirror."""
    own = tmp_path / "own.tfrc"
    own.write_text("")

    assert prepare({"TF_CLI_CONFIG_FILE": str(own)}, tmp_path / "d", tmp_path / "c") == {}
