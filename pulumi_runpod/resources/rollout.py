"""`Rollout`: waits until a new endpoint serves. `Endpoint(rollout=...)` makes one; nothing else should need to."""

from __future__ import annotations

from typing import Any

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.resource import RunPodResource


class Rollout(RunPodResource, name="Rollout"):
    """The gate on the first release of an endpoint: its creation ends when the endpoint serves, or fails with a reason.

    Nothing of it exists at the service, so deleting it does nothing.
    """

    endpoint_id: pulumi.Output[str]
    timeout: pulumi.Output[int]
    smoke_input: pulumi.Output[Any]
    evidence: pulumi.Output[str]
    """`worker`: one is ready; `job`: the smoke job was done; `nothing`: `workers.min` is 0, and there was no job."""

    _implementation = providers.ROLLOUT
    _input_names = ("endpoint_id", "timeout", "smoke_input")
    _output_names = ("evidence",)

    def __init__(
        self,
        resource_name: str,
        *,
        endpoint_id: pulumi.Input[str],
        timeout: pulumi.Input[int] | None = None,
        smoke_input: pulumi.Input[Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param endpoint_id: The endpoint whose newest release must serve.
        :param timeout: Seconds for the whole wait, 10-7200. Default 600.
        :param smoke_input: Input of a job that must end COMPLETED. Default: none is run.
        """
        props = {"endpoint_id": endpoint_id, "timeout": timeout, "smoke_input": smoke_input}
        super().__init__(resource_name, props, opts)
