"""
Corrects moto 5.2's launch templates: where their tags are kept, and the error of an unknown id.

CreateLaunchTemplate takes tags in the same form as tags for instances.  Terraform would read them
back as a `tag_specifications` block that the module does not have, and plan its removal each time.
The provider counts a template as deleted when AWS answers InvalidLaunchTemplateId.NotFound, where
moto answers InvalidLaunchTemplateName.NotFoundException.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidLaunchTemplateIdNotFound
from moto.ec2.models.launch_templates import (
    LaunchTemplate,
    LaunchTemplateBackend,
    LaunchTemplateVersion,
)

_moto_create_version = LaunchTemplate.create_version
_moto_delete = LaunchTemplateBackend.delete_launch_template


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


def delete_launch_template(
    backend: LaunchTemplateBackend, name: str, tid: str | None
) -> LaunchTemplate:
    """Delete a template, or raise the error of AWS for an unknown id; replaces moto's method."""
    if not name and tid is not None and tid not in backend.launch_templates:
        raise InvalidLaunchTemplateIdNotFound(tid)
    return _moto_delete(backend, name, tid)


def patch_launch_templates() -> None:
    """Install these functions in this process."""
    LaunchTemplate.create_version = create_version  # type: ignore[assignment,method-assign]  # moto leaves no other way
    LaunchTemplateBackend.delete_launch_template = delete_launch_template  # type: ignore[assignment,method-assign]  # as above
