"""ECR delegations: no change and no GET by id. The ARN goes in and comes back in parts."""

# ruff: noqa: ARG002 - hooks take what some kind needs

from __future__ import annotations

import re

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.lifecycle import Lifecycle, OwnInputs
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.registry import DELEGATIONS, CreateDelegation

_ARN = re.compile(r"^arn:aws[\w-]*:ecr:[a-z0-9-]+:\d{12}:repository/\S+$")


class EcrDelegationInputs(OwnInputs, CreateDelegation):
    pass


class EcrDelegationLifecycle(Lifecycle):
    collection = DELEGATIONS
    inputs = EcrDelegationInputs

    def rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        resource = inputs.get("resource")
        if isinstance(resource, str) and not _ARN.match(resource):
            return [
                Failure(
                    "resource",
                    "is not the ARN of an ECR repository: arn:aws:ecr:REGION:ACCOUNT:repository/NAME, "
                    "with an account of 12 digits",
                )
            ]
        return []


LIFECYCLE = EcrDelegationLifecycle()
