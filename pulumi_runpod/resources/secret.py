"""`Secret`: a value that workers get without its standing in any template or endpoint."""

from __future__ import annotations

from typing import Literal

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.resource import RunPodResource


class Secret(RunPodResource, name="Secret"):
    """A secret of the account. Put `placeholder` into an `env`: the value is filled in when a worker boots, so a new
    value needs new workers.
    """

    name: pulumi.Output[str]
    value: pulumi.Output[str]
    description: pulumi.Output[str | None]
    placeholder: pulumi.Output[str]
    """`{{ RUNPOD_SECRET_<name> }}`"""
    created_at: pulumi.Output[str]
    value_last_updated_at: pulumi.Output[str | None]

    _implementation = providers.SECRET
    _input_names = ("name", "value", "description", "adopt_id", "adopt")
    _output_names = ("placeholder", "created_at", "value_last_updated_at")
    _secret_names = ("value",)

    def __init__(
        self,
        resource_name: str,
        *,
        value: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        adopt_id: pulumi.Input[str] | None = None,
        adopt: Literal["overwrite"] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param value: Less than 16 MiB. Always secret in the state. A new value replaces the old one in place.
        :param name: 1-191 letters, digits and `_.-/`, not starting with RUNPOD; unique in the account. Another name is
            another secret. Default: the resource's name with a suffix that makes it unique.
        :param description: At most 65535 bytes. Default: none.
        :param adopt_id: Id of an existing secret to manage from now on, instead of creating one; its value becomes the
            one given here.
        :param adopt: "overwrite": what the adopted object has that is not declared here may be changed. Default: an
            object that differs is refused, and the preview lists the differences.
        """
        props = {
            "name": name,
            "value": pulumi.Output.secret(value),
            "description": description,
            "adopt_id": adopt_id,
            "adopt": adopt,
        }
        super().__init__(resource_name, props, opts)
