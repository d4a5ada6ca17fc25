"""A wildcard that allows something needs its reason beside it."""

from __future__ import annotations

import pytest

from gradectl.validation.policy_wildcards import without_reason


def found(text: str) -> list[tuple[int, str]]:
    """Lines and texts of the wildcards of a policy."""
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
def test_an_action_that_stands_for_several_is_found(statement: str) -> None:
    """Whatever is added to the service later would be allowed with it."""
    assert [line for line, _ in found(policy(f'Effect = "Allow"\n{statement}'))] == [3]


@pytest.mark.parametrize("resource", ["*", "arn:aws:s3:::*", "arn:aws:iam::${var.account}:*"])
def test_a_resource_that_is_all_of_a_service_is_found(resource: str) -> None:
    """Everything, or everything of one kind of service in an account."""
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
def test_everything_below_something_named_is_no_wildcard(resource: str) -> None:
    """Objects of a bucket and streams of a log group cannot be named one by one."""
    assert found(policy(f'Resource = "{resource}"')) == []


@pytest.mark.parametrize(
    "statement",
    [
        'Resource = "*" # this action knows no resource',
        '# this action knows no resource\nResource = "*"',
        'Resource = [\n"arn:aws:s3:::a",\n/* it\nhas none */\n"*",\n]',
    ],
)
def test_a_comment_beside_it_or_alone_above_it_is_a_reason(statement: str) -> None:
    """The reader of the policy is the one who must know."""
    assert found(policy(statement)) == []


@pytest.mark.parametrize(
    "statement", ['Resource = "*" #', 'Effect = "Allow" # not about the next line\nResource = "*"']
)
def test_an_empty_comment_or_one_about_something_else_is_none(statement: str) -> None:
    """A reason says something about this line."""
    assert len(found(policy(statement))) == 1


def test_a_statement_that_denies_needs_no_reason() -> None:
    """To forbid everything is the safe side, wherever in the statement that is said."""
    deny = 'Principal = "*", Action = "s3:*", Resource = "*", Effect = "Deny"'

    assert found(policy(deny)) == []
    assert len(found(policy(deny.replace("Deny", "Allow")))) == 2


def test_one_statement_that_denies_does_not_cover_the_next() -> None:
    """Each is judged for itself."""
    text = 'S = [{ Effect = "Deny", Action = "*" },\n{ Effect = "Allow", Action = "*" }]'

    assert found(text) == [(2, "*")]


def test_policy_documents_of_the_provider_are_read_too() -> None:
    """A team's own root may write them as data sources."""
    text = 'data "aws_iam_policy_document" "x" {\n  statement {\n    actions = ["s3:*"]\n  }\n}\n'

    assert found(text) == [(3, "s3:*")]


def test_json_in_a_heredoc_is_read_too() -> None:
    """There no comment can stand; jsonencode is the way to give a reason."""
    text = 'policy = <<EOT\n{"Statement": [{"Effect": "Allow",\n"Action": "*"}]}\nEOT\n'

    assert found(text) == [(3, "*")]
