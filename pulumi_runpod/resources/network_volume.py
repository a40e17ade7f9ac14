"""`NetworkVolume`: storage that outlives workers. Grows in place; never shrinks, moves or vanishes unasked."""

from __future__ import annotations

from typing import Literal

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.resource import RunPodResource

VolumeType = Literal["STANDARD", "HIGH_PERFORMANCE"]


class NetworkVolume(RunPodResource, name="NetworkVolume"):
    """A disk in one data center, mounted at `/runpod-volume` in every worker of an endpoint. Billed until deleted.

    Its id is the name of its S3 bucket. Deleting one that an endpoint still names is refused by the service.
    """

    name: pulumi.Output[str]
    size: pulumi.Output[int]
    data_center: pulumi.Output[str]
    type: pulumi.Output[str]

    _implementation = providers.NETWORK_VOLUME
    _input_names = ("name", "size", "data_center", "type", "allow_data_loss", "adopt_id", "adopt")

    def __init__(
        self,
        resource_name: str,
        *,
        size: pulumi.Input[int],
        data_center: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        type: pulumi.Input[VolumeType] | None = None,  # noqa: A002 - the API's word
        allow_data_loss: bool | None = None,
        adopt_id: pulumi.Input[str] | None = None,
        adopt: Literal["overwrite"] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param size: GB, 10-4096. A larger one grows the volume in place; a smaller one is refused.
        :param data_center: Id (`EU-RO-1`) of one that has volumes. Another one is refused.
        :param name: Default: the resource's name with a suffix that makes it unique.
        :param type: Default: the data center's primary tier, which is then in the outputs.
        :param allow_data_loss: True: what cannot be done in place is done with a new, empty volume. Default: it is
            refused.
        :param adopt_id: Id of an existing volume to manage from now on, instead of creating one. It keeps its name
            unless `name` is given.
        :param adopt: "overwrite": what the adopted object has that is not declared here may be changed. Default: an
            object that differs is refused, and the preview lists the differences.
        """
        props = {
            "name": name,
            "size": size,
            "data_center": data_center,
            "type": type,
            "allow_data_loss": allow_data_loss,
            "adopt_id": adopt_id,
            "adopt": adopt,
        }
        super().__init__(resource_name, props, opts)
