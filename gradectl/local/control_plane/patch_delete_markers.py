"""
Delete markers that can be deleted, which moto 5.2 forgets.

Without it a versioned bucket in which an object was ever deleted cannot be emptied, and so not
destroyed: DeleteObjects of a marker, when it is the last version of its key, ends in a 500.
"""

from __future__ import annotations

from moto.s3.models import FakeDeleteMarker


def patch_delete_markers() -> None:
    """Give a marker what moto calls when a version goes: there is no file behind it to close."""
    FakeDeleteMarker.dispose = _nothing  # type: ignore[attr-defined]  # it is what is missing


def _nothing(_marker: FakeDeleteMarker, garbage: bool = False) -> None:
    """Do nothing."""
    del garbage
