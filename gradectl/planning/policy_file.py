"""Reads environments/policy.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gradectl.environment import (
    FOLDER,
    StrictModel,
    names,
    near,
    read_mapping,
    validated,
)
from gradectl.errors import ConfigurationError, RefusedError
from gradectl.planning.policy import Allowance, Evaluation, IgnoredDrift, Policy, Rule

FILE = "policy.yaml"
#: The file as messages name it.
WHERE = f"{FOLDER}/{FILE}"
_Text = Annotated[str, Field(min_length=1)]
_Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Word = Literal["refuse", "allow"]


class _Rules(StrictModel):
    """What each rule does; `monthly_cost` is on when a limit is set."""

    data_loss: _Word = "refuse"
    public_exposure: _Word = "refuse"
    clear_secrets: _Word = "refuse"
    spot_in_exam_hours: _Word = "refuse"


class _Allow(StrictModel):
    """An exception from a rule."""

    rule: Rule
    resource: str = ""
    reason: _Text


class _Ignore(StrictModel):
    """A change outside of Terraform that is expected."""

    resource: _Text
    attributes: list[_Text] = Field(default_factory=list)
    reason: _Text


class _Section(StrictModel):
    """The keys of the file that an environment can override."""

    rules: _Rules = _Rules()
    max_monthly_usd: _Usd | None = None
    unknown_prices: _Word = "allow"
    allow: list[_Allow] = Field(default_factory=list)
    ignore_drift: list[_Ignore] = Field(default_factory=list)


class _File(_Section):
    """The whole file."""

    schema_version: Literal[1]
    environments: dict[str, _Section] = Field(default_factory=dict)


def read_policy(project_root: Path, environment_name: str) -> Policy | None:
    """
    Read the policy of an environment.

    The section of the environment overrides single values; its lists are added to the common ones.

    Args:
        project_root: The folder that holds environments/.
        environment_name: The environment.

    Returns:
        None when the project has no policy.

    Raises:
        ConfigurationError: The file is invalid, or names an environment that does not exist.
    """
    path = project_root / FOLDER / FILE
    if not path.exists():
        return None
    common = validated(_File, read_mapping(path, WHERE), WHERE)
    _check_names(common, names(project_root))
    own = common.environments.get(environment_name, _Section())
    rules = common.rules.model_copy(update=own.rules.model_dump(exclude_unset=True))
    scalars = own.model_dump(exclude_unset=True, include={"max_monthly_usd", "unknown_prices"})
    merged = common.model_copy(update=scalars)
    return Policy(
        rules=frozenset(
            Rule(name) for name, word in rules.model_dump().items() if word == "refuse"
        ),
        max_monthly_usd=merged.max_monthly_usd,
        refuse_unknown_prices=merged.unknown_prices == "refuse",
        allowances=tuple(
            Allowance(each.rule, each.resource, each.reason) for each in common.allow + own.allow
        ),
        ignored_drift=tuple(
            IgnoredDrift(each.resource, frozenset(each.attributes), each.reason)
            for each in common.ignore_drift + own.ignore_drift
        ),
    )


def enforce(evaluation: Evaluation) -> None:
    """
    Refuse what the policy refuses.

    Args:
        evaluation: The plan compared with the policy.

    Raises:
        RefusedError: There are violations; the error lists all of them.
    """
    if evaluation.violations:
        count = len(evaluation.violations)
        text = f"the policy refuses this plan ({count} {'reason' if count == 1 else 'reasons'}):\n"
        text += "\n".join(map(str, evaluation.violations))
        hint = f"change the configuration, or add the resource and a reason to allow in {WHERE}"
        raise RefusedError(text, where=WHERE, next_step=hint)


def _check_names(file: _File, known: list[str]) -> None:
    """A section for an environment that does not exist would be ignored without a word."""
    for name in file.environments:
        if name not in known:
            hint = near(name, known) or f"known: {', '.join(known)}"
            raise ConfigurationError(
                f"environments: there is no environment {name!r}", where=WHERE, next_step=hint
            )
