"""Figures, their aims, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from figures import Absent, Aim, Figure, summary, write


@pytest.mark.parametrize(
    ("aim", "value", "met"),
    [
        (Aim(2.0), 2.0, True),
        (Aim(2.0), 2.1, False),
        (Aim(400, at_least=True), 400.0, True),
        (Aim(400, at_least=True), 399.0, False),
    ],
)
def test_an_aim_is_met_at_its_bound(aim: Aim, value: float, met: bool) -> None:
    """Both kinds of bounds include their value."""
    assert aim.met_by(value) is met


def test_the_report_has_ratio_and_aim_beside_each_value_and_what_is_absent(tmp_path: Path) -> None:
    """The report has all figures, with missed aims and the reasons of absent ones."""
    report = tmp_path / "build" / "bench.json"

    write(
        {
            "a": Figure(3.0, "ms", 2.0, 10, Aim(2.5)),
            "b": Figure(1.0, "ms", 4.0, 5),
            "c": Absent("not installed"),
        },
        report,
    )

    document = json.loads(report.read_text())
    assert document.pop("machine").keys() == {"cores", "load_average"}
    assert document == {
        "schema_version": 1,
        "figures": {
            "a": {
                "value": 3.0,
                "unit": "ms",
                "baseline": 2.0,
                "n": 10,
                "ratio": 1.5,
                "aim": "<= 2.5",
                "aim_met": False,
            },
            "b": {"value": 1.0, "unit": "ms", "baseline": 4.0, "n": 5, "ratio": 0.25},
        },
        "absent": {"c": "not installed"},
    }


def test_the_table_shows_a_missed_aim(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The row of the figure has it, and the last line sums up."""
    write({"slow": Figure(3.0, "ms", 2.0, 10, Aim(2.5))}, tmp_path / "build" / "bench.json")

    table = capsys.readouterr().out
    assert "MISSED <= 2.5" in table
    assert table.endswith("\naims: 0 met, 1 missed (slow)\n")


def test_the_last_line_names_missed_aims_and_absent_figures() -> None:
    """Figures without an aim do not count."""
    measured = {
        "fast": Figure(1.0, "ms", 2.0, 10, Aim(2.5)),
        "slow": Figure(3.0, "ms", 2.0, 10, Aim(2.5)),
        "without": Figure(3.0, "ms", 2.0, 10),
    }

    assert summary(measured) == "aims: 1 met, 1 missed (slow)"
    assert summary({"fast": measured["fast"]}) == "aims: 1 met, 0 missed"
    assert summary({"gone": Absent("x")}) == "aims: 0 met, 0 missed, 1 not measured (gone)"
