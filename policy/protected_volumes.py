"""Volumes hold data: in the stacks that matter they must carry Pulumi's `protect`."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pulumi
from pulumi_policy import PolicyConfigSchema, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from resource_types import NETWORK_VOLUMES


def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    if args.resource_type not in NETWORK_VOLUMES or args.opts.protect:
        return
    stack = pulumi.get_stack()
    if any(fnmatchcase(stack, pattern) for pattern in args.get_config()["stacks"]):
        report_violation(
            f"{args.name} is not protected in stack {stack}: set protect (ResourceOptions(protect=True), or "
            "protect_volume=True of SdxlService)"
        )


PROTECTED_VOLUMES = ResourceValidationPolicy(
    name="protected-volumes",
    description="Network volumes of production stacks are protected from deletion.",
    config_schema=PolicyConfigSchema(
        properties={"stacks": {"type": "array", "items": {"type": "string"}, "default": ["prod", "prod-*"]}}
    ),
    validate=validate,
)
