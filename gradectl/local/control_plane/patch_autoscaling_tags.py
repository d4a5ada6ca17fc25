"""
The tag calls of Application Auto Scaling, which moto 5.2 lacks.

Without them the AWS provider asks for the tags of each scaling target for eight minutes.
"""

from __future__ import annotations

import json
from typing import Any

from moto.applicationautoscaling import urls
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.exceptions import JsonRESTError


class ResourceNotFoundError(JsonRESTError):
    """Answers as AWS does for a scaling target that is not there."""

    def __init__(self, arn: str) -> None:
        """Name the missing target."""
        super().__init__("ResourceNotFoundException", f"No scalable target found: {arn}")


class TaggedAutoScalingResponse(ApplicationAutoScalingResponse):
    """Moto's answers, and those about tags; the tags live as long as the scaling target."""

    def register_scalable_target(self) -> str:
        """Keep the tags that come with a registration."""
        answer = super().register_scalable_target()
        self._tags(json.loads(answer)["ScalableTargetARN"]).update(self._get_param("Tags") or {})
        return answer

    def list_tags_for_resource(self) -> str:
        """Answer ListTagsForResource."""
        return json.dumps({"Tags": self._tags(self._get_param("ResourceARN"))})

    def tag_resource(self) -> str:
        """Answer TagResource."""
        self._tags(self._get_param("ResourceARN")).update(self._get_param("Tags") or {})
        return "{}"

    def untag_resource(self) -> str:
        """Answer UntagResource."""
        tags = self._tags(self._get_param("ResourceARN"))
        for key in self._get_param("TagKeys") or []:
            tags.pop(key, None)
        return "{}"

    def _tags(self, arn: str) -> dict[str, str]:
        """Give the tags of a scaling target, which are kept on moto's own object."""
        for by_resource in self.applicationautoscaling_backend.targets.values():
            for target in by_resource.values():
                if target.arn == arn:
                    tags: dict[str, str] = _attributes(target).setdefault("tags", {})
                    return tags
        raise ResourceNotFoundError(arn)


def add_tag_calls() -> None:
    """Let these answers stand in for moto's in this process."""
    urls.url_paths["{0}/$"] = TaggedAutoScalingResponse.dispatch


def _attributes(target: object) -> dict[str, Any]:
    return target.__dict__
