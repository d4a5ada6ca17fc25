"""What people put in their tfvars plans as it stands, with the real provider."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.deploy.rendering import TFVARS, rendered
from gradectl.environment import load
from grader.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(__file__).parent / "samples"

pytestmark = pytest.mark.engine
Values = dict[str, dict[str, Any]]


def planned(plan: dict[str, Any]) -> Values:
    """The values of each resource that a plan would make, by address."""
    assert {change["change"]["actions"][0] for change in plan["resource_changes"]} <= {
        "create",
        "read",
    }
    return {change["address"]: change["change"]["after"] for change in plan["resource_changes"]}


def basics(values: Values) -> bool:
    """The service, its image and its bounds are those of the sample."""
    task = values["module.ecs_grading.aws_ecs_task_definition.this"]
    target = values["module.ecs_grading.aws_appautoscaling_target.this"]
    return (
        task["family"] == "production-grading-task"
        and values["module.ecs_grading.aws_ecs_service.this[0]"]["desired_count"] == 2
        and (target["min_capacity"], target["max_capacity"]) == (1, 10)
    )


def performance(values: Values) -> bool:
    """CPU and memory, given as strings, and the target of the sample."""
    task = values["module.ecs_grading.aws_ecs_task_definition.this"]
    policy = values['module.ecs_grading.aws_appautoscaling_policy.resource["cpu"]']
    (tracking,) = policy["target_tracking_scaling_policy_configuration"]
    return (task["cpu"], task["memory"], tracking["target_value"]) == ("1024", "2048", 60)


def cost(values: Values) -> bool:
    """One broker, and results that are deleted after 90 days."""
    rules = values["module.storage.aws_s3_bucket_lifecycle_configuration.this"]["rule"]
    (results,) = (rule for rule in rules if rule["id"] == "results")
    broker = values["module.messaging[0].aws_mq_broker.this[0]"]
    return broker["deployment_mode"] == "SINGLE_INSTANCE" and results["expiration"][0]["days"] == 90


def security(values: Values) -> bool:
    """Nothing is open, the audit log is on, old versions are kept."""
    versioning = values["module.storage.aws_s3_bucket_versioning.this"]
    ports = {
        rule["from_port"] for address, rule in values.items() if "_ingress_rule.role" in address
    }
    return (
        values["module.messaging[0].aws_mq_broker.this[0]"]["logs"][0]["audit"] == "true"
        and versioning["versioning_configuration"][0]["status"] == "Enabled"
        and not ports & {22, 8080}
    )


def worker_settings_are_known(values: Values) -> bool:
    """Everything the worker requires is set, and nothing is set that it does not read."""
    task = values["module.ecs_grading.aws_ecs_task_definition.this"]
    (container,) = json.loads(task["container_definitions"])
    told = {item["name"] for item in container["environment"]}
    fields = WorkerSettings.model_fields
    required = {name.upper() for name, field in fields.items() if field.is_required()}
    return required <= told <= {name.upper() for name in fields}


EFFECTS = [basics, performance, cost, security]


def var_file(effect: Callable[[Values], bool]) -> str:
    """The sample that has an effect."""
    return f"-var-file={SAMPLES / effect.__name__}.tfvars"


def test_the_settings_that_users_have_today_plan_together(planning_root: Any) -> None:
    """Each group of the contract is a whole tfvars file; together they do what each says."""
    samples = [var_file(effect) for effect in EFFECTS]

    values = planned(planning_root.plan(*samples, "-var=emulated=true"))

    assert [effect.__name__ for effect in EFFECTS if not effect(values)] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("effect", EFFECTS)
def test_the_settings_that_users_have_today_plan_as_they_stand(
    planning_root: Any, effect: Callable[[Values], bool]
) -> None:
    """Each group of the contract also does what it says alone."""
    values = planned(planning_root.plan(var_file(effect), "-var=emulated=true"))

    assert effect(values), json.dumps(values, indent=2)


@pytest.mark.parametrize("name", ["dev", "production"])
def test_an_environment_plans_from_its_file(planning_root: Any, tmp_path: Path, name: str) -> None:
    """What a person writes in environment.yaml is enough, in an account that is still empty."""
    files = rendered(ROOT, load(ROOT, name))
    tfvars = tmp_path / TFVARS
    tfvars.write_text(files[ROOT / "environments" / name / TFVARS])

    values = planned(planning_root.plan(f"-var-file={tfvars}", "-var=emulated=true"))

    database = values["module.database.aws_db_instance.this[0]"]
    assert values["module.storage.aws_s3_bucket.this"]["bucket"] == f"{name}-grading-files"
    assert database["deletion_protection"] is (name == "production")
    if name == "dev":  # its workers get URLs that are known after the apply: lives/dev.py
        assert 'module.sqs[0].aws_sqs_queue.this["requests"]' in values
        assert not [address for address in values if "aws_mq_broker" in address]
    if name == "production":
        assert worker_settings_are_known(values)
        assert_it_survives_a_zone_and_a_mistake(values)


def assert_it_survives_a_zone_and_a_mistake(values: Values) -> None:
    """Two of everything, no CPU credits, nothing to delete, and no restart outside of a window."""
    broker = values["module.messaging[0].aws_mq_broker.this[0]"]
    database = values["module.database.aws_db_instance.this[0]"]
    target = values["module.ecs_grading.aws_appautoscaling_target.this"]
    bucket = values["module.storage.aws_s3_bucket.this"]
    versioning = values["module.storage.aws_s3_bucket_versioning.this"]
    kinds = (broker["host_instance_type"], database["instance_class"])

    assert broker["deployment_mode"] == "ACTIVE_STANDBY_MULTI_AZ"
    assert database["multi_az"] is True
    assert target["min_capacity"] >= 2
    assert [kind for kind in kinds if re.search(r"\.t\d", kind)] == []
    assert (database["backup_retention_period"], database["skip_final_snapshot"]) == (14, False)
    assert (database["delete_automated_backups"], bucket["force_destroy"]) == (False, False)
    assert versioning["versioning_configuration"][0]["status"] == "Enabled"
    for each in (broker, database):
        assert each["apply_immediately"] is False
    assert broker["maintenance_window_start_time"][0]["day_of_week"] == "SUNDAY"
    assert database["maintenance_window"] == "sat:19:30-sat:20:30"  # Sunday morning in Korea
    assert 'module.monitoring.aws_sns_topic.this["this"]' in values


def test_flipped_switches_of_access_and_capacity_change_the_plan(planning_root: Any) -> None:
    """Access, capacity on EC2, logs and names by DNS are real, not only accepted."""
    flipped = {
        "enable_ecs_alb_access": "true",
        "enable_s3_lifecycle": "false",
        "enable_s3_versioning": "false",
        "enable_service_discovery": "true",
        "enable_ssh_access": "true",
        "mq_enable_audit_logs": "false",
        "use_fargate": "false",
    }
    words = [f"-var={name}={value}" for name, value in flipped.items()]

    values = planned(planning_root.plan(*words, "-var=emulated=true"))

    network, ecs, storage = "module.network", "module.ecs_grading", "module.storage"
    lifecycle = values[f"{storage}.aws_s3_bucket_lifecycle_configuration.this"]["rule"]
    versioning = values[f"{storage}.aws_s3_bucket_versioning.this"]["versioning_configuration"]
    assert f'{network}.aws_vpc_security_group_ingress_rule.role["web-to-worker-8080"]' in values
    assert f'{network}.aws_vpc_security_group_ingress_rule.ssh["10.0.0.0/16"]' in values
    assert f'{network}.aws_vpc_endpoint.interface["ecs-agent"]' in values
    assert f'{ecs}.aws_ecs_capacity_provider.this["this"]' in values
    assert f"{ecs}.aws_service_discovery_service.this[0]" in values
    assert values[f"{ecs}.aws_ecs_service.this[0]"].get("launch_type") is None
    assert worker_settings_are_known(values)
    assert values["module.messaging[0].aws_mq_broker.this[0]"]["logs"][0]["audit"] != "true"
    assert {rule["id"] for rule in lifecycle} == {"temp", "unfinished-uploads"}
    assert versioning[0]["status"] == "Suspended"
