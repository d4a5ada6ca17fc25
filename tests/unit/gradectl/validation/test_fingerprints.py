"""A finding is recognised in later runs, wherever its line is, and on every machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradectl.validation.findings import Finding
from gradectl.validation.fingerprints import Fingerprint, Fingerprints

FILE = 'locals {\n  a = 1\n}\n\nresource "aws_eip" "this" {\n  domain = "vpc"\n}\n'
Make = Callable[[str, Finding], Fingerprint]


@pytest.fixture
def fingerprint(tmp_path: Path) -> Make:
    """Make the fingerprint of a finding in a file with some text."""

    def make(text: str, finding: Finding) -> Fingerprint:
        (tmp_path / "infra").mkdir(exist_ok=True)
        (tmp_path / "infra" / "main.tf").write_text(text)
        top = tmp_path / "infra"
        return Fingerprints(top, tmp_path, [tmp_path / "scratch-1"]).of(finding)

    return make


def test_a_moved_line_has_the_same_fingerprint(fingerprint: Make) -> None:
    """Lines above were added, and blocks changed their order."""
    first = fingerprint(FILE, Finding("infra/main.tf", 6, "wrong", "rule"))
    second = fingerprint("# one\n# two\n" + FILE, Finding("infra/main.tf", 8, "wrong", "rule"))
    other = FILE[FILE.index("resource") :] + FILE[: FILE.index("resource")]
    third = fingerprint(other, Finding("infra/main.tf", 2, "wrong", "rule"))

    assert (
        first == second == third == Fingerprint("main.tf", "resource.aws_eip.this", "rule", "wrong")
    )
    assert first.digest == second.digest


@pytest.mark.parametrize(
    "other",
    [
        Finding("infra/main.tf", 6, "wrong", "other"),
        Finding("infra/main.tf", 6, "other", "rule"),
        Finding("infra/main.tf", 2, "wrong", "rule"),
        Finding("infra/variables.tf", 6, "wrong", "rule"),
    ],
    ids=["rule", "message", "block", "file"],
)
def test_another_finding_has_another_fingerprint(fingerprint: Make, other: Finding) -> None:
    """A known error hides no other one."""
    known = fingerprint(FILE, Finding("infra/main.tf", 6, "wrong", "rule"))

    assert fingerprint(FILE, other) != known
    assert fingerprint(FILE, other).digest != known.digest


def test_a_finding_of_a_whole_file_belongs_to_its_first_block(fingerprint: Make) -> None:
    """A comment at the top does not change it."""
    finding = Finding("infra/main.tf", 1, "no lock file")

    assert fingerprint("# a comment\n" + FILE, finding) == fingerprint(FILE, finding)


def test_numbers_of_lines_and_folders_of_this_machine_are_left_out(
    fingerprint: Make, tmp_path: Path
) -> None:
    """CI has another work tree, and each run another temporary folder."""
    message = f"{tmp_path}/infra/a.json, line 3, column 14:\n  see {tmp_path}/scratch-1/x"

    found = fingerprint(FILE, Finding("infra/main.tf", 1, message))

    assert found.message == "./a.json, line N, column N: see TMP/x"


@pytest.mark.parametrize("place", ["40,3-13", "41,3-44,4"])
def test_the_range_of_a_rule_is_left_out(fingerprint: Make, place: str) -> None:
    """Terraform names the rule that refuses a value by its lines and columns."""
    text = "This was checked by the validation rule at variables.tf:{}."
    known = fingerprint(FILE, Finding("infra/main.tf", 6, text.format("33,3-13")))

    found = fingerprint(FILE, Finding("infra/main.tf", 6, text.format(place)))

    assert found == known


def test_other_files_have_no_blocks(fingerprint: Make) -> None:
    """A README may contain anything."""
    assert fingerprint(FILE, Finding("infra/README.md", 3, "wrong")).block == ""
