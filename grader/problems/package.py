"""
Reads a problem package from a listing of the bucket and its settings files; pure.

::

    <root>problem.yaml            optional: limits, comparison, scoring
    <root>testcases/...           cases; directories are groups, with their settings
    <root>output_validators/...   optional: a program that judges outputs

Our own layout and the packages of Kattis differ only in their defaults: a problem is a package if
it has a problem.yaml and a directory ``secret``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.contract.verdicts import ErrorCode
from grader.problems.cases import find_cases
from grader.problems.compare import CompareOptions
from grader.problems.document import Document
from grader.problems.findings import PackageReport
from grader.problems.group_yaml import SECRET
from grader.problems.groups import group_cases
from grader.problems.model import Problem, StoredFile
from grader.problems.output_validators import find_validator
from grader.problems.problem_yaml import PROBLEM_YAML, read_problem_yaml
from grader.problems.scoring import full_points, shortfalls

CASES = "testcases/"
LEGACY_GROUP_YAML = "testdata.yaml"
GROUP_YAMLS = (LEGACY_GROUP_YAML, "test_group.yaml")
#: Maximum size of a settings file.
MAX_YAML_BYTES = 1 << 18
#: Maximum number of flags on a validator's command line, and of bytes in each.
_MAX_FLAGS, _MAX_FLAG_BYTES = 32, 1024


@dataclass(frozen=True)
class Listing:
    """
    The objects of a problem.

    Args:
        root: Prefix of the problem, with a final slash.
        cases: Prefix of the cases to run, with a final slash; usually `root` + testcases/.
        files: All objects below both prefixes.
    """

    root: str
    cases: str
    files: tuple[StoredFile, ...]

    @property
    def base(self) -> str:
        """Prefix that is not part of the names of cases and groups."""
        ours = self.root + CASES
        return ours if self.cases.startswith(ours) else self.cases

    def settings_files(self) -> tuple[StoredFile, ...]:
        """Settings files, whose content `examine` needs."""
        return tuple(
            file
            for file in self.files
            if file.key == self.root + PROBLEM_YAML
            or (file.key.startswith(self.base) and file.key.rpartition("/")[2] in GROUP_YAMLS)
        )


def read(listing: Listing, contents: Mapping[str, bytes]) -> Problem:
    """
    Read a problem.

    Args:
        listing: Objects of the problem.
        contents: Content of each of `Listing.settings_files`, by key.

    Raises:
        RequestError: The problem cannot be graded; the message has the reason.
    """
    findings = PackageReport()
    problem = examine(listing, contents, findings)
    findings.raise_first()
    return problem


def examine(listing: Listing, contents: Mapping[str, bytes], findings: PackageReport) -> Problem:
    """Read a problem as far as possible, and add all errors to `findings`; see `read`."""
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
    listing: Listing, contents: Mapping[str, bytes], findings: PackageReport
) -> dict[str, Document]:
    """Parse the settings of groups, by directory."""
    documents = {}
    for key, content in contents.items():
        path = key.removeprefix(listing.base)
        directory, _, name = path.rpartition("/")
        if path != key and name in GROUP_YAMLS:
            if directory in documents:
                findings.warn(f"{path}: a second settings file of this group, ignored")
            else:
                documents[directory] = Document.parse(path, content, findings)
    return documents


def _check(problem: Problem, listing: Listing, findings: PackageReport) -> None:
    """Check the complete problem."""
    if findings.errors:
        return
    if not problem.cases:
        what = f"no test case (*.in) below {listing.cases}"
        findings.error(what, ErrorCode.TEST_CASES_NOT_FOUND)
    elif not full_points(problem) > 0:
        findings.error("no case gives points, so there is no full score")
    for shortfall in shortfalls(problem):
        findings.warn(shortfall)
    for flags in {case.flags for case in problem.cases}:
        if len(flags) > _MAX_FLAGS or any(len(word.encode()) > _MAX_FLAG_BYTES for word in flags):
            findings.error(f"validator_flags: more than {_MAX_FLAGS}, or one that is too long")
        if problem.validator is None:
            try:
                CompareOptions.from_flags(flags, case_sensitive=problem.settings.case_sensitive)
            except ValueError as error:
                findings.error(f"validator_flags: {error}")
