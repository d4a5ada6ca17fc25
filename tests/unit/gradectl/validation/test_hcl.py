"""Terraform's language is read as far as checks need it, with the right lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.validation.hcl import HclError, parse, tokens

REPOSITORY = Path(__file__).resolve().parents[4]


def test_a_block_has_its_labels_attributes_and_lines() -> None:
    """What a finding needs: what it is, and on which line."""
    (block,) = parse(
        '\nresource "a_b" "this" {\n  name = "x" # why\n\n  nested {\n    deep = 1\n  }\n}\n'
    )

    assert (block.kind, block.labels, block.line) == ("resource", ("a_b", "this"), 2)
    assert [(item.name, item.line, item.literal) for item in block.attributes] == [("name", 3, "x")]
    assert [(inner.kind, inner.line) for inner in block.blocks] == [("nested", 5)]


def test_a_block_on_one_line_is_read_too() -> None:
    """As lifecycle rules are often written."""
    (block,) = parse("filter { prefix = var.prefix }")

    assert [item.name for item in block.attributes] == ["prefix"]


def test_a_value_goes_on_over_lines_as_long_as_a_bracket_is_open() -> None:
    """Lists and objects end where their bracket does."""
    (block,) = parse("locals {\n  a = {\n    b = [\n      1,\n    ]\n  }\n  c = 2\n}\n")

    assert [(item.name, item.line) for item in block.attributes] == [("a", 2), ("c", 7)]


def test_quotes_and_braces_inside_an_interpolation_belong_to_the_string() -> None:
    """A string may hold code, which may hold strings."""
    (word,) = tokens('"a ${join(",", [for x in y : "${x}}"])} b"')

    assert word.kind == "string"


def test_an_escaped_interpolation_is_only_text() -> None:
    """Two dollars are one in the result, and begin nothing."""
    assert [word.kind for word in tokens('"$${" x')] == ["string", "name"]


def test_a_heredoc_is_one_word_and_the_lines_after_it_are_right() -> None:
    """Findings below it stand where they are."""
    found = tokens("a = <<-EOT\n  one {\n  EOT\nb = 1\n")

    assert [(word.text, word.line) for word in found if word.kind == "name"] == [("a", 1), ("b", 4)]


def test_a_comment_over_lines_counts_them() -> None:
    """So does what comes after it."""
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
def test_what_is_no_terraform_is_refused_with_its_line(text: str, line: int) -> None:
    """The line is what the reader looks for."""
    with pytest.raises(HclError) as caught:
        parse(text)

    assert caught.value.line == line


@given(st.text(alphabet='a ={}[]"$#/*\n<EOT\\', max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    """It reads, or says where it cannot; it does not fall over or run for ever."""
    try:
        lines = [block.line for block in parse(text)]
    except HclError as error:
        lines = [error.line]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@given(st.text(alphabet='ab={}[]"\n', max_size=60))
def test_words_are_pieces_of_the_text_in_their_order(text: str) -> None:
    """Nothing is invented and nothing is lost, where no space is between them."""
    try:
        found = tokens(text)
    except HclError:
        return
    assert "".join(word.text for word in found) == text


@pytest.mark.parametrize(
    "path",
    sorted([*(REPOSITORY / "modules").rglob("*.tf"), *(REPOSITORY / "environments").glob("*.tf")]),
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_each_file_of_this_repository_is_read(path: Path) -> None:
    """Real files, with all that people write."""
    assert parse(path.read_text())
