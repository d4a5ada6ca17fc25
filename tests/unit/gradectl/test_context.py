"""Finding the project, and precedence of settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.context import AppContext
from gradectl.errors import ConfigurationError
from gradectl.options import GlobalOptions

FILE = 'schema_version: 1\nname: dev\naccount_id: "123456789012"\nregion: eu-west-1\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one environment."""
    folder = tmp_path / "environments" / "dev"
    folder.mkdir(parents=True)
    (folder / "environment.yaml").write_text(FILE)
    return tmp_path


def context(directory: Path, **options: object) -> AppContext:
    return AppContext(GlobalOptions(**options), {}, directory)  # type: ignore[arg-type]  # by name


def test_the_project_is_found_from_a_folder_within(root: Path) -> None:
    """Commands work in every subfolder."""
    assert context(root / "environments" / "dev").project_root == root


def test_the_project_can_be_given(root: Path, tmp_path: Path) -> None:
    """CI may run in another folder."""
    assert context(tmp_path.parent, project=root).project_root == root


def test_a_missing_project_is_an_error_with_two_solutions(tmp_path: Path) -> None:
    """Change the folder, or add --project."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        _ = context(tmp_path / "empty").project_root

    assert "--project" in caught.value.next_step


def test_a_region_flag_wins_over_the_file(root: Path) -> None:
    """Flag > GRADECTL_* > environment.yaml > default."""
    assert context(root).environment("dev").region == "eu-west-1"
    assert context(root, region="eu-west-2").environment("dev").region == "eu-west-2"


def test_nothing_is_deployed_to_another_region_by_a_flag(root: Path) -> None:
    """The files declare the region; a flag must not deploy half of it elsewhere."""
    assert context(root, region="eu-west-1").declared_environment("dev").region == "eu-west-1"
    with pytest.raises(ConfigurationError) as caught:
        context(root, region="eu-west-2").declared_environment("dev")

    assert "in eu-west-1, not in eu-west-2" in caught.value.what
