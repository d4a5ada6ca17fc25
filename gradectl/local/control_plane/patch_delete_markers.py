"""
Makes delete markers deletable in moto 5.2.

Without this patch a versioned bucket with a deleted object cannot be emptied, so Terraform cannot
destroy it: DeleteObjects answers 500 for a marker that is the last version of its key.
"""

from __future__ import annotations

from moto.s3.models import FakeDeleteMarker


def patch_delete_markers() -> None:
    """Add the method that moto calls when it removes a version; a marker has no file to close."""
    FakeDeleteMarker.dispose = _dispose  # type: ignore[attr-defined]  # it is what is missing


def _dispose(_marker: FakeDeleteMarker, garbage: bool = False) -> None:
    del garbage
