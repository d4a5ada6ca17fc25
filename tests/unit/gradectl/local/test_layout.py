"""The files in a stack's directory, and which of them are removed with the stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradectl.local.layout import StackLayout


@pytest.mark.parametrize("name", ["broker", "grading/1-000001/2", "../../etc/passwd", "a b\n"])
def test_a_services_files_stay_in_the_directory(tmp_path: Path, name: str) -> None:
    """The name of an ECS service is external input."""
    layout = StackLayout(tmp_path)

    for path in (layout.log(name), layout.task(name)):
        assert path.resolve().parent.parent == tmp_path
        assert path.name.isprintable()


def test_data_is_removed_and_logs_stay(tmp_path: Path) -> None:
    """Logs explain what happened; keys and rows are useless without the stack."""
    layout = StackLayout(tmp_path)
    layout.clear()
    for path in (layout.broker("b-1"), layout.database("one"), layout.task("grading/1/1")):
        (path / "data").mkdir(parents=True)
    layout.log("broker").write_text("started")
    (tmp_path / "server.p12").touch()

    layout.clear_data()

    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert layout.log("broker").exists()


def test_a_new_stack_starts_with_empty_logs(tmp_path: Path) -> None:
    """Every line of a log is from this stack."""
    layout = StackLayout(tmp_path)
    layout.clear()
    layout.log("broker").write_text("old line")

    layout.clear()

    assert list((tmp_path / "logs").iterdir()) == []
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
