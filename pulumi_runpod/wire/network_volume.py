"""Network volumes: storage that outlives workers, bound to one data center, billed until deleted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from pulumi_runpod.wire.model import INTEGRAL, Collection, Maybe, Request, Response, Text

VolumeType = Literal["STANDARD", "HIGH_PERFORMANCE"]
MIN_SIZE_GB, MAX_SIZE_GB = 10, 4096
VolumeSize = Annotated[int, Field(ge=MIN_SIZE_GB, le=MAX_SIZE_GB), INTEGRAL]


class CreateNetworkVolume(Request):
    name: Text
    """Not unique on the service."""
    size: VolumeSize
    """GB; grows, never shrinks."""
    data_center: Text
    type: Maybe[VolumeType] = None
    """Left out, the data center's primary tier is taken: read it back."""


class UpdateNetworkVolume(Request):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Maybe[Text] = None
    size: Maybe[VolumeSize] = None

    @model_validator(mode="after")
    def _says_something(self) -> UpdateNetworkVolume:
        if not self.model_fields_set:
            raise PydanticCustomError("min_properties", "minProperties: got 0, want 1")
        return self


class NetworkVolume(Response):
    id: str
    name: str
    size: int
    data_center: str
    type: VolumeType | str


NETWORK_VOLUMES = Collection(
    kind="network volume",
    path="/v2/network-volumes",
    list_key="networkVolumes",
    read=NetworkVolume,
    create=CreateNetworkVolume,
    update=UpdateNetworkVolume,
)
