"""Registry credentials and ECR delegations: how workers pull private images. They can be replaced, not changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from pulumi_runpod.wire.model import Collection, Request, Response


class CreateRegistry(Request):
    name: Annotated[str, StringConstraints(min_length=1, max_length=191)]
    username: Annotated[str, StringConstraints(min_length=1, max_length=191)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=16384)]


class Registry(Response):
    id: str
    name: str


REGISTRIES = Collection(
    kind="registry credential",
    path="/v2/registries",
    list_key="registries",
    read=Registry,
    create=CreateRegistry,
    secret_fields=frozenset({"username", "password"}),
)


class CreateDelegation(Request):
    resource: str
    """ARN of an ECR repository; not returned as such."""
    name: str | None = None


class EcrDelegation(Response):
    id: str
    name: str | None = None
    delegator_user_id: str
    aws_user: str
    repository: str
    tag: str
    aws_region: str
    docker_registry_uri: str | None = None
    created_at: datetime


DELEGATIONS = Collection(
    kind="ECR delegation",
    path="/v2/registries/delegations",
    list_key="delegations",
    read=EcrDelegation,
    create=CreateDelegation,
    get_by_id=False,
)
