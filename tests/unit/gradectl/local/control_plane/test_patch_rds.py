"""The emulated RDS returns the settings of an instance, so that the next plan is empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from gradectl.local.control_plane.server import ControlPlane


@pytest.fixture
def rds() -> Iterator[Any]:
    """A client of an emulated RDS."""
    plane = ControlPlane()
    plane.start()
    client = boto3.client(
        "rds",
        endpoint_url=plane.url,
        region_name="eu-north-1",  # no other test creates a database there
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    yield client
    client.close()
    plane.stop()


def create(rds: Any, name: str, **more: Any) -> Any:
    answer = rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.m7g.large", Engine="mysql", **more
    )
    return answer["DBInstance"]


def test_parameters_of_a_group_have_the_source_user(rds: Any) -> None:
    """Terraform ignores parameters of another source, and would set them again."""
    group = {"DBParameterGroupName": "own", "DBParameterGroupFamily": "mysql8.4"}
    rds.create_db_parameter_group(**group, Description="own")
    parameter = {"ParameterName": "slow_query_log", "ParameterValue": "1"}

    rds.modify_db_parameter_group(
        DBParameterGroupName="own", Parameters=[{**parameter, "ApplyMethod": "immediate"}]
    )

    (stored,) = rds.describe_db_parameters(DBParameterGroupName="own")["Parameters"]
    assert stored == {**parameter, "ApplyMethod": "immediate", "Source": "user"}


def test_performance_insights_are_stored_and_changed(rds: Any) -> None:
    """By CreateDBInstance and by ModifyDBInstance."""
    first = create(
        rds, "insights", EnablePerformanceInsights=True, PerformanceInsightsRetentionPeriod=62
    )
    changed = rds.modify_db_instance(
        DBInstanceIdentifier="insights", EnablePerformanceInsights=False
    )["DBInstance"]

    assert first["PerformanceInsightsEnabled"]
    assert first["PerformanceInsightsRetentionPeriod"] == 62
    assert not changed["PerformanceInsightsEnabled"]


def test_each_instance_has_its_own_resource_id(rds: Any) -> None:
    """The AWS provider and IAM policies identify an instance by it."""
    ids = {create(rds, name)["DbiResourceId"] for name in ("one", "two")}

    assert len(ids) == 2
    for each in ids:
        filters = [{"Name": "dbi-resource-id", "Values": [each]}]
        assert len(rds.describe_db_instances(Filters=filters)["DBInstances"]) == 1
