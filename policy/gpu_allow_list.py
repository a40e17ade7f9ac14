"""Which GPU pools may be used: by default those up to 48 GB."""

from __future__ import annotations

from pulumi_policy import PolicyConfigSchema, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from resource_types import ENDPOINTS

DEFAULT_POOLS = ["AMPERE_16", "AMPERE_24", "ADA_24", "AMPERE_48", "ADA_48_PRO"]


def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
    if args.resource_type not in ENDPOINTS:
        return
    allowed = args.get_config()["pools"]
    pools = (args.props.get("gpu") or {}).get("pools") or []
    refused = [pool for pool in pools if pool not in allowed]
    if refused:
        report_violation(f"{args.name} uses {', '.join(refused)}; allowed are {', '.join(allowed)}")


GPU_ALLOW_LIST = ResourceValidationPolicy(
    name="gpu-allow-list",
    description="Endpoints use the GPU pools that the organisation allows.",
    config_schema=PolicyConfigSchema(
        properties={"pools": {"type": "array", "items": {"type": "string"}, "default": DEFAULT_POOLS}}
    ),
    validate=validate,
)
