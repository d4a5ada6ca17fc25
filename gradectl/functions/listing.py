"""The functions of an environment, with what their last successful runs used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradectl.ui import Table
from grader.client.functions import StoredFunction
from grader.errors import RequestError
from grader.functions.memory_tip import memory_tip, suggested_mb
from grader.languages import find

_VERSION_LENGTH = 12


def describe_function(found: StoredFunction, peaks_mb: Sequence[int] | None) -> dict[str, Any]:
    """
    Describe a function for programs.

    Args:
        found: The function.
        peaks_mb: Peak memory of its last successful runs, MB; None: not known.
    """
    manifest = found.manifest
    least_mb = _least_mb(manifest.runtime) if manifest else 0
    return {
        "function_id": found.function_id,
        "runtime": manifest.runtime if manifest else None,
        "entry": manifest.entry if manifest else None,
        "memory_mb": manifest.memory_mb if manifest else None,
        "timeout_ms": manifest.timeout_ms if manifest else None,
        "version": manifest.version if manifest else None,
        "files": sorted(manifest.files) if manifest else [],
        "pushed_at": found.modified_at,
        "error": found.error or None,
        "runs": None if peaks_mb is None else len(peaks_mb),
        "peak_mb": max(peaks_mb) if peaks_mb else None,
        "suggested_mb": suggested_mb(max(peaks_mb), least_mb) if peaks_mb else None,
        "tip": memory_tip(manifest.memory_mb, peaks_mb or (), least_mb) if manifest else None,
    }


def function_table(functions: Sequence[dict[str, Any]], environment: str) -> Table:
    """Return the descriptions as a table, with the tips below."""
    rows = [
        (
            each["function_id"],
            each["runtime"] or "invalid",
            each["memory_mb"] or "",
            each["timeout_ms"] or "",
            (each["version"] or "")[:_VERSION_LENGTH],
            f"{each['pushed_at']:%Y-%m-%d %H:%M}" if each["pushed_at"] else "",
            "?" if each["runs"] is None else each["runs"],
            "" if each["peak_mb"] is None else each["peak_mb"],
        )
        for each in functions
    ]
    columns = (
        *("function", "runtime", "memory MB", "timeout ms", "version"),
        *("pushed (UTC)", "last runs", "peak MB"),
    )
    notes = [
        f"{each['function_id']}: {each['error'] or each['tip']}"
        for each in functions
        if each["error"] or each["tip"]
    ]
    title = f"{len(rows)} functions of {environment}" if rows else f"{environment} has no functions"
    return Table(columns, rows, title, "\n".join(notes))


def _least_mb(runtime: str) -> int:
    """Return what a runtime needs, MB; 0 for one that only newer workers know."""
    try:
        return find(runtime).least_memory_mb
    except RequestError:
        return 0
