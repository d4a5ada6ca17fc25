"""A Korean page has the commands, links, headings and figures of its English page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: English page -> Korean page.
PAGES = {
    ROOT / "README.md": ROOT / "README.ko.md",
    **{ROOT / "docs" / path.name: path for path in sorted((ROOT / "docs" / "ko").glob("*.md"))},
}
ENGLISH = {korean: english for english, korean in PAGES.items()}
FENCE = re.compile(r"^\s*```")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
SPAN = re.compile(r"`([^`]+)`")
COMMENT = re.compile(r"(^|\s+)#\s.*")


@dataclass(frozen=True)
class Block:
    """A code block, or the prose between two of them."""

    page: Path
    language: str | None
    lines: tuple[str, ...]

    @property
    def code(self) -> tuple[str, ...]:
        """The lines of a code block; those of a shell without comments, which are translated."""
        if self.language != "sh":
            return self.lines
        return tuple(COMMENT.sub("", line) for line in self.lines)


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in their order."""
    language: str | None = None
    lines: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if FENCE.match(line):
            yield Block(page, language, tuple(lines))
            language = None if language is not None else line.strip().removeprefix("```")
            lines = []
        else:
            lines.append(line)
    yield Block(page, language, tuple(lines))


def code(page: Path) -> list[tuple[str, ...]]:
    return [block.code for block in blocks(page) if block.language is not None]


def prose(page: Path) -> list[str]:
    found = (block.lines for block in blocks(page) if block.language is None)
    return [line for lines in found for line in lines]


def text(page: Path) -> str:
    """The prose as one line: links and code may continue on the next line."""
    return " ".join(line.strip() for line in prose(page))


def headings(page: Path) -> list[int]:
    """The level of each heading."""
    return [len(line) - len(line.lstrip("#")) for line in prose(page) if line.startswith("#")]


def links(page: Path) -> list[str]:
    """Targets from the root of the repository; a Korean page counts as its English page."""
    return sorted(target(page, link) for link in LINK.findall(text(page)))


def target(page: Path, link: str) -> str:
    """A link as it is compared; the anchors of translated pages are translated too."""
    if "://" in link:
        return link
    name, _, anchor = link.partition("#")
    path = (page.parent / name).resolve() if name else page
    if path in PAGES or path in ENGLISH:
        return str(ENGLISH.get(path, path).relative_to(ROOT))
    return f"{path.relative_to(ROOT)}#{anchor}"


def figures(page: Path) -> list[list[str]]:
    """The numbers of each row of a table, without those in code."""
    rows = (line for line in prose(page) if line.startswith("|"))
    return [sorted(NUMBER.findall(LINK.sub("", SPAN.sub("", row)))) for row in rows]


def names(page: Path) -> set[str]:
    """All code spans of the prose."""
    return set(SPAN.findall(text(page)))


@pytest.mark.parametrize(
    "reading", [code, headings, links, figures, names], ids=lambda each: each.__name__
)
@pytest.mark.parametrize("english", PAGES, ids=lambda page: page.name)
def test_a_korean_page_has_what_its_english_page_has(english: Path, reading: object) -> None:
    """Only words differ, and the comments of shell commands."""
    assert callable(reading)

    assert reading(PAGES[english]) == reading(english)


def test_each_korean_page_of_docs_begins_with_who_needs_it() -> None:
    """As the English pages do: '대상: <readers>. <what for>'."""
    pages = [page for page in ENGLISH if page.parent != ROOT]

    assert pages
    assert [
        page.name
        for page in pages
        if not re.match(r"# .+\n\n대상: ", page.read_text(encoding="utf-8"))
    ] == []


def test_translations_are_linked_from_the_page_that_they_translate() -> None:
    """A reader of either language finds the other page."""
    for english, korean in PAGES.items():
        assert korean.name in english.read_text(encoding="utf-8") or english.parent != ROOT
    assert "(README.md)" in (ROOT / "README.ko.md").read_text(encoding="utf-8")


def test_emphasis_ends_where_markdown_sees_it() -> None:
    """Between a code span and a Korean particle `**` would be printed: write a space or a stop."""
    assert [
        f"{page.name}: {found}"
        for page in ENGLISH
        for found in re.findall(r"\S*[`).]\*\*\w\S*", text(page))
    ] == []
