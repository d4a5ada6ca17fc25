"""What Terraform's errors mean to a person: one error of ours for all that it printed."""

from __future__ import annotations

from collections.abc import Sequence

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.errors import (
    ConfigurationError,
    GradectlError,
    PermissionDeniedError,
    TryAgainError,
    UnreachableError,
)

_MIRROR = "set GRADECTL_PLUGIN_DIR to a folder that holds the provider, or allow the registry"
#: Words in a summary or detail -> what to do about a provider that cannot be had.
_PROVIDERS = {
    "Failed to query available provider packages": _MIRROR,
    "Failed to install provider": _MIRROR,
    "no available releases match": (
        "put a version that fits into the mirror, or run: terraform init -upgrade"
    ),
}
#: Words in a summary or detail -> the error it is, and what to do. The first that fits is taken.
_KNOWN: tuple[tuple[str, type[GradectlError], str], ...] = (
    *((words, ConfigurationError, hint) for words, hint in _PROVIDERS.items()),
    ("NoSuchBucket", ConfigurationError, "gradectl bootstrap makes the bucket of the state"),
    ("Invalid value for", ConfigurationError, "correct environment.yaml, then: gradectl render"),
    (
        "No value for required variable",
        ConfigurationError,
        "set it under variables: in environment.yaml, then: gradectl render",
    ),
    (
        "Value for undeclared variable",
        ConfigurationError,
        "correct the name in environment.yaml, then: gradectl render",
    ),
    (
        "No valid credential sources found",
        PermissionDeniedError,
        "log in (aws sso login), set AWS_PROFILE, or give --profile",
    ),
    ("AccessDenied", PermissionDeniedError, "allow this action to the identity that is used"),
    ("connection refused", UnreachableError, "check the endpoint; a local one: gradectl local up"),
    ("no such host", UnreachableError, "check the network and the endpoint"),
    ("Throttling", TryAgainError, "wait a little and run it again"),
)


def failure(diagnostics: Sequence[Diagnostic], command: str, unlock: str) -> GradectlError:
    """
    Make one error of what Terraform printed.

    Args:
        diagnostics: Its errors, in order.
        command: The sub-command that failed.
        unlock: The words of the command that releases a lock, without its id.
    """
    if not diagnostics:
        text = f"terraform {command} failed without saying why"
        return GradectlError(text, next_step="run it again with TF_LOG=debug in the environment")
    first = diagnostics[0]
    for diagnostic in diagnostics:
        if diagnostic.is_lock_conflict:
            return _locked(diagnostic, unlock)
    text = "\n".join(_described(diagnostic) for diagnostic in diagnostics)
    where = first.place or f"terraform {command}"
    for words, kind, next_step in _KNOWN:
        if any(words in f"{item.summary} {item.detail}" for item in diagnostics):
            return kind(text, where=where, next_step=next_step)
    return GradectlError(text, where=where)


def provider_hint(diagnostic: Diagnostic) -> str:
    """Say what to do when a provider cannot be had; nothing when that is not what it is about."""
    text = f"{diagnostic.summary} {diagnostic.detail}"
    return next((hint for words, hint in _PROVIDERS.items() if words in text), "")


def _described(diagnostic: Diagnostic) -> str:
    """Say one error on as few lines as Terraform's own."""
    detail = " ".join(diagnostic.detail.split())
    return f"{diagnostic.summary}: {detail}" if detail else diagnostic.summary


def _locked(diagnostic: Diagnostic, unlock: str) -> TryAgainError:
    """Say who holds the lock, and how to release it when nobody does."""
    facts = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in diagnostic.detail.splitlines())
        if key.strip() in ("ID", "Who", "Operation", "Created")
    }
    held = ", ".join(f"{key} {value}" for key, value in facts.items()) or diagnostic.detail
    return TryAgainError(
        f"the state is locked: {held}",
        where="Terraform state",
        next_step=f"wait for the other run; only if it is dead: {unlock} {diagnostic.lock_id}",
    )
