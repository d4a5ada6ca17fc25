"""
Tags of a launch template, which moto 5.2 takes for a part of the template.

CreateLaunchTemplate is told them in the form of the tags for instances.  From the template's data
Terraform reads them back as a block that nobody wrote, so that the plan never settles.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion

_of_moto = LaunchTemplate.create_version


def create_version(
    template: LaunchTemplate, data: dict[str, Any], description: str
) -> LaunchTemplateVersion:
    """Make a version of a template without the tags of the template itself."""
    specifications = data.get("TagSpecifications") or []
    kept = [each for each in specifications if each["ResourceType"] != "launch-template"]
    rest = {name: value for name, value in data.items() if name != "TagSpecifications"}
    return _of_moto(template, rest | ({"TagSpecifications": kept} if kept else {}), description)


def keep_tags_of_templates_apart() -> None:
    """Let this stand in for moto's in this process."""
    LaunchTemplate.create_version = create_version  # type: ignore[assignment,method-assign]  # moto leaves no other way
