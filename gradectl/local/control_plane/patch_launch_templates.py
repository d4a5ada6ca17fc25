"""
Keeps the tags of a launch template out of the template's data, where moto 5.2 puts them.

CreateLaunchTemplate takes them in the same form as tags for instances.  Terraform would read them
back as a `tag_specifications` block that the module does not have, and plan its removal each time.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion

_moto_create_version = LaunchTemplate.create_version


def create_version(
    template: LaunchTemplate, data: dict[str, Any], description: str
) -> LaunchTemplateVersion:
    """Create a version without the tags of the template; replaces moto's method."""
    specifications = data.get("TagSpecifications") or []
    kept = [each for each in specifications if each["ResourceType"] != "launch-template"]
    rest = {name: value for name, value in data.items() if name != "TagSpecifications"}
    return _moto_create_version(
        template, rest | ({"TagSpecifications": kept} if kept else {}), description
    )


def patch_launch_templates() -> None:
    """Install this function in this process."""
    LaunchTemplate.create_version = create_version  # type: ignore[assignment,method-assign]  # moto leaves no other way
