"""ECR delegations: an ARN goes in, its parts come back. They can be listed and revoked, not read one by one."""

from __future__ import annotations

import re

from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.wire.model import JsonObject, Request
from pulumi_runpod.wire.registry import DELEGATIONS, CreateDelegation

_ARN = re.compile(r"^arn:aws[a-z-]*:ecr:([a-z0-9-]+):(\d{12}):repository/([a-z0-9][a-z0-9._/-]*)(?::([\w.-]+))?$")


class DelegationRules(Rules[CreateDelegation, Request]):
    collection = DELEGATIONS

    def create(self, wanted: CreateDelegation) -> tuple[JsonObject, JsonObject]:
        arn = _ARN.match(wanted.resource)
        if arn is None:
            raise ProblemError(
                400, "resource is not the ARN of an ECR repository: arn:aws:ecr:REGION:ACCOUNT:repository/NAME"
            )
        region, account, repository, tag = arn.groups()
        body: JsonObject = {
            "name": wanted.name,
            "delegatorUserId": "user_local",
            "awsUser": account,
            "repository": repository,
            "tag": tag or "latest",
            "awsRegion": region,
            "dockerRegistryUri": f"{account}.dkr.ecr.{region}.amazonaws.com",
            "createdAt": self.platform.clock.timestamp(),
        }
        return body, {}
