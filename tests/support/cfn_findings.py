"""What cfn-lint finds in a template of CloudFormation."""

from __future__ import annotations


def cfn_findings(text: str, region: str) -> list[str]:
    """List the findings in a region, also informational ones, as `rule message`."""
    # They import sympy: seconds for each process that collects the tests.
    from cfnlint import api  # noqa: PLC0415 - it takes seconds to import
    from cfnlint.config import ManualArgs  # noqa: PLC0415 - it takes seconds to import

    found = api.lint(text, config=ManualArgs(regions=[region], include_checks=["I"]))
    return [f"{match.rule.id} {match.message}" for match in found]
