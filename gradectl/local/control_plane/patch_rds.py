"""
What moto 5.2 forgets of a database: Terraform would set it again with every plan.

The parameters of a group come back without the word that a user has set them.  Performance
Insights are not kept.  All instances have one resource id, by which the provider looks for one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from moto.rds.models import DBInstance, DBParameterGroup, RDSBackend

_INSIGHTS = "enable_performance_insights"
_ID_BYTES = 16

_made_by_moto = DBInstance.__init__
_updated_by_moto = DBInstance.update
_parameters_by_moto = DBParameterGroup.update_parameters


def make(
    instance: DBInstance,
    backend: RDSBackend,
    db_instance_identifier: str,
    **more: Any,  # noqa: ANN401 - what moto takes
) -> None:
    """Make an instance that has an id of its own and knows its Performance Insights."""
    _made_by_moto(instance, backend, db_instance_identifier, **more)
    name = f"{backend.account_id}/{backend.region_name}/{instance.db_instance_identifier}"
    digest = hashlib.sha256(name.encode()).digest()[:_ID_BYTES]
    instance.dbi_resource_id = "db-" + base64.b32encode(digest).decode().rstrip("=")
    _keep_insights(instance, more)


def update(instance: DBInstance, **changes: Any) -> None:  # noqa: ANN401 - what moto takes
    """Change an instance, its Performance Insights too."""
    _updated_by_moto(instance, **changes)
    _keep_insights(instance, changes)


def update_parameters(group: DBParameterGroup, parameters: Iterable[dict[str, Any]]) -> None:
    """Set parameters, and remember that a user has."""
    _parameters_by_moto(group, [{**each, "Source": "user"} for each in parameters])


def _keep_insights(instance: DBInstance, said: dict[str, Any]) -> None:
    """Keep what a call says of them, under the names that an answer has."""
    kept = {name: value for name, value in said.items() if name.startswith("performance_insights")}
    if said.get(_INSIGHTS) is not None:
        kept["performance_insights_enabled"] = said[_INSIGHTS]
    vars(instance).update(kept)


def remember_databases() -> None:
    """Let these stand in for moto's in this process."""
    DBInstance.__init__ = make  # type: ignore[assignment,method-assign]  # moto leaves no other way
    DBInstance.update = update  # type: ignore[assignment,method-assign]  # as above
    DBParameterGroup.update_parameters = update_parameters  # type: ignore[assignment,method-assign]  # as above
