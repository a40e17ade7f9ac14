"""The second adapter over the lifecycles: the plugin protocol's requests in, its answers out, no gRPC.

Properties have the schema's names (camelCase) outside and ours inside. An answer holds plain values, `Secret` around
what the engine must encrypt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.native.declaration import declaration, declared_names, says_the_same
from pulumi_runpod.native.kinds import Lifecycles, kind_of
from pulumi_runpod.native.preview import created_preview, updated_preview
from pulumi_runpod.native.structs import Secret
from pulumi_runpod.native.wording import in_schema_words
from pulumi_runpod.resources import adoption
from pulumi_runpod.resources.declaration import Declaration
from pulumi_runpod.resources.naming import prefix, stack_marker
from pulumi_runpod.resources.outcome import Differences, PartialFailure
from pulumi_runpod.resources.schema_names import camel, from_schema, to_schema
from pulumi_runpod.resources.tokens import KINDS, lifecycle_of_kind
from pulumi_runpod.resources.unchanged import DECLARED, replaces_nothing, unchanged_inputs

if TYPE_CHECKING:
    from pulumi_runpod.resources.api import Api
    from pulumi_runpod.wire.model import JsonObject

_MAPS_WITH_SECRETS = frozenset({"env"})
"""Secret fields whose inputs stay readable: the program marks the entries that are secret."""


@dataclass(frozen=True)
class Urn:
    """`urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`, in whose name colons may stand."""

    stack: str
    project: str
    token: str
    name: str

    @classmethod
    def parse(cls, urn: str) -> Urn:
        stack, project, types, name = urn.removeprefix("urn:pulumi:").split("::", 3)
        return cls(stack, project, types.rpartition("$")[2], name)


@dataclass(frozen=True)
class CheckAnswer:
    inputs: JsonObject
    reasons: list[str]


@dataclass(frozen=True)
class ReadAnswer:
    """`id` empty: the object is gone."""

    id: str
    outs: JsonObject
    inputs: JsonObject


class Adapter:
    """`api` gives the client of the configured account; `warn` shows a line at a resource (its URN).

    `require_key` raises `SettingsError` where the key is missing with which a kind (module of `resources.kinds`) is
    reached.
    """

    def __init__(
        self,
        lifecycles: Lifecycles,
        api: Callable[[], Api],
        warn: Callable[[str, str], None],
        *,
        require_key: Callable[[str], None],
    ) -> None:
        self._lifecycles, self._api, self._warn, self._require_key = lifecycles, api, warn, require_key

    def check(self, urn: str, olds: JsonObject, news: JsonObject) -> CheckAnswer:
        kind, declared = _kind(urn), from_schema(news)
        if kind in KINDS.values() and "name" not in declared and "adopt_id" not in declared:
            where = Urn.parse(urn)
            declared["auto_name"] = prefix(where.name, stack_marker(where.project, where.stack))
        if kind == "model_weights":
            declared.setdefault("path", f"models/{Urn.parse(urn).name}")
        olds = from_schema(olds)
        same = unchanged_inputs(kind, olds, declared)
        if same is not None:
            return CheckAnswer(self._inputs(kind, same), [])
        lifecycle = self._lifecycles.of(kind)
        checked = lifecycle.check(olds, declared)
        if kind in KINDS.values() and adoption.previews(olds, checked):
            checked = lifecycle_of_kind(kind).with_adoption(self._api(), declared, checked)
        elif not checked.failures:
            # What was declared anew needs a call sooner or later: a missing key stops the preview already.
            self._require_key(kind)
        self._tell(urn, checked.notices)
        reasons = [in_schema_words(str(failure)) for failure in checked.failures]
        return CheckAnswer(self._inputs(kind, checked.inputs), reasons)

    def diff(
        self, urn: str, object_id: str, olds: JsonObject, news: JsonObject, old_inputs: JsonObject
    ) -> list[str] | None:
        """Properties whose change replaces the object, None where nothing has changed.

        Otherwise it is for the engine to see what has, from the inputs.
        """
        kind, olds, news = _kind(urn), from_schema(olds), from_schema(news)
        if says_the_same(kind, from_schema(old_inputs), news):
            return None
        found = Differences()
        if not replaces_nothing(object_id, olds, news):
            found = self._lifecycles.of(kind).diff(object_id, olds, news)
        self._tell(urn, found.notices)
        return [camel(key) for key in found.replaces]

    def create(self, urn: str, news: JsonObject, *, preview: bool) -> tuple[str, JsonObject]:
        """Id and outputs. Raises `PartialFailure` where the object exists and is not as declared."""
        kind, news = _kind(urn), from_schema(news)
        if preview:
            return "", self._outs(kind, created_preview(kind, news))
        created = self._lifecycles.of(kind).create(self._api(), news, Declaration(urn))
        self._tell(urn, created.notices)
        return created.id, self._outs(kind, created.outs)

    def read(self, urn: str, object_id: str, olds: JsonObject) -> ReadAnswer:
        """`olds` are the last outputs, {} for an object that is imported or only looked up."""
        kind, olds = _kind(urn), from_schema(olds)
        found = self._lifecycles.of(kind).read(self._api(), object_id, olds)
        self._tell(urn, found.notices)
        if found.id is None:
            return ReadAnswer("", {}, {})
        inputs, outs = found.inputs, found.outs
        if not olds:
            inputs = declaration(kind, inputs)
            outs = {**outs, DECLARED: declared_names(kind, inputs, outs)}
        secret = self._lifecycles.of(kind).secret_fields
        hidden = {key: _strangers_hidden(v, olds.get(key)) if key in secret else v for key, v in inputs.items()}
        return ReadAnswer(found.id, self._outs(kind, outs), self._inputs(kind, hidden))

    def update(self, urn: str, object_id: str, olds: JsonObject, news: JsonObject, *, preview: bool) -> JsonObject:
        """Outputs. Raises as `create`."""
        kind, olds, news = _kind(urn), from_schema(olds), from_schema(news)
        if preview:
            return self._outs(kind, updated_preview(kind, olds, news))
        updated = self._lifecycles.of(kind).update(self._api(), object_id, olds, news)
        self._tell(urn, updated.notices)
        return self._outs(kind, updated.outs)

    def delete(self, urn: str, object_id: str, olds: JsonObject) -> None:
        self._lifecycles.of(_kind(urn)).delete(self._api(), object_id, from_schema(olds))

    def partial(self, urn: str, failure: PartialFailure) -> tuple[JsonObject, list[str]]:
        """Outputs and reasons of an object that the engine must record."""
        kind = _kind(urn)
        return self._outs(kind, failure.outs), [in_schema_words(reason) for reason in failure.reasons]

    def _outs(self, kind: str, outs: JsonObject) -> JsonObject:
        secret = self._lifecycles.of(kind).secret_fields
        return to_schema({key: Secret(value) if key in secret else value for key, value in outs.items()})

    def _inputs(self, kind: str, inputs: JsonObject) -> JsonObject:
        secret = SECRET_INPUTS.get(kind, frozenset())
        return to_schema({key: Secret(value) if key in secret else value for key, value in inputs.items()})

    def _tell(self, urn: str, notices: Iterable[str]) -> None:
        for notice in notices:
            self._warn(urn, in_schema_words(notice))


SECRET_INPUTS = {"registry_credential": frozenset({"username", "password"}), "secret": frozenset({"value"})}
"""By kind. Known without the models, so that an `up` without changes loads none; the schema's test compares them."""


def _kind(urn: str) -> str:
    """Raises `RunPodError` for a type that is not in the schema."""
    token = Urn.parse(urn).token
    kind = kind_of(token)
    if kind is None:
        raise RunPodError(f"{token} is not a type of this provider")
    return kind


def _strangers_hidden(value: object, known: object) -> object:
    """Entries that somebody set outside, marked secret: the program has not said that the state may show them."""
    if isinstance(value, dict):
        shown = known if isinstance(known, dict) else {}
        return {key: item if shown.get(key) == item else Secret(item) for key, item in value.items()}
    return value
