"""Templates: container settings under a name. An endpoint copies one at birth and keeps no link to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pulumi_runpod.wire.container import ContainerRequest, ContainerResponse, CudaVersion
from pulumi_runpod.wire.model import INTEGRAL, Collection, Maybe, Request, Response, Text

TemplateCategory = Literal["CPU", "NVIDIA", "AMD"]


class PersistentMountRequest(Request):
    size: Annotated[int, Field(ge=10), INTEGRAL]
    """GB on the host of a pod; no use to an endpoint."""
    path: str


class TemplateMountsRequest(Request):
    persistent: Maybe[PersistentMountRequest] = None


class _TemplateSettings(ContainerRequest):
    allowed_cuda_versions: Maybe[list[CudaVersion]] = None
    category: Maybe[TemplateCategory] = None
    """Where the console files it; no other effect."""
    mounts: Maybe[TemplateMountsRequest] = None
    public: Maybe[bool] = None
    serverless: Maybe[bool] = None
    """True: for endpoints; false (the service's default): for pods."""
    start_jupyter: Maybe[bool] = None
    start_ssh: Maybe[bool] = None


class CreateTemplate(_TemplateSettings):
    name: Text
    image: str


class UpdateTemplate(_TemplateSettings):
    name: Maybe[Text] = None


class PersistentMount(Response):
    size: int
    path: str


class TemplateMounts(Response):
    persistent: PersistentMount | None = None


class Template(ContainerResponse):
    id: str
    name: str
    image: str
    mounts: TemplateMounts
    serverless: bool
    public: bool
    category: TemplateCategory | str
    start_ssh: bool
    start_jupyter: bool
    allowed_cuda_versions: list[str]


TEMPLATES = Collection(
    kind="template",
    path="/v2/templates",
    list_key="templates",
    read=Template,
    create=CreateTemplate,
    update=UpdateTemplate,
    paginated=True,
    secret_fields=frozenset({"env"}),
)
