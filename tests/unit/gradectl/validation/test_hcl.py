"""The HCL reader returns tokens and blocks with correct line numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.validation.hcl import HclError, parse, tokens

REPOSITORY = Path(__file__).resolve().parents[4]


def test_a_block_has_its_labels_attributes_and_lines() -> None:
    """Findings need the kind and the line of each element."""
    (block,) = parse(
        '\nresource "a_b" "this" {\n  name = "x" # why\n\n  nested {\n    deep = 1\n  }\n}\n'
    )

    assert (block.kind, block.labels, block.line) == ("resource", ("a_b", "this"), 2)
    assert [(item.name, item.line, item.literal) for item in block.attributes] == [("name", 3, "x")]
    assert [(inner.kind, inner.line) for inner in block.blocks] == [("nested", 5)]


def test_a_block_on_one_line_is_read_too() -> None:
    """Short blocks such as filters are often written so."""
    (block,) = parse("filter { prefix = var.prefix }")

    assert [item.name for item in block.attributes] == ["prefix"]


def test_a_value_ends_with_its_outermost_bracket() -> None:
    """Lists and objects may span lines."""
    (block,) = parse("locals {\n  a = {\n    b = [\n      1,\n    ]\n  }\n  c = 2\n}\n")

    assert [(item.name, item.line) for item in block.attributes] == [("a", 2), ("c", 7)]


def test_quotes_and_braces_inside_an_interpolation_belong_to_the_string() -> None:
    """An interpolation is code and may contain strings."""
    (token,) = tokens('"a ${join(",", [for x in y : "${x}}"])} b"')

    assert token.kind == "string"


def test_an_escaped_interpolation_is_only_text() -> None:
    """`$${` is a literal and begins no interpolation."""
    assert [token.kind for token in tokens('"$${" x')] == ["string", "name"]


def test_a_heredoc_is_one_word_and_the_lines_after_it_are_right() -> None:
    """Findings below it have correct lines."""
    found = tokens("a = <<-EOT\n  one {\n  EOT\nb = 1\n")

    assert [(token.text, token.line) for token in found if token.kind == "name"] == [
        ("a", 1),
        ("b", 4),
    ]


def test_a_comment_over_lines_counts_them() -> None:
    """Tokens after it have correct lines."""
    assert tokens("/* a\nb */ c")[-1].line == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = "b\n', 1),
        ("\nx {\n", 2),
        ("x {\n}\n}\n", 3),
        ("a = <<EOT\nb\n", 1),
        ("\n/* a", 2),
        ('a = "${b"', 1),
        ("word\n", 1),
    ],
)
def test_invalid_hcl_is_rejected_with_its_line(text: str, line: int) -> None:
    """Error messages name the position."""
    with pytest.raises(HclError) as caught:
        parse(text)

    assert caught.value.line == line


@given(st.text(alphabet='a ={}[]"$#/*\n<EOT\\', max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    """It returns blocks or raises HclError with a line, and always terminates."""
    try:
        lines = [block.line for block in parse(text)]
    except HclError as error:
        lines = [error.line]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@given(st.text(alphabet='ab={}[]"\n', max_size=60))
def test_tokens_are_pieces_of_the_text_in_order(text: str) -> None:
    """Joined, they give the text back, as long as it has no spaces."""
    try:
        found = tokens(text)
    except HclError:
        return
    assert "".join(token.text for token in found) == text


@pytest.mark.parametrize(
    "path",
    sorted([*(REPOSITORY / "modules").rglob("*.tf"), *(REPOSITORY / "environments").glob("*.tf")]),
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_each_file_of_this_repository_is_read(path: Path) -> None:
    """Real files have more forms than the examples above."""
    assert parse(path.read_text())
