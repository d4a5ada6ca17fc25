"""
From what lies in the bucket to a problem that can be graded; pure.

::

    <root>problem.yaml            optional: limits, how outputs are judged, how points count
    <root>testcases/...           cases, in directories that are groups, with their settings
    <root>output_validators/...   optional: a program that judges outputs

Our own layout and the packages of Kattis differ only in what holds where nothing is said: a
problem.yaml beside a directory ``secret`` makes it a package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.contract.verdicts import ErrorCode
from grader.problems.cases import find_cases
from grader.problems.compare import CompareOptions
from grader.problems.document import Document
from grader.problems.findings import Findings
from grader.problems.group_yaml import SECRET
from grader.problems.groups import group_cases
from grader.problems.model import Problem, StoredFile
from grader.problems.output_validators import find_validator
from grader.problems.problem_yaml import PROBLEM_YAML, read_problem_yaml
from grader.problems.scoring import full_points, shortfalls

CASES = "testcases/"
LEGACY_GROUP_YAML = "testdata.yaml"
GROUP_YAMLS = (LEGACY_GROUP_YAML, "test_group.yaml")
#: A settings file is small; a larger one is refused.
MAX_YAML_BYTES = 1 << 18
#: A validator's command line has room for so many words, and bytes of each.
_MOST_FLAGS, _LONGEST_FLAG = 32, 1024


@dataclass(frozen=True)
class Listing:
    """
    What there is of a problem.

    Args:
        root: Prefix of everything that belongs to it, with its slash.
        cases: Prefix of the test cases to be run, with its slash; usually `root` + testcases/.
        files: All objects below both.
    """

    root: str
    cases: str
    files: tuple[StoredFile, ...]

    @property
    def base(self) -> str:
        """What the names of cases and groups are relative to."""
        ours = self.root + CASES
        return ours if self.cases.startswith(ours) else self.cases

    def settings_files(self) -> tuple[StoredFile, ...]:
        """Name the small files whose content `examine` wants to have."""
        return tuple(
            file
            for file in self.files
            if file.key == self.root + PROBLEM_YAML
            or (file.key.startswith(self.base) and file.key.rpartition("/")[2] in GROUP_YAMLS)
        )


def read(listing: Listing, contents: Mapping[str, bytes]) -> Problem:
    """
    Make a problem.

    Args:
        listing: What there is.
        contents: Content of each of `Listing.settings_files`, by key.

    Raises:
        RequestError: It cannot be graded; says why.
    """
    findings = Findings()
    problem = examine(listing, contents, findings)
    findings.raise_first()
    return problem


def examine(listing: Listing, contents: Mapping[str, bytes], findings: Findings) -> Problem:
    """Make a problem as far as it goes, and tell `findings` what is wrong; see `read`."""
    found = find_cases(listing.base, listing.files, findings)
    key = listing.root + PROBLEM_YAML
    in_secret = any(case.group.partition("/")[0] == SECRET for case in found)
    validator = find_validator(listing.root, listing.files, findings)
    yaml = read_problem_yaml(
        Document.parse(PROBLEM_YAML, contents.get(key, b""), findings),
        kattis=key in contents and in_secret,
        legacy_groups=any(key.endswith(f"/{LEGACY_GROUP_YAML}") for key in contents),
        has_validator=validator is not None,
    )
    documents = _group_documents(listing, contents, findings)
    cases, groups = group_cases(found, documents, yaml.rules, findings)
    problem = Problem(
        cases=tuple(case for case in cases if case.input_key.startswith(listing.cases)),
        groups=groups,
        settings=yaml.settings,
        validator=validator if yaml.custom_check else None,
    )
    _check(problem, listing, findings)
    return problem


def _group_documents(
    listing: Listing, contents: Mapping[str, bytes], findings: Findings
) -> dict[str, Document]:
    """Read the settings of groups, by the paths of their directories."""
    documents = {}
    for key, content in contents.items():
        path = key.removeprefix(listing.base)
        directory, _, name = path.rpartition("/")
        if path != key and name in GROUP_YAMLS:
            if directory in documents:
                findings.warn(f"{path}: a second settings file of this group, not used")
            else:
                documents[directory] = Document.parse(path, content, findings)
    return documents


def _check(problem: Problem, listing: Listing, findings: Findings) -> None:
    """Find what only shows when everything is put together."""
    if findings.errors:
        return
    if not problem.cases:
        what = f"no test case (*.in) below {listing.cases}"
        findings.error(what, ErrorCode.TEST_CASES_NOT_FOUND)
    elif not full_points(problem) > 0:
        findings.error("no case gives points, so nothing can be the whole score")
    for shortfall in shortfalls(problem):
        findings.warn(shortfall)
    for flags in {case.flags for case in problem.cases}:
        if len(flags) > _MOST_FLAGS or any(len(word.encode()) > _LONGEST_FLAG for word in flags):
            findings.error(f"validator_flags: more than {_MOST_FLAGS}, or one that is too long")
        if problem.validator is None:
            try:
                CompareOptions.from_flags(flags, case_sensitive=problem.settings.case_sensitive)
            except ValueError as error:
                findings.error(f"validator_flags: {error}")
