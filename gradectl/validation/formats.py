"""Findings in the formats of CI systems: JUnit, SARIF 2.1.0, GitHub."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

from gradectl.validation.findings import (
    CaseOutcome,
    CheckOutcome,
    Finding,
    Validation,
    grouped,
    listed,
    rows,
)
from grader.text import escape_controls

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_IN_SOURCES = {"uriBaseId": "%SRCROOT%"}
_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


def junit(validation: Validation) -> str:
    """
    Write a test suite for each check, with a test case for each subject.

    It is valid by the schema of Ant and by that of Jenkins: a test case has at most one failure.
    """
    suites = ET.Element("testsuites")
    for number, check in enumerate(validation.checks):
        cases = check.cases or (CaseOutcome(check.name, 0.0),)
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=check.name,
            package="gradectl.validate",
            id=str(number),
            timestamp=validation.started,
            hostname="localhost",
            tests=str(len(cases)),
            failures=str(sum(bool(case.errors) for case in cases)),
            errors="0",
            skipped=str(len(cases) - len(check.cases)),
            time=f"{check.seconds:.3f}",
        )
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", name="purpose", value=check.purpose)
        for case in cases:
            _junit_case(suite, check, case)
        remarks = [_junit_remark(item) for item in check.findings if not item.fails]
        ET.SubElement(suite, "system-out").text = _for_xml("\n".join(remarks))
        ET.SubElement(suite, "system-err")
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _junit_case(suite: ET.Element, check: CheckOutcome, case: CaseOutcome) -> None:
    """Write the test case of one subject, with all its errors in one failure."""
    about = {"classname": check.name, "name": _for_xml(case.subject), "time": f"{case.seconds:.3f}"}
    element = ET.SubElement(suite, "testcase", about)
    if not check.cases:
        ET.SubElement(element, "skipped", message=_for_xml(check.reason or check.status))
    if case.errors:
        rules = {finding.rule or check.name for finding in case.errors}
        text = [_for_xml(str(finding)) for finding in case.errors]
        message = text[0] if len(text) == 1 else f"{len(text)} errors; the first: {text[0]}"
        kind = rules.pop() if len(rules) == 1 else check.name
        ET.SubElement(element, "failure", message=message, type=kind).text = "\n".join(text)


def _junit_remark(finding: Finding) -> str:
    """Format a finding that does not fail."""
    return f"{'known' if finding.known else finding.severity}: {finding}"


def _for_xml(text: str) -> str:
    """Replace the characters that XML 1.0 does not allow."""
    return _NOT_IN_XML.sub("?", text)


def sarif(validation: Validation, version: str) -> str:
    """
    Write a SARIF 2.1.0 log with one run; paths are relative to the source root.

    Args:
        validation: The run.
        version: Version of gradectl.
    """
    purposes = {check.name: check.purpose for check in validation.checks}
    rules: dict[str, dict[str, Any]] = {}
    results = []
    for finding, checks in grouped(validation.checks).items():
        name = f"{checks[0]}/{finding.rule}" if finding.rule else checks[0]
        rules.setdefault(name, _sarif_rule(name, finding, purposes[checks[0]]))
        results.append(_sarif_result(finding, name, list(rules).index(name), validation.baseline))
    driver = {"name": "gradectl validate", "version": version, "rules": list(rules.values())}
    ran = not any(finding.blocks for check in validation.checks for finding in check.findings)
    seconds = {check.name: round(check.seconds, 3) for check in validation.checks if check.cases}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": ran, "properties": {"seconds": seconds}}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_rule(name: str, finding: Finding, purpose: str) -> dict[str, Any]:
    """Build the SARIF object of a rule: its own text and page, else the purpose of its check."""
    text = finding.title or purpose
    rule: dict[str, Any] = {"id": name, "shortDescription": {"text": text}}
    if finding.title:
        rule["fullDescription"] = {"text": f"{finding.title}. Part of the check: {purpose}."}
    if finding.help_url:
        rule["helpUri"] = finding.help_url
        markdown_text = f"[{finding.rule or name}]({finding.help_url}): {text}"
        rule["help"] = {"text": f"{text}: {finding.help_url}", "markdown": markdown_text}
    return rule


def _sarif_result(finding: Finding, rule: str, index: int, baseline: str) -> dict[str, Any]:
    """Build the SARIF object of a finding; those of the baseline are suppressed."""
    location = {"artifactLocation": _artifact(finding.path), "region": {"startLine": finding.line}}
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }
    if finding.fingerprint:
        result["partialFingerprints"] = {"gradectl/v1": finding.fingerprint}
    if finding.known:
        result["suppressions"] = [{"kind": "external", "justification": f"listed in {baseline}"}]
    return result


def _artifact(path: str) -> dict[str, str]:
    """Write a path as a SARIF artifact location; paths outside of the sources are absolute."""
    forbidden = '%#?[] "<>\\^`{|}'
    uri = "".join(f"%{ord(char):02X}" if char in forbidden else char for char in path)
    return {"uri": f"file://{uri}"} if path.startswith("/") else {"uri": uri, **_IN_SOURCES}


def github(validation: Validation) -> str:
    """Write workflow commands, which GitHub shows as annotations in the diff."""
    return "".join(
        f"::{_GITHUB[finding.severity]} file={_property(finding.path)},line={finding.line},"
        f"title={_property(', '.join(checks))}::{_data(_with_rule(finding))}\n"
        for finding, checks in listed(validation.checks).items()
    )


def _with_rule(finding: Finding) -> str:
    """Prefix the message with the rule."""
    return f"{finding.rule}: {finding.message}" if finding.rule else finding.message


def _data(text: str) -> str:
    """Escape the text of a workflow command; its log is shown on terminals, too."""
    return escape_controls(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(validation: Validation) -> str:
    """Write the job summary for GitHub."""
    lines = ["## gradectl validate", "", "| check | result | time | |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows(validation)]
    found = listed(validation.checks)
    if found:
        lines += ["", *(f"- {_cell(str(finding))}" for finding in found)]
    return "\n".join(lines) + "\n\n"


def _cell(text: str) -> str:
    """Escape a text for a Markdown table cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
