"""Findings in the formats of CI systems."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.validation.findings import CaseOutcome, CheckOutcome, Finding, Validation, outcome
from gradectl.validation.formats import github, junit, markdown, sarif

WILD = Finding(
    "a b/x.tf",
    3,
    "100% wrong,\nreally: so",
    "CKV_1",
    help_url="https://h/1",
    title="Ensure it is right",
    fingerprint="f1",
)
REMARK = Finding("y.tf", 1, "not run", severity="note")
KNOWN = Finding("k.tf", 2, "old", known=True)
#: Property names that SARIF 2.1.0 (OASIS, section 3) allows in each object that is written, and
#: among them, after the bar, those that it requires.
SARIF_OBJECTS = {
    "log": "$schema runs version inlineExternalProperties properties | runs version",
    "run": "tool invocations results columnKind originalUriBaseIds language | tool",
    "tool": "driver extensions properties | driver",
    "driver": "name version informationUri rules semanticVersion organization | name",
    "rule": "id name shortDescription fullDescription help helpUri defaultConfiguration | id",
    "invocation": "executionSuccessful exitCode commandLine properties | executionSuccessful",
    "result": "ruleId ruleIndex level message locations kind partialFingerprints suppressions"
    " | message",
    "suppression": "kind justification guid location properties state | kind",
    "location": "id physicalLocation logicalLocations message | ",
    "physicalLocation": "artifactLocation region contextRegion address | ",
    "artifactLocation": "uri uriBaseId index description | ",
    "region": "startLine startColumn endLine endColumn snippet | ",
    "message": "text markdown id arguments | ",
}
#: Attributes that the schema of Ant (JUnit.xsd) requires in each element; it allows no others, but
#: for those after the bar. The schema of Jenkins (junit-10.xsd) allows all of these as well.
JUNIT_ELEMENTS = {
    "testsuites": " | ",
    "testsuite": "name package id timestamp hostname tests failures errors time | skipped",
    "properties": " | ",
    "property": "name value | ",
    "testcase": "name classname time | ",
    "failure": "type | message",
    "skipped": " | message",
    "system-out": " | ",
    "system-err": " | ",
}


def validation(*found: Finding) -> Validation:
    """A run with a failed, a passed and an inapplicable check."""
    bad = outcome("checkov", "It is safe", [CaseOutcome("all", 1.25, found)])
    good = outcome("fmt", "It has the form", [CaseOutcome("all", 0.5)])
    none = CheckOutcome("cfn-lint", "It is accepted", "not applicable", reason="there is none")
    return Validation("p", 2.0, (bad, good, none))


def objects(log: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All objects of a SARIF log with their kinds."""
    (run,) = log["runs"]
    found = [("log", log), ("run", run), ("tool", run["tool"]), ("driver", run["tool"]["driver"])]
    for rule in run["tool"]["driver"]["rules"]:
        found += [("rule", rule), ("message", rule["shortDescription"])]
        found += [("message", rule[name]) for name in ("fullDescription", "help") if name in rule]
    found += [("invocation", item) for item in run["invocations"]]
    for result in run["results"]:
        found += [("result", result), ("message", result["message"])]
        found += [("suppression", item) for item in result.get("suppressions", ())]
        for location in result["locations"]:
            place = location["physicalLocation"]
            found += [("location", location), ("physicalLocation", place)]
            found += [("artifactLocation", place["artifactLocation"]), ("region", place["region"])]
    return found


def test_junit_has_a_suite_per_check_and_a_case_per_subject() -> None:
    """CI systems count and chart them."""
    root = ET.fromstring(junit(validation(WILD, REMARK)))

    suites = {suite.get("name"): suite for suite in root.findall("testsuite")}
    assert list(suites) == ["checkov", "fmt", "cfn-lint"]
    assert [suites["checkov"].get(key) for key in ("tests", "failures", "skipped", "time")] == [
        "1",
        "1",
        "0",
        "1.250",
    ]
    failure = suites["checkov"].find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "CKV_1"
    assert (failure.text or "").startswith("a b/x.tf:3: CKV_1: 100% wrong")


