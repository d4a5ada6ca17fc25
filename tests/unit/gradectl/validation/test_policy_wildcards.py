"""A wildcard in an Allow statement needs a comment with its reason."""

from __future__ import annotations

import pytest

from gradectl.validation.policy_wildcards import without_reason


def found(text: str) -> list[tuple[int, str]]:
    """Lines and texts of the wildcards in a policy."""
    return [(item.line, item.text) for item in without_reason(text)]


def policy(statement: str) -> str:
    """A resource with one statement, which begins on line 2."""
    return f"policy = jsonencode({{ Statement = [{{\n{statement}\n}}] }})\n"


@pytest.mark.parametrize(
    "statement",
    [
        'Action = "s3:*"',
        'Action = ["s3:GetObject", "*"]',
        'Action = "s3:Get*"',
        'NotAction = "a:*"',
    ],
)
def test_an_action_with_a_wildcard_is_found(statement: str) -> None:
    """It would also allow actions that AWS adds later."""
    assert [line for line, _ in found(policy(f'Effect = "Allow"\n{statement}'))] == [3]


@pytest.mark.parametrize("resource", ["*", "arn:aws:s3:::*", "arn:aws:iam::${var.account}:*"])
def test_a_resource_wildcard_for_a_service_is_found(resource: str) -> None:
    """Everything, or all resources of a service."""
    assert found(policy(f'Resource = "{resource}"')) == [(2, resource)]


@pytest.mark.parametrize(
    "resource",
    [
        "${aws_s3_bucket.this.arn}/*",
        "arn:aws:s3:::bucket/*",
        "${aws_cloudwatch_log_group.this.arn}:*",
        "arn:aws:ssm:${var.region}:${var.account}:parameter/a/*",
    ],
)
def test_a_wildcard_below_a_named_resource_is_accepted(resource: str) -> None:
    """Objects of a bucket or streams of a log group cannot be listed."""
    assert found(policy(f'Resource = "{resource}"')) == []


@pytest.mark.parametrize(
    "statement",
    [
        'Resource = "*" # this action knows no resource',
        '# this action knows no resource\nResource = "*"',
        'Resource = [\n"arn:aws:s3:::a",\n/* it\nhas none */\n"*",\n]',
    ],
)
def test_a_comment_on_the_line_or_above_is_a_reason(statement: str) -> None:
    """Readers of the policy see it."""
    assert found(policy(statement)) == []


@pytest.mark.parametrize(
    "statement", ['Resource = "*" #', 'Effect = "Allow" # not about the next line\nResource = "*"']
)
def test_an_empty_or_unrelated_comment_is_not_a_reason(statement: str) -> None:
    """A reason must be about this line."""
    assert len(found(policy(statement))) == 1


def test_a_statement_that_denies_needs_no_reason() -> None:
    """Denying everything is safe, wherever Effect is in the statement."""
    deny = 'Principal = "*", Action = "s3:*", Resource = "*", Effect = "Deny"'

    assert found(policy(deny)) == []
    assert len(found(policy(deny.replace("Deny", "Allow")))) == 2


def test_one_statement_that_denies_does_not_cover_the_next() -> None:
    """Each statement is checked separately."""
    text = 'S = [{ Effect = "Deny", Action = "*" },\n{ Effect = "Allow", Action = "*" }]'

    assert found(text) == [(2, "*")]


def test_policy_documents_of_the_provider_are_read_too() -> None:
    """Roots may write policies as data sources."""
    text = 'data "aws_iam_policy_document" "x" {\n  statement {\n    actions = ["s3:*"]\n  }\n}\n'

    assert found(text) == [(3, "s3:*")]


def test_json_in_a_heredoc_is_read_too() -> None:
    """JSON has no comments; jsonencode allows a reason."""
    text = 'policy = <<EOT\n{"Statement": [{"Effect": "Allow",\n"Action": "*"}]}\nEOT\n'

    assert found(text) == [(3, "*")]
