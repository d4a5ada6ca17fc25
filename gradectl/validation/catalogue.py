"""All checks in the order in which they start: quick ones first, for early failures."""

from __future__ import annotations

from gradectl.validation.checks import (
    broker_xml,
    cfn_lint,
    checkov,
    configuration,
    fmt,
    mocked_tests,
    module_versions,
    plan,
    policies,
    readmes,
    reference,
    rendered,
    unused,
)
from gradectl.validation.model import Check

CHECKS: tuple[Check, ...] = (
    fmt.CHECK,
    policies.CHECK,
    unused.CHECK,
    module_versions.CHECK,
    rendered.CHECK,
    readmes.CHECK,
    configuration.INIT,
    checkov.CHECK,
    cfn_lint.CHECK,
    reference.CHECK,
    broker_xml.CHECK,
    configuration.VALIDATE,
    plan.CHECK,
    mocked_tests.CHECK,
)
NAMES = tuple(check.name for check in CHECKS)
