"""The file of the policy is read strictly, and a refusal names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from plans import item, plan_of
from policy_rules import costs

from gradectl.errors import ConfigurationError, RefusedError
from gradectl.planning.policy import Evaluation, Policy, Rule, evaluate
from gradectl.planning.policy_file import enforce, read_policy


def project(root: Path, text: str) -> Path:
    """A project with two environments and a policy."""
    for name in ("dev", "production"):
        folder = root / "environments" / name
        folder.mkdir(parents=True)
        (folder / "environment.yaml").write_text("")
    (root / "environments" / "policy.yaml").write_text(text)
    return root


def test_a_rule_that_the_file_leaves_out_refuses(tmp_path: Path) -> None:
    """A policy is complete from its first line."""
    found_policy = read_policy(project(tmp_path, "schema_version: 1\n"), "dev")

    assert found_policy
    assert found_policy.rules == set(Rule) - {Rule.MONTHLY_COST}
    assert found_policy.max_monthly_usd is None


def test_without_a_file_there_is_no_policy(tmp_path: Path) -> None:
    """It is optional."""
    assert read_policy(tmp_path, "dev") is None


def test_an_environment_overrides_values_and_adds_to_lists(tmp_path: Path) -> None:
    """Other environments are not affected."""
    text = """
schema_version: 1
rules: {public_exposure: allow}
max_monthly_usd: 100
allow: [{rule: data_loss, resource: aws_a.b, reason: old}]
environments:
  dev:
    rules: {data_loss: allow}
    max_monthly_usd: 50
    unknown_prices: refuse
    allow: [{rule: clear_secrets, resource: aws_c.d, reason: new}]
    ignore_drift: [{resource: aws_e.f, attributes: [tags], reason: set by a team}]
"""
    root = project(tmp_path, text)
    dev, production = read_policy(root, "dev"), read_policy(root, "production")

    assert dev
    assert production
    assert dev.rules == {Rule.CLEAR_SECRETS, Rule.SPOT_IN_EXAM_HOURS}
    assert (dev.max_monthly_usd, production.max_monthly_usd) == (50, 100)
    assert (dev.refuse_unknown_prices, production.refuse_unknown_prices) == (True, False)
    assert [each.reason for each in dev.allowances] == ["old", "new"]
    assert [each.reason for each in production.allowances] == ["old"]
    assert [each.resource for each in dev.ignored_drift] == ["aws_e.f"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema_version: 2\n", "schema_version"),
        ("schema_version: 1\nrule: {}\n", "unknown key 'rule'"),
        ("schema_version: 1\nrules: {data_loss: warn}\n", "rules.data_loss"),
        ("schema_version: 1\nrules: {dataloss: allow}\n", "unknown key 'rules.dataloss'"),
        ("schema_version: 1\nmax_monthly_usd: -1\n", "max_monthly_usd"),
        ("schema_version: 1\nmax_monthly_usd: .nan\n", "max_monthly_usd"),
        ("schema_version: 1\nallow: [{rule: data_loss, resource: a}]\n", "reason"),
        ("schema_version: 1\nallow: [{rule: loss, resource: a, reason: b}]\n", "rule"),
        ("schema_version: 1\nenvironments: {prodution: {}}\n", "no environment 'prodution'"),
        ("schema_version: 1\nenvironments: {dev: {environments: {}}}\n", "unknown key"),
        ("- 1\n", "must be a mapping"),
        ("a: [\n", "invalid YAML"),
    ],
)
def test_an_invalid_policy_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    """A policy that is ignored because of a typing mistake would protect nothing."""
    with pytest.raises(ConfigurationError) as caught:
        read_policy(project(tmp_path, text), "production")

    assert caught.value.where == "environments/policy.yaml"
    assert said in caught.value.what


def test_the_shipped_policy_is_valid_for_each_environment() -> None:
    """Disposable environments may lose their data, and only those."""
    root = Path(__file__).resolve().parents[4]
    rules = {name: read_policy(root, name) for name in ("dev", "local", "local-sqs", "production")}

    assert [name for name, each in rules.items() if each and Rule.DATA_LOSS in each.rules] == [
        "production"
    ]
    assert all(each and Rule.PUBLIC_EXPOSURE in each.rules for each in rules.values())


def test_a_refusal_lists_all_violations_and_the_way_out() -> None:
    """One run shows everything; exit code 5."""
    loss = plan_of(item("module.database.aws_db_instance.this[0]", None, {"identifier": "x"}))
    evaluation = evaluate(Policy(frozenset(Rule), max_monthly_usd=1), loss, costs(60))

    with pytest.raises(RefusedError) as caught:
        enforce(evaluation)

    assert "2 reasons" in caught.value.what
    assert "module.database.aws_db_instance.this[0]: delete loses its data" in caught.value.what
    assert "environments/policy.yaml" in caught.value.next_step
    enforce(Evaluation())
