"""Reads ``problem.yaml`` of the legacy format, the 2023-07 format or our own layout; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.problems.document import Document
from grader.problems.findings import PackageReport
from grader.problems.group_yaml import Form, GroupRules
from grader.problems.model import ProblemSettings

PROBLEM_YAML = "problem.yaml"
_LEGACY_VERSION = "legacy"
_MODERN_VERSIONS = ("2023-07", "2023-07-draft", "2025-09", "2025-09-draft", "draft")
_TYPES = ("pass-fail", "scoring")
#: Known keys that do not matter for judging.
_ABOUT = (
    *("uuid", "version", "author", "credits", "source", "source_url", "license", "rights_owner"),
    *("keywords", "embargo_until", "libraries"),
)
_MS = 1000  # in a second


@dataclass(frozen=True)
class ProblemYaml:
    """
    The content of problem.yaml.

    Args:
        settings: Limits and switches.
        rules: Scoring rules for all groups.
        custom_check: Whether the problem's output validator judges outputs.
    """

    settings: ProblemSettings
    rules: GroupRules
    custom_check: bool


def read_problem_yaml(
    document: Document, *, kattis: bool, legacy_groups: bool, has_validator: bool
) -> ProblemYaml:
    """
    Read problem.yaml; an empty document means defaults.

    Args:
        document: The settings; receives errors and warnings.
        kattis: Whether the problem is a package, with the defaults of its format.
        legacy_groups: Whether its groups have ``testdata.yaml``, as many packages that claim the
            2023-07 format do.
        has_validator: Whether the problem has an output validator.
    """
    version = document.text("problem_format_version") or _LEGACY_VERSION
    if version not in (_LEGACY_VERSION, *_MODERN_VERSIONS):
        document.warn("problem_format_version", f"{version!r} is unknown; read as the latest")
    modern = version != _LEGACY_VERSION
    types = document.words("type")
    scoring = _is_scoring(document, types)
    form = Form.LEGACY if legacy_groups or not modern else Form.MODERN
    form = form if kattis else Form.OWN
    validation = document.words("validation")
    custom = _is_custom(document, validation, has_validator=has_validator)
    flags = document.words("validator_flags")
    rules = GroupRules(form, scoring=scoring, by_share=not (kattis or types), flags=flags)
    custom_scores = custom and ("score" in validation or modern or not kattis)
    settings = ProblemSettings(
        title=_title(document.take("name")),
        case_sensitive=not kattis,
        custom_scores=custom_scores and (scoring or rules.by_share),
        gives_points=scoring or (custom_scores and rules.by_share),
        writable=document.switch("allow_file_writing"),
    )
    settings = _read_limits(document.section("limits"), settings)
    _read_grading(document.section("grading"))
    for key in ("languages", "constants"):
        if key in document and document.take(key) != "all":
            document.warn(key, "is not supported, ignored")
    document.ignore(*_ABOUT)
    document.close()
    return ProblemYaml(settings, rules, custom)


def summary_of(content: bytes) -> ProblemSettings:
    """Return the name and the limits of a problem; what is missing or invalid is not set."""
    document = Document.parse(PROBLEM_YAML, content, PackageReport())
    named = ProblemSettings(title=_title(document.take("name")))
    return _read_limits(document.section("limits"), named)


def _is_scoring(document: Document, types: tuple[str, ...]) -> bool:
    unsupported = [word for word in types if word not in _TYPES]
    if unsupported:
        document.wrong("type", f"{unsupported[0]!r} problems are not supported")
    if set(types) >= set(_TYPES):
        document.wrong("type", "cannot be both pass-fail and scoring")
    return "scoring" in types


def _is_custom(document: Document, validation: tuple[str, ...], *, has_validator: bool) -> bool:
    """Whether the output validator judges outputs; by default, if there is one."""
    if not validation:
        return has_validator
    kind, *more = validation
    if kind not in ("default", "custom") or not set(more) <= {"score", "interactive"}:
        document.wrong("validation", "must be default, custom, or custom score")
    if "interactive" in more:
        document.wrong("validation", "interactive problems are not supported")
    if kind == "custom" and not has_validator:
        document.wrong("validation", "custom, but output_validators/ has no program")
    if kind == "default" and has_validator:
        document.warn("validation", "default, so the program in output_validators/ is ignored")
    return kind == "custom" and has_validator


def _read_limits(limits: Document, settings: ProblemSettings) -> ProblemSettings:
    """Read the limits, in the units of `ProblemSettings`."""
    factors = limits.section("time_multipliers")
    accepted = factors.number("ac_to_time_limit", least=1) or limits.number("time_multiplier")
    too_slow = factors.number("time_limit_to_tle", least=1) or limits.number("time_safety_margin")
    factors.close()
    read = replace(
        settings,
        time_limit_ms=limits.amount("time_limit", _MS),
        memory_limit_mb=limits.amount("memory"),
        output_limit_mb=limits.amount("output"),
        source_limit_kb=limits.amount("code"),
        compile_time_ms=limits.amount("compilation_time", _MS),
        compile_memory_mb=limits.amount("compilation_memory"),
        check_time_ms=limits.amount("validation_time", _MS),
        check_memory_mb=limits.amount("validation_memory"),
        check_output_mb=limits.amount("validation_output"),
        accepted_factor=accepted or settings.accepted_factor,
        too_slow_factor=too_slow or settings.too_slow_factor,
    )
    limits.ignore("time_resolution", "validation_passes")
    limits.close()
    return read


def _read_grading(grading: Document) -> None:
    if grading.choice("objective", ("min", "max")) == "min":
        grading.wrong("objective", "min is not supported: more points are always better")
    grading.ignore("show_test_data_groups", "custom_scoring")
    grading.close()


def _title(name: object) -> str:
    """Return the name, in English if there are several."""
    if isinstance(name, dict):
        name = name.get("en") or next(iter(name.values()), "")
    return "" if name is None else str(name)