def test_junit_has_one_failure_per_case_with_all_errors() -> None:
    """The schema allows one; CI systems would count or show only the last of several."""
    root = ET.fromstring(junit(validation(WILD, Finding("z.tf", 9, "too"), KNOWN, REMARK)))

    (failure,) = root.findall("testsuite[@name='checkov']/testcase/failure")
    assert failure.get("message") == (
        "2 errors; the first: a b/x.tf:3: CKV_1: 100% wrong, really: so"
    )
    assert failure.get("type") == "checkov"
    assert (failure.text or "").splitlines()[1] == "z.tf:9: too"
    remarks = root.find("testsuite[@name='checkov']/system-out")
    assert remarks is not None
    assert remarks.text == "known: k.tf:2: old\nnote: y.tf:1: not run"


def test_junit_with_known_errors_only_passes() -> None:
    """The baseline lists them."""
    root = ET.fromstring(junit(validation(KNOWN)))

    assert root.find("testsuite/testcase/failure") is None
    assert [suite.get("failures") for suite in root] == ["0", "0", "0"]


def test_junit_follows_its_schemas() -> None:
    """Elements in their order, with all attributes that are required and no others."""
    root = ET.fromstring(junit(validation(WILD, REMARK)))

    for element in root.iter():
        required, _, optional = JUNIT_ELEMENTS[element.tag].partition("|")
        assert set(required.split()) <= set(element.keys()), element.tag
        assert set(element.keys()) <= {*required.split(), *optional.split()}, element.tag
    for number, suite in enumerate(root):
        tags = [element.tag for element in suite]
        cases = ["testcase"] * int(suite.get("tests", "0"))
        assert tags == ["properties", *cases, "system-out", "system-err"]
        assert suite.get("id") == str(number)
        assert all(len(case) <= 1 for case in suite.findall("testcase"))


def test_junit_shows_skipped_checks_with_their_reason() -> None:
    """It must not look like a passed check."""
    root = ET.fromstring(junit(validation()))
    skipped = root.find("testsuite[@name='cfn-lint']/testcase/skipped")

    assert skipped is not None
    assert skipped.get("message") == "there is none"


@given(st.text(max_size=20))
def test_junit_is_always_valid_xml(text: str) -> None:
    """File names and messages may contain characters that XML does not allow."""
    root = ET.fromstring(junit(validation(Finding("x.tf", 1, text))))

    assert root.find("testsuite/testcase/failure") is not None


def test_sarif_has_only_what_the_standard_allows_and_all_that_it_requires() -> None:
    """GitHub rejects a whole log that violates the standard."""
    log = json.loads(sarif(validation(WILD, REMARK, KNOWN), "1.2.3"))

    for kind, item in objects(log):
        allowed, _, required = SARIF_OBJECTS[kind].partition("|")
        assert set(required.split()) <= item.keys() <= set(allowed.split()), kind
    assert log["version"] == "2.1.0"


def test_sarif_has_rule_level_and_location_of_each_finding() -> None:
    """The path is a relative URI, and the rule is found by its index."""
    (run,) = json.loads(sarif(validation(WILD, REMARK), "1.2.3"))["runs"]
    first, second = run["results"]

    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20b/x.tf", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3}
    assert (first["level"], second["level"]) == ("error", "note")
    rules = run["tool"]["driver"]["rules"]
    assert [rules[item["ruleIndex"]]["id"] for item in run["results"]] == [
        item["ruleId"] for item in run["results"]
    ]
    assert rules[1] == {"id": "checkov", "shortDescription": {"text": "It is safe"}}


