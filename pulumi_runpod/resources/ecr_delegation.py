"""`EcrDelegation`: RunPod may pull from an Amazon ECR repository. The policy on the AWS side is yours to set."""

from __future__ import annotations

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.resource import RunPodResource


class EcrDelegation(RunPodResource, name="EcrDelegation"):
    """A delegation for one repository. Any change makes a new one."""

    resource: pulumi.Output[str]
    name: pulumi.Output[str | None]
    delegator_user_id: pulumi.Output[str]
    aws_user: pulumi.Output[str]
    aws_region: pulumi.Output[str]
    repository: pulumi.Output[str]
    tag: pulumi.Output[str]
    docker_registry_uri: pulumi.Output[str | None]
    created_at: pulumi.Output[str]

    _implementation = providers.ECR_DELEGATION
    _input_names = ("name", "resource", "adopt_id")
    _output_names = (
        "delegator_user_id",
        "aws_user",
        "repository",
        "tag",
        "aws_region",
        "docker_registry_uri",
        "created_at",
    )

    def __init__(
        self,
        resource_name: str,
        *,
        resource: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        adopt_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource: ARN of the repository (`arn:aws:ecr:REGION:ACCOUNT:repository/NAME`).
        :param name: Default: the resource's name with a suffix that makes it unique.
        :param adopt_id: Id of an existing delegation to manage from now on, instead of creating one.
        """
        super().__init__(resource_name, {"name": name, "resource": resource, "adopt_id": adopt_id}, opts)
