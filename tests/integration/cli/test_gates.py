"""Policy, cost and comparison of plans through the real command line."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engine
POLICY = """
schema_version: 1
max_monthly_usd: 10
"""


def test_a_loss_that_is_not_named_is_refused(project: Any, published: Any) -> None:
    """--yes is not enough; with a policy neither --confirm nor --reviewed is, only its name."""
    name, lost = project.name, "aws_s3_bucket.kept[0]"
    project.configure(variables={"keep_bucket": True})
    assert project.run("apply", name, "--yes").returncode == 0
    project.configure(variables={"keep_bucket": False})
    unnamed = project.run("apply", name, "--yes", "--no-input")
    assert unnamed.returncode == 5
    assert lost in unnamed.stderr
    (project.root / "environments" / "policy.yaml").write_text(POLICY)

    planned = project.run(
        "plan",
        name,
        "--enforce",
        "--out",
        "reviewed.json",
        "-o",
        "json",
        GITHUB_STEP_SUMMARY="s.md",
    )
    confirmed = project.run("apply", name, "--confirm", name)
    reviewed = project.run("apply", name, "--reviewed", "reviewed.json")
    previewed = project.run("apply", name, "--dry-run", "--allow-loss", lost, "-o", "json")
    applied = project.run("apply", name, "--confirm", name, "--allow-loss", lost, "-o", "json")

    document = published(planned.stdout)
    assert (planned.returncode, confirmed.returncode, reviewed.returncode) == (5, 5, 5)
    assert [each["address"] for each in document["policy"]["violations"]] == [lost]
    assert document["cost"]["after"]["most"] == 0
    assert document["cost"]["after"]["lines"] == []
    assert document["cost"]["before"]["lines"][0]["by_use"] is True
    assert f"data_loss: {lost}: delete loses its data" in confirmed.stderr
    assert "environments/policy.yaml" in reviewed.stderr
    assert "The policy refuses this plan" in (project.root / "s.md").read_text()
    assert (previewed.returncode, applied.returncode) == (0, 0), applied.stderr
    assert published(applied.stdout)["policy"]["allowed"][0]["address"] == lost


@pytest.mark.usefixtures("without_provider")
def test_an_invalid_policy_stops_a_plan(project: Any) -> None:
    """With the file and the key, and exit code 78."""
    (project.root / "environments" / "policy.yaml").write_text("schema_version: 1\nrule: {}\n")

    finished = project.run("plan", project.name)

    assert finished.returncode == 78
    assert "unknown key 'rule'" in finished.stderr
    assert "environments/policy.yaml" in finished.stderr


def test_two_reviewed_plans_are_compared(project: Any, published: Any) -> None:
    """Without an account; exit code 2 only on demand."""
    project.run("plan", project.name, "--out", "a.json")
    project.configure(variables={"greeting": "good day", "keep_bucket": True})
    project.run("plan", project.name, "--out", "b.json")

    differ = project.run("plan", "--diff", "a.json", "b.json", "--detailed-exitcode", "-o", "json")
    same = project.run("plan", "--diff", "a.json", "a.json", "--detailed-exitcode")
    wrong = project.run("plan", project.name, "--diff", "a.json", "b.json")
    nothing = project.run("plan", "--diff", "a.json", "environments/main.tf")

    assert (differ.returncode, same.returncode) == (2, 0)
    document = published(differ.stdout)
    assert [(each["sign"], each["address"]) for each in document["differences"]] == [
        ("+", "aws_s3_bucket.kept[0]")
    ]
    assert document["incomparable"] == ["aws_ssm_parameter.greeting"]  # the provider's mark
    assert "the plans are equal" in same.stdout
    assert (wrong.returncode, nothing.returncode) == (64, 78)
