"""environment.yaml is validated strictly, with suggestions for misspelt words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.environment import load, names, near
from gradectl.errors import ConfigurationError

GOOD = 'schema_version: 1\nname: dev\naccount_id: "123456789012"\nregion: eu-west-1\n'


def write(root: Path, text: str, name: str = "dev") -> Path:
    folder = root / "environments" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "environment.yaml").write_text(text)
    return root


def failure(root: Path, name: str = "dev") -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(root, name)
    return caught.value


def test_an_environment_has_defaults(tmp_path: Path) -> None:
    """Four keys are enough."""
    found = load(write(tmp_path, GOOD), "dev")

    assert found.state_bucket == "dev-gradectl-state-123456789012"
    assert found.files_bucket == "dev-grading-files"
    assert not found.emulated


def test_the_key_variables_may_be_empty(tmp_path: Path) -> None:
    """YAML reads it as null when all variables below it are commented out."""
    write(tmp_path, GOOD + "variables:\n  # ecs_max_capacity: 4\n")

    assert load(tmp_path, "dev").variables == {}


def test_names_of_buckets_can_be_chosen(tmp_path: Path) -> None:
    """Bucket names are global, so the default may be taken."""
    text = GOOD + "state: {bucket: my-state}\nvariables: {s3_bucket_name: my-files}\n"
    found = load(write(tmp_path, text), "dev")

    assert (found.state_bucket, found.files_bucket) == ("my-state", "my-files")


def test_an_external_environment_names_its_bucket(tmp_path: Path) -> None:
    """Everything else follows from its name."""
    text = GOOD + "terraform: external\nfiles: {bucket: their-files}\n"
    found = load(write(tmp_path, text), "dev")

    assert found.external
    assert found.files_bucket == "their-files"
    assert load(write(tmp_path, GOOD + "terraform: external\n"), "dev").files_bucket == (
        "dev-grading-files"
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("terraform: external\nvariables: {use_fargate: true}\n", "variables has no effect"),
        ("terraform: external\nstate: {bucket: my-state}\n", "state has no effect"),
        ("files: {bucket: my-files}\n", "set variables.s3_bucket_name instead"),
        ("terraform: elsewhere\n", "terraform: Input should be 'gradectl' or 'external'"),
    ],
)
def test_a_key_without_effect_is_rejected(tmp_path: Path, lines: str, words: str) -> None:
    """A value that is silently ignored would be a surprise."""
    error = failure(write(tmp_path, GOOD + lines))

    assert words in error.what


def test_an_unknown_key_suggests_the_near_one(tmp_path: Path) -> None:
    """Most unknown keys are typing mistakes."""
    error = failure(write(tmp_path, GOOD + "emulatd: true\n"))

    assert "unknown key 'emulatd'" in error.what
    assert error.next_step == "did you mean 'emulated'?"
    assert error.where == "environments/dev/environment.yaml"


def test_a_missing_environment_lists_those_that_exist(tmp_path: Path) -> None:
    """The error shows the valid names."""
    error = failure(write(tmp_path, GOOD), "prod")

    assert "known: dev" in error.what
    assert error.exit_code == 78


def test_a_near_name_is_suggested(tmp_path: Path) -> None:
    """Also for the name of an environment."""
    assert failure(write(tmp_path, GOOD), "dve").next_step == "did you mean 'dev'?"


@pytest.mark.parametrize("name", ["../dev", "", "dev/", "/etc", "."])
def test_a_path_is_not_accepted_as_a_name(tmp_path: Path, name: str) -> None:
    """Only names of subfolders are accepted, so no file outside can be read."""
    assert "not found" in failure(write(tmp_path, GOOD), name).what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be a mapping"),
        ("a: [", "invalid YAML"),
        (GOOD.replace("name: dev", "name: aws-dev"), "which AWS reserves"),
        (GOOD.replace("name: dev", "name: dev-"), "name:"),
        (GOOD.replace("name: dev", "name: d--v"), "name:"),
        (GOOD.replace("name: dev", f"name: {'d' * 25}"), "name:"),
        (GOOD.replace('"123456789012"', "123456789012"), "account_id: must be a string, in q"),
        (GOOD.replace("schema_version: 1", "schema_version: 2"), "schema_version"),
        (GOOD.replace("name: dev", "name: prod"), "the folder is 'dev'"),
        (GOOD.replace("eu-west-1", "Ireland"), "region"),
        (GOOD + "state: {bucket: UPPER}\n", "state.bucket"),
    ],
)
def test_an_invalid_file_is_reported_with_its_key(tmp_path: Path, text: str, words: str) -> None:
    """One error names the key and the file."""
    error = failure(write(tmp_path, text))

    assert words in error.what
    assert error.where == "environments/dev/environment.yaml"


def test_all_mistakes_are_reported_together(tmp_path: Path) -> None:
    """Users can fix all of them together."""
    text = GOOD.replace("eu-west-1", "Ireland") + "emulatd: true\n"
    error = failure(write(tmp_path, text))

    assert "region" in error.what
    assert "emulatd" in error.what


def test_environments_are_listed_in_order(tmp_path: Path) -> None:
    """A folder without environment.yaml does not count."""
    write(tmp_path, GOOD, "b")
    write(tmp_path, GOOD, "a")
    (tmp_path / "environments" / "modules").mkdir()

    assert names(tmp_path) == ["a", "b"]


@given(st.text())
def test_any_file_content_gives_at_most_one_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """No file content causes another kind of error."""
    root = write(tmp_path_factory.mktemp("environment"), "")
    path = root / "environments" / "dev" / "environment.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    failure(root)


def test_dissimilar_names_are_not_suggested() -> None:
    """A wrong suggestion would mislead."""
    assert near("zzz", ["region"]) == ""
