"""One word per thing, and plain English: words that were replaced do not come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".py", ".md", ".tf", ".hcl", ".yaml", ".j2", ".toml", ".c", ""}
TOPS = ("grader", "gradectl", "modules", "environments", "templates", "scripts", "docs", "examples")
#: Programs of others, and this table.
EXCEPT = re.compile(
    r"tests/(fixtures|attacks/[^/]+/)|examples/(problems|submissions)/|architecture/test_words"
    r"|__pycache__|\.terraform|\.egg-info|docs/schemas/"
)

#: Old name -> new one; in code, tests and documentation.
NAMES = {
    r"\b[Dd]esk\b": "JobProcessor, processor",
    r"\b[Pp]atience\b|\bpatiently\b": "Retrier, retry",
    r"\bLookAhead\b": "Prefetcher",
    r"\b[Cc]eilings?\b": "MaxLimits, maximum",
    r"\bSurroundings\b|\bsurroundings\b": "host, environment",
    r"\b[Ll]eftovers?\b": "files or processes that remain",
    r"\b[Tt]wins?\b": "in-memory fake, counterpart",
    r"\b(Scene|scene)\b": "CheckContext, context",
    r"\b[Ww]orkbench\b": "TerraformWorkspace",
    r"\bWorkspace\b": "Program",
    r"\bWork[\[(]": "HandlerSpec",
    r"\btry_out\b": "self_test",
    r"\bstrangers\b": "unmanaged, unexpected",
    r"\bnoted_version\b": "recorded_version",
    r"\bafter_apply\b": "rollout",
    r"\blet_delete_markers_go\b": "patch_delete_markers",
    r"\bremember_services\b": "patch_ecs",
}

#: Old phrase -> plain English; in product code, help, messages and documentation.
PHRASES = {
    r"\b[Nn]obody knows\b": "not found",
    r"\b[Nn]obody\b": "no one, none, or name the part",
    r"\b[Mm]end(s|ed|ing)?\b": "fix",
    r"\bfor ever\b": "forever, without end, permanently",
    r"(?<!here )\b[Ii]s no (?!longer\b|more\b|need\b)": "is not a",
    r"(?<!here )\b[Aa]re no (?!longer\b|more\b)": "are not",
    r"\bat its end\b": "on exit, at the end",
    r"\bon the clock\b": "wall time",
    r"\bat three in the morning\b": "Troubleshooting",
    r"\bwhat (becomes|comes) of\b": "the result of, the outcome",
    r"\bin silence\b": "silently",
    r"\bin good order\b": "cleanly",
    r"\bheld against\b": "compared with, counted against",
    r"\b(set|put)s? right\b": "correct, fix",
    r"\b[Bb]eside\b": "besides, next to, with",
    r"\b[Nn]onsense\b": "an invalid value",
    r"\bmakes? no sense\b": "is invalid",
    r"\b(is|are|was|were) told\b": "receives, is notified",
    r"\b(gives?|given|gave) up\b": "fails after, abandons",
    r"\bshall\b": "should, must, will",
}


def lines(folder: str) -> Iterator[tuple[str, str]]:
    """`file:line` and text of the lines of a folder; of the top of the repository for ''."""
    base = ROOT / folder if folder else ROOT
    for path in sorted(base.rglob("*") if folder else base.glob("*")):
        name = str(path.relative_to(ROOT))
        if path.is_file() and path.suffix in SUFFIXES and not EXCEPT.search(name):
            for number, text in enumerate(path.read_text(errors="ignore").splitlines(), 1):
                yield f"{name}:{number}", text


def old_words(texts: Iterable[tuple[str, str]], words: dict[str, str]) -> str:
    """Each old word in texts, as `file:line: 'old'; write: new`."""
    any_old = re.compile("|".join(f"(?:{old})" for old in words))
    return "\n".join(
        f"{where}: '{found[0].strip()}'; write: {new}"
        for where, text in texts
        if any_old.search(text)
        for old, new in words.items()
        if (found := re.search(old, text))
    )


@pytest.mark.parametrize("folder", ["", *TOPS, "benchmarks", "tests"])
def test_renamed_things_have_their_new_names(folder: str) -> None:
    """The field's word, the same in code, tests and documentation."""
    assert not (found := old_words(lines(folder), NAMES)), found


@pytest.mark.parametrize("folder", ["", *TOPS, "benchmarks"])
def test_prose_is_plain(folder: str) -> None:
    """Phrases that a reader has to translate are written in standard terms."""
    assert not (found := old_words(lines(folder), PHRASES)), found


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("nobody knows 'req_1'", "not found"),
        ("a text that is no Terraform", "is not a"),
        ("there is no network, and it is no longer needed", ""),
        ("class Desk:", "JobProcessor"),
        ("WORKER_SLOTS and LOOK_AHEAD stay", ""),
    ],
)
def test_an_old_word_is_answered_with_the_new_one(text: str, new: str) -> None:
    """Public settings, and phrases that are plain English, are left alone."""
    found = old_words([("page.md:1", text)], {**NAMES, **PHRASES})

    assert new in found
    assert bool(new) == found.startswith("page.md:1: ")
