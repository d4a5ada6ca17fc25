"""
Adds the tag calls of Application Auto Scaling, which moto 5.2 lacks.

Without them the AWS provider retries ListTagsForResource of each scaling target for eight minutes.
"""

from __future__ import annotations

import json
from typing import Any

from moto.applicationautoscaling import urls
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.exceptions import JsonRESTError


class ResourceNotFoundError(JsonRESTError):
    """The error of AWS for a scaling target that does not exist."""

    def __init__(self, arn: str) -> None:
        super().__init__("ResourceNotFoundException", f"No scalable target found: {arn}")


class TaggedAutoScalingResponse(ApplicationAutoScalingResponse):
    """Moto's handlers plus tag calls; tags are stored on the scaling target itself."""

    def register_scalable_target(self) -> str:
        """Handle RegisterScalableTarget, and store its tags."""
        answer = super().register_scalable_target()
        self._tags(json.loads(answer)["ScalableTargetARN"]).update(self._get_param("Tags") or {})
        return answer

    def list_tags_for_resource(self) -> str:
        """Handle ListTagsForResource."""
        return json.dumps({"Tags": self._tags(self._get_param("ResourceARN"))})

    def tag_resource(self) -> str:
        """Handle TagResource."""
        self._tags(self._get_param("ResourceARN")).update(self._get_param("Tags") or {})
        return "{}"

    def untag_resource(self) -> str:
        """Handle UntagResource."""
        tags = self._tags(self._get_param("ResourceARN"))
        for key in self._get_param("TagKeys") or []:
            tags.pop(key, None)
        return "{}"

    def _tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a scaling target; a change to the dict changes the target."""
        for by_resource in self.applicationautoscaling_backend.targets.values():
            for target in by_resource.values():
                if target.arn == arn:
                    tags: dict[str, str] = _attributes(target).setdefault("tags", {})
                    return tags
        raise ResourceNotFoundError(arn)


def patch_autoscaling_tags() -> None:
    """Install these handlers in this process."""
    urls.url_paths["{0}/$"] = TaggedAutoScalingResponse.dispatch


def _attributes(target: object) -> dict[str, Any]:
    return target.__dict__
