"""What a database is told stays told, so that the next plan has nothing to say."""

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
        region_name="eu-north-1",  # no other test makes a database there
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    yield client
    client.close()
    plane.stop()


def made(rds: Any, name: str, **more: Any) -> Any:
    answer = rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.m7g.large", Engine="mysql", **more
    )
    return answer["DBInstance"]


def test_parameters_of_a_group_are_a_users_own(rds: Any) -> None:
    """Terraform takes others for defaults, and sets its own again."""
    group = {"DBParameterGroupName": "own", "DBParameterGroupFamily": "mysql8.4"}
    rds.create_db_parameter_group(**group, Description="own")
    parameter = {"ParameterName": "slow_query_log", "ParameterValue": "1"}

    rds.modify_db_parameter_group(
        DBParameterGroupName="own", Parameters=[{**parameter, "ApplyMethod": "immediate"}]
    )

    (kept,) = rds.describe_db_parameters(DBParameterGroupName="own")["Parameters"]
    assert kept == {**parameter, "ApplyMethod": "immediate", "Source": "user"}


def test_performance_insights_are_kept_and_changed(rds: Any) -> None:
    """From the start, and when they are changed."""
    first = made(
        rds, "insights", EnablePerformanceInsights=True, PerformanceInsightsRetentionPeriod=62
    )
    changed = rds.modify_db_instance(
        DBInstanceIdentifier="insights", EnablePerformanceInsights=False
    )["DBInstance"]

    assert first["PerformanceInsightsEnabled"]
    assert first["PerformanceInsightsRetentionPeriod"] == 62
    assert not changed["PerformanceInsightsEnabled"]


def test_each_instance_has_a_resource_id_of_its_own(rds: Any) -> None:
    """The provider finds an instance by it, and IAM names it by it."""
    ids = {made(rds, name)["DbiResourceId"] for name in ("one", "two")}

    assert len(ids) == 2
    for each in ids:
        filters = [{"Name": "dbi-resource-id", "Values": [each]}]
        assert len(rds.describe_db_instances(Filters=filters)["DBInstances"]) == 1
