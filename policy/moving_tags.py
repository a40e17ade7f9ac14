"""Images are named by digest or by a tag that names one build."""

from __future__ import annotations

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from resource_types import ENDPOINTS, TEMPLATES

from pulumi_runpod.planning.image_reference import moving_tag


def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    if args.resource_type not in ENDPOINTS | TEMPLATES:
        return
    image = args.props.get("image")
    # An image that is still to be built has no name yet in a preview.
    if isinstance(image, str) and image and (tag := moving_tag(image)) is not None:
        report_violation(f"{args.name} runs {image}, {tag}: name it by digest, or by its own tag for every build")


NO_MOVING_TAGS = ResourceValidationPolicy(
    name="no-moving-tags",
    description="Images are named by digest or by a tag that names one build.",
    validate=validate,
)
