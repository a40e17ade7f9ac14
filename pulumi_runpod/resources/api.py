"""What the resources need of the client. Types alone: a kind that has no workers loads nothing that mentions them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pulumi_runpod.settings import Settings
    from pulumi_runpod.wire.log import LogLine
    from pulumi_runpod.wire.model import Collection, Request, Response
    from pulumi_runpod.wire.release import Releases, Workers


class GateApi(Protocol):
    """What the gate of a roll-out needs."""

    @property
    def settings(self) -> Settings: ...
    def get(self, collection: Collection, object_id: str) -> Response: ...
    def workers(self, endpoint_id: str) -> Workers: ...
    def worker_logs(self, endpoint_id: str, worker_id: str, *, tail: int = ...) -> Sequence[LogLine]: ...


class ScaleDownApi(GateApi, Protocol):
    """What the question needs of who has scaled an endpoint down."""

    def releases(self, endpoint_id: str) -> Releases: ...


class Api(ScaleDownApi, Protocol):
    """What a lifecycle needs."""

    @property
    def key_digest(self) -> str: ...
    def create(self, collection: Collection, body: Request) -> Response: ...
    def find(self, collection: Collection, object_id: str, *, seen_with: str | None = ...) -> Response | None: ...
    def list(self, collection: Collection) -> Sequence[Response]: ...
    def first_list(self, collection: Collection) -> Sequence[Response]: ...
    def update(self, collection: Collection, object_id: str, body: Request) -> Response: ...
    def delete(self, collection: Collection, object_id: str, *, seen_with: str | None = ...) -> object: ...
