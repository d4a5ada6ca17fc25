"""Writes a smoke test as JUnit XML; pure."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from gradectl.smoke.report import FAILED, NOT_OBSERVABLE, SmokeReport, latencies
from grader.text import escape_controls

_NAME = "gradectl smoke"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: SmokeReport, environment: str) -> str:
    """
    Write one suite: a test case for each job, each check, the dead letters and the clean-up.

    Names do not change between runs, so that a CI system can compare them.

    Args:
        report: The report.
        environment: Name of the environment.
    """
    suite = _Suite(environment)
    numbers: dict[str, int] = {}
    for probe in report.probes:
        numbers[probe.queue] = numbers.get(probe.queue, 0) + 1
        failure = "" if probe.passed else f"hop {probe.failed_hop!r} failed: {probe.reason}"
        suite.add(probe.queue, f"job {numbers[probe.queue]}", probe.total_ms, failure=failure)
    for check in report.checks:
        failure = check.detail if check.outcome == FAILED else ""
        skipped = check.detail if check.outcome == NOT_OBSERVABLE else ""
        suite.add("checks", check.name, check.ms, failure=failure, skipped=skipped)
    letters = str(report.dead_letters) if report.dead_letters.ours else ""
    suite.add("traces", "no dead letters", 0.0, failure=letters)
    suite.add("traces", "nothing left behind", 0.0, skipped="\n".join(report.left_behind))
    lines = [
        f"{each.queue} {each.hop}: n={each.n} p50={each.p50_ms:.1f} ms"
        + ("" if each.p95_ms is None else f" p95={each.p95_ms:.1f} ms")
        + f" max={each.max_ms:.1f} ms"
        for each in latencies(report.probes)
    ]
    return suite.text("\n".join(lines))


def junit_of_error(text: str, environment: str) -> str:
    """Write a suite for an error that prevented the test."""
    suite = _Suite(environment)
    suite.add("environment", "can be tested", 0.0, error=text)
    return suite.text("")


class _Suite:
    """A test suite that counts its cases."""

    def __init__(self, environment: str) -> None:
        self._name = _plain(f"{_NAME} {environment}")
        self._suite = ET.Element("testsuite", name=self._name)
        self._seconds = 0.0

    def add(self, classname: str, name: str, ms: float, **outcomes: str) -> None:
        """Add a case; the first outcome that has a text, such as `failure`, is written."""
        self._seconds += ms / 1000
        about = {"classname": _plain(classname), "name": _plain(name), "time": f"{ms / 1000:.3f}"}
        case = ET.SubElement(self._suite, "testcase", about)
        for tag, text in outcomes.items():
            if text:
                kind = {} if tag == "skipped" else {"type": _NAME}
                ET.SubElement(case, tag, {"message": _plain(text), **kind}).text = _plain(text)
                return

    def text(self, output: str) -> str:
        """Return the document."""
        counts = {
            "tests": len(self._suite.findall("testcase")),
            "failures": len(self._suite.findall("testcase/failure")),
            "errors": len(self._suite.findall("testcase/error")),
            "skipped": len(self._suite.findall("testcase/skipped")),
        }
        about = {name: str(value) for name, value in counts.items()}
        about["time"] = f"{self._seconds:.3f}"
        suites = ET.Element("testsuites", {"name": _NAME, **about})
        self._suite.attrib.update(about)
        if output:
            ET.SubElement(self._suite, "system-out").text = _plain(output)
        suites.append(self._suite)
        ET.indent(suites)
        return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _plain(text: str) -> str:
    """Escape control characters, and replace what XML 1.0 does not allow."""
    return _NOT_IN_XML.sub("?", escape_controls(text))
