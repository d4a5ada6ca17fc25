"""
Stores the settings of an RDS instance that moto 5.2 drops, so that Terraform plans no change.

Parameters of a group come back without `Source: user`, Performance Insights are not stored, and
all instances share one resource id, by which the AWS provider finds an instance.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend

_INSIGHTS = "enable_performance_insights"
_ID_BYTES = 16

_moto_init = DBInstance.__init__
_moto_update = DBInstance.update
_moto_update_parameters = DBParameterGroup.update_parameters


def init(
    instance: DBInstance,
    backend: RDSBackend,
    db_instance_identifier: str,
    **more: Any,  # noqa: ANN401 - what moto takes
) -> None:
    """Create an instance with its own resource id and its Performance Insights."""
    _moto_init(instance, backend, db_instance_identifier, **more)
    name = f"{backend.account_id}/{backend.region_name}/{instance.db_instance_identifier}"
    digest = hashlib.sha256(name.encode()).digest()[:_ID_BYTES]
    instance.dbi_resource_id = "db-" + base64.b32encode(digest).decode().rstrip("=")
    _store_insights(instance, more)


def update(instance: DBInstance, **changes: Any) -> None:  # noqa: ANN401 - what moto takes
    """Change an instance, including its Performance Insights."""
    _moto_update(instance, **changes)
    _store_insights(instance, changes)


def update_parameters(group: DBParameterGroup, parameters: Iterable[dict[str, Any]]) -> None:
    """Set parameters with the source `user`."""
    _moto_update_parameters(group, [{**each, "Source": "user"} for each in parameters])


def _store_insights(instance: DBInstance, settings: dict[str, Any]) -> None:
    """Store the Performance Insights of a call under the member names of the answer."""
    stored = {
        name: value for name, value in settings.items() if name.startswith("performance_insights")
    }
    if settings.get(_INSIGHTS) is not None:
        stored["performance_insights_enabled"] = settings[_INSIGHTS]
    vars(instance).update(stored)


def patch_rds() -> None:
    """Install these functions in this process."""
    DBInstance.__init__ = init  # type: ignore[assignment,method-assign]  # moto leaves no other way
    DBInstance.update = update  # type: ignore[assignment,method-assign]  # as above
    DBParameterGroup.update_parameters = update_parameters  # type: ignore[assignment,method-assign]  # as above
