"""Translates Terraform's diagnostics into one gradectl error with a next step."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from gradectl.adapters.terraform.events import Diagnostic
from gradectl.errors import (
    ConfigurationError,
    GradectlError,
    PermissionDeniedError,
    TryAgainError,
    UnreachableError,
)

_MIRROR = "set GRADECTL_PLUGIN_DIR to a folder with the provider, or allow access to the registry"
_EXISTS = "import it with an import block in the root, or delete it, and run it again"
#: Its detail says how to store the state by hand, which `gradectl recover` does.
_NOT_STORED = "Failed to persist state to backend"
#: Next step of errors without a known cause.
DEBUG = "set TF_LOG=debug and run it again"
#: Text in a summary or detail -> next step for a provider that cannot be installed.
_PROVIDERS = {
    "Failed to query available provider packages": _MIRROR,
    "Failed to install provider": _MIRROR,
    "no available releases match": (
        "add a matching version to the mirror, or run: terraform init -upgrade"
    ),
}


class ExistsError(GradectlError):
    """A resource to create exists, for example because an earlier run was stopped meanwhile."""


#: Text in a summary or detail -> error class and next step. The first match is used.
_KNOWN: tuple[tuple[str, type[GradectlError], str], ...] = (
    *((phrase, ConfigurationError, hint) for phrase, hint in _PROVIDERS.items()),
    ("NoSuchBucket", ConfigurationError, "gradectl bootstrap creates the state bucket"),
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
        "log in (aws sso login), set AWS_PROFILE, or add --profile",
    ),
    (
        "AccessDenied",
        PermissionDeniedError,
        "allow this action in the IAM policy",
    ),
    (
        "connection refused",
        UnreachableError,
        "check the endpoint, or run: gradectl local up",
    ),
    ("no such host", UnreachableError, "check the network and the endpoint"),
    ("Throttling", TryAgainError, "wait a moment and run it again"),
    *((word, ExistsError, _EXISTS) for word in ("AlreadyExists", "already exists")),
)


def killed(command: str, code: int) -> GradectlError:
    """
    Describe a Terraform that a signal ended, such as the kernel's when memory is short.

    Args:
        command: The sub-command.
        code: The negative number of the signal.
    """
    name = signal.Signals(-code).name
    text = f"Terraform was killed by {name}; the state may be incomplete"
    return GradectlError(text, where=f"terraform {command}", next_step="run it again to continue")


def failure(diagnostics: Sequence[Diagnostic], command: str, unlock: str) -> GradectlError:
    """
    Combine Terraform's errors into one.

    Args:
        diagnostics: The errors, in order of output.
        command: The sub-command that failed.
        unlock: The command that releases a lock, without the lock id.
    """
    if not diagnostics:
        text = f"terraform {command} failed without an error message"
        return GradectlError(text, where=f"terraform {command}", next_step=DEBUG)
    first = diagnostics[0]
    for diagnostic in diagnostics:
        if diagnostic.is_lock_conflict:
            return _locked(diagnostic, unlock)
    text = "\n".join(_described(item) for item in diagnostics if item.summary != _NOT_STORED)
    where = first.location or f"terraform {command}"
    for phrase, kind, next_step in _KNOWN:
        if any(phrase in f"{item.summary} {item.detail}" for item in diagnostics):
            return kind(text, where=where, next_step=next_step)
    return GradectlError(text, where=where, next_step=f"fix the cause; for details, {DEBUG}")


def provider_hint(diagnostic: Diagnostic) -> str:
    """Return the next step for a provider that cannot be installed; "" for other diagnostics."""
    text = f"{diagnostic.summary} {diagnostic.detail}"
    return next((hint for phrase, hint in _PROVIDERS.items() if phrase in text), "")


def _described(diagnostic: Diagnostic) -> str:
    """Format one error on one line."""
    detail = " ".join(diagnostic.detail.split())
    return f"{diagnostic.summary}: {detail}" if detail else diagnostic.summary


def _locked(diagnostic: Diagnostic, unlock: str) -> TryAgainError:
    """Name the holder of the lock, and how to release the lock of a dead run."""
    facts = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in diagnostic.detail.splitlines())
        if key.strip() in ("ID", "Who", "Operation", "Created")
    }
    held = ", ".join(f"{key} {value}" for key, value in facts.items()) or diagnostic.detail
    return TryAgainError(
        f"the state is locked: {held}",
        where="Terraform state",
        next_step=f"wait for the other run; only if it crashed: {unlock} {diagnostic.lock_id}",
    )
