"""The resources of the native provider: type tokens, and the lifecycle behind each with cancellable pauses."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from pulumi_runpod.resources.schema_names import NATIVE_PREFIX
from pulumi_runpod.resources.tokens import KINDS, lifecycle_of_kind

if TYPE_CHECKING:
    from pulumi_runpod.native.cancellation import Cancellation
    from pulumi_runpod.resources.api import Api
    from pulumi_runpod.resources.declaration import Declaration
    from pulumi_runpod.resources.outcome import Checked, Created, Differences, Found, Updated
    from pulumi_runpod.wire.model import JsonObject

RESOURCES = MappingProxyType({**KINDS, "Rollout": "rollout", "ModelWeights": "model_weights"})
"""Name in the schema -> module of `resources.kinds`."""
GATED = frozenset({"endpoint", "rollout"})


class AnyLifecycle(Protocol):
    """What every kind has, objects of the service or not."""

    @property
    def secret_fields(self) -> frozenset[str]: ...
    def check(self, olds: JsonObject, news: JsonObject) -> Checked: ...
    def diff(self, object_id: str, olds: JsonObject, news: JsonObject) -> Differences: ...
    def create(self, api: Api, news: JsonObject, declaration: Declaration = ..., /) -> Created: ...
    def read(self, api: Api, object_id: str, olds: JsonObject) -> Found: ...
    def update(self, api: Api, object_id: str, olds: JsonObject, news: JsonObject) -> Updated: ...
    def delete(self, api: Api, object_id: str, olds: JsonObject) -> None: ...


def kind_of(token: str) -> str | None:
    """Module of `resources.kinds` for a type token; None for a type that this provider does not have."""
    return RESOURCES.get(token.removeprefix(NATIVE_PREFIX)) if token.startswith(NATIVE_PREFIX) else None


class Lifecycles:
    """The lifecycles of one process. Each is made when first needed: most programs use few kinds."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._made: dict[str, AnyLifecycle] = {}

    def of(self, kind: str) -> AnyLifecycle:
        if kind not in self._made:
            self._made[kind] = self._new(kind)
        return self._made[kind]

    def _new(self, kind: str) -> AnyLifecycle:
        lifecycle: AnyLifecycle = type(lifecycle_of_kind(kind))(**self._gate(kind))
        if kind in KINDS:
            lifecycle.sleep = self._cancellation.sleep  # type: ignore[attr-defined]  # objects of the service have it
        return lifecycle

    def _gate(self, kind: str) -> JsonObject:
        if kind not in GATED:
            return {}
        from pulumi_runpod.resources.rollout_gate import Gate

        return {"gate": Gate(sleep=self._cancellation.sleep)}