def test_sarif_has_the_text_and_the_page_of_each_rule() -> None:
    """Reviewers see what a rule of checkov wants, and not that it is one of checkov."""
    log = json.loads(sarif(validation(WILD), "1.2.3"))
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]

    assert rule == {
        "id": "checkov/CKV_1",
        "shortDescription": {"text": "Ensure it is right"},
        "fullDescription": {"text": "Ensure it is right. Part of the check: It is safe."},
        "helpUri": "https://h/1",
        "help": {
            "text": "Ensure it is right: https://h/1",
            "markdown": "[CKV_1](https://h/1): Ensure it is right",
        },
    }


def test_sarif_suppresses_known_errors_and_has_fingerprints() -> None:
    """Code scanning follows an alert when its line moves."""
    run = json.loads(sarif(replace(validation(WILD, KNOWN), baseline="b.json"), "1"))["runs"][0]
    new, known = run["results"]

    assert new["partialFingerprints"] == {"gradectl/v1": "f1"}
    assert "suppressions" not in new
    assert known["suppressions"] == [{"kind": "external", "justification": "listed in b.json"}]


def test_sarif_says_whether_the_checks_could_run_and_how_long_each_took() -> None:
    """An empty list of results is not a success when a program was missing."""
    missing = Finding("p", 1, "checkov is not installed", "not-run", blocks=True)

    for found, successful in ((WILD, True), (missing, False)):
        (invocation,) = json.loads(sarif(validation(found), "1"))["runs"][0]["invocations"]
        assert invocation["executionSuccessful"] is successful
        assert invocation["properties"] == {"seconds": {"checkov": 1.25, "fmt": 0.5}}


def test_sarif_has_absolute_uris_for_files_outside_of_the_sources() -> None:
    """A root may call a module from anywhere on this machine."""
    (run,) = json.loads(sarif(validation(Finding("/m/x.tf", 1, "wrong")), "1.2.3"))["runs"]

    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///m/x.tf"}


def test_sarif_without_findings_is_a_valid_log() -> None:
    """It closes the alerts of the last run."""
    assert json.loads(sarif(validation(), "1.2.3"))["runs"][0]["results"] == []


def test_github_gets_one_escaped_command_per_finding() -> None:
    """A comma or a line feed would end a property or the command."""
    expected = (
        "::error file=a b/x.tf,line=3,title=checkov::CKV_1: 100%25 wrong,%0Areally: so\n"
        "::notice file=y.tf,line=1,title=checkov::not run\n"
    )

    assert github(validation(WILD, REMARK)) == expected


def test_github_and_the_summary_leave_out_known_errors() -> None:
    """Annotations are for what a change adds."""
    assert github(validation(KNOWN)) == ""
    assert "k.tf" not in markdown(validation(KNOWN))
    assert "all; 1 known" in markdown(validation(KNOWN))


@pytest.mark.parametrize(("path", "escaped"), [("a,b.tf", "a%2Cb.tf"), ("a:b.tf", "a%3Ab.tf")])
def test_github_paths_are_escaped(path: str, escaped: str) -> None:
    """File names may contain any character."""
    assert f"file={escaped},line=" in github(validation(Finding(path, 1, "x")))


@given(st.text(max_size=20))
def test_github_commands_are_always_one_line(text: str) -> None:
    """A message must not start a workflow command."""
    command = github(validation(Finding("x.tf", 1, text)))

    assert command.count("\n") == 1
    assert "\r" not in command


def test_github_commands_cannot_control_a_terminal() -> None:
    """The log of a job is shown on terminals; file names and messages may come from others."""
    command = github(validation(Finding("a\x1b[2J.tf", 1, "b\x9b2J \x07 c")))

    assert "file=a\\x1b[2J.tf," in command
    assert command.rstrip("\n").isprintable()


def test_the_summary_page_has_the_table_and_the_findings() -> None:
    """Reviewers see it first."""
    page = markdown(validation(Finding("x.tf", 1, "a | <b>")))

    assert "| checkov | failed | 1.2 s | all; 1 error |" in page
    assert "- x.tf:1: a \\| &lt;b>" in page
