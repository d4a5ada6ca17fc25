"""Names of an environment's resources, with which commands find them without Terraform."""

from __future__ import annotations


def broker_name(environment_name: str) -> str:
    """The broker."""
    return f"{environment_name}-grading-mq"


def cluster_name(environment_name: str) -> str:
    """The ECS cluster of the workers."""
    return f"{environment_name}-grading-cluster"


def service_name(environment_name: str) -> str:
    """The ECS service of the workers."""
    return f"{environment_name}-grading-service"


def database_user_role(environment_name: str) -> str:
    """The role of the task that creates the application user of the database."""
    return f"{environment_name}-grading-database-user"
