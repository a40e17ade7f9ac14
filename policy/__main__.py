"""The policy pack: `pulumi up --policy-pack policy --policy-pack-config rules.json`. Mandatory unless configured."""

from __future__ import annotations

from cost_ceiling import ENDPOINT_CEILING, STACK_CEILING
from gpu_allow_list import GPU_ALLOW_LIST
from moving_tags import NO_MOVING_TAGS
from protected_volumes import PROTECTED_VOLUMES
from pulumi_policy import EnforcementLevel, PolicyPack

PolicyPack(
    name="runpod",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[GPU_ALLOW_LIST, PROTECTED_VOLUMES, NO_MOVING_TAGS, ENDPOINT_CEILING, STACK_CEILING],
)
