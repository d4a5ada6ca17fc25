"""The same plan for people, programs and job summaries."""

from __future__ import annotations

from gradectl.planning.plan import Action, Change, Plan
from gradectl.planning.plan_report import document, markdown, output_rows, rows


def change(**changes: object) -> Change:
    values = {
        "address": "aws_s3_bucket.this",
        "kind": "aws_s3_bucket",
        "action": Action.UPDATE,
        "attributes": tuple("abcdefgh"),
        "reason": "",
        "before": {"a": 1},
        "after": {"a": 2},
        "unknown": {},
    }
    return Change(**{**values, **changes})  # type: ignore[arg-type]  # the names are those above


def test_a_row_is_limited() -> None:
    """Long lists of attributes are shortened."""
    assert rows(Plan((change(),), ())) == [
        ("~", "aws_s3_bucket.this", "a, b, c, d, e, f and 2 more", "")
    ]


def test_a_loss_cannot_be_overlooked() -> None:
    """It is in the row and in the job summary."""
    plan = Plan((change(action=Action.DELETE, reason="not in the files any more"),), ())

    assert rows(plan)[0][-1] == "not in the files any more; ITS DATA IS LOST"
    assert "Data is lost" in markdown("Plan", {"environment": "dev"}, plan)


def test_programs_get_no_values() -> None:
    """They get the names of attributes; values are only in the reviewed plan."""
    found = document(Plan((change(),), ("id",)))

    assert found["changes"][0]["attributes"] == list("abcdefgh")
    assert "before" not in found["changes"][0]
    assert found["outputs"] == ["id"]


def test_markdown_cells_are_escaped() -> None:
    """Addresses contain keys from users."""
    page = markdown("Plan", {}, Plan((change(address='x.y["a|b"]'),), ()))

    assert 'x.y["a\\|b"]' in page


def test_each_value_of_the_outputs_has_a_row() -> None:
    """Values can be copied without Python's brackets."""
    outputs = {
        "zones": ["a", "b"],
        "names": {"db": {"user": "/dev/db/user"}, "count": 2},
        "public": False,
    }

    assert output_rows(outputs) == [
        ("names.count", "2"),
        ("names.db.user", "/dev/db/user"),
        ("public", "false"),
        ("zones", "a, b"),
    ]
