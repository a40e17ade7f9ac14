"""The thin Pulumi side: a dynamic provider that hands everything to the lifecycle of its kind.

Provider classes are stored in users' state by module and name, so they hold nothing and import nothing heavy: the
program that declares resources loads neither models nor client.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime import rpc

from pulumi_runpod.resources import adoption
from pulumi_runpod.resources.declaration import Declaration
from pulumi_runpod.resources.engine_end import end_with_engine
from pulumi_runpod.resources.outcome import Differences
from pulumi_runpod.resources.plausible_settings import are_plausible
from pulumi_runpod.resources.tokens import lifecycle_of_kind
from pulumi_runpod.resources.unchanged import replaces_nothing, unchanged_inputs
from pulumi_runpod.resources.values import UNKNOWN, replaced
from pulumi_runpod.resources.verdict import reported, urn_of_call

if TYPE_CHECKING:
    from pulumi_runpod.client import RunPodClient
    from pulumi_runpod.resources.lifecycle import Lifecycle
    from pulumi_runpod.wire.model import JsonObject

PROVIDER_KEY = "__provider"
CONFIG_KEYS = (
    "runpod:apiKey",
    "runpod:apiBaseUrl",
    "runpod:allowPlainHttp",
    "runpod:timeout",
    "runpod:acceptVanished",
    "runpod:allowNamesakes",
    "runpod:s3AccessKeyId",
    "runpod:s3SecretAccessKey",
    "runpod:s3EndpointUrl",
    "runpod:s3PartBytes",
)


class RunPodProvider(ResourceProvider):
    """One subclass per kind, in `providers.py`. Called from several threads."""

    # Stored by reference: there is nothing in it to hide.
    serialize_as_secret_always = False

    kind: ClassVar[str]
    """Module of `resources.kinds`."""

    def configure(self, req: ConfigureRequest) -> None:
        end_with_engine()
        # All of Pulumi and gRPC is loaded by now, and stays. Left to the collector, it walks all of that once more
        # while models and client are imported: a quarter of what those cost.
        if not gc.get_freeze_count():
            gc.freeze()
        # Nothing is judged here: an error would surface in `check` of the first resource, even in a preview.
        self._config = {key: _text(value) for key in CONFIG_KEYS if (value := req.config.get(key)) is not None}

    @reported
    def check(self, _olds: JsonObject, news: JsonObject) -> CheckResult:
        olds, declared = _from_engine(_olds), _from_engine(news)
        same = unchanged_inputs(self.kind, olds, declared)
        if same is not None:
            self._judge_settings()
            return CheckResult(same, [])
        checked = self._lifecycle.check(olds, declared)
        if adoption.previews(olds, checked):
            checked = self._lifecycle.with_adoption(self._api(), declared, checked)
        elif not checked.failures:
            self._refuse_without_key()
        _tell(checked.notices)
        # Without a property name: with one, the engine would print the property's value.
        failures = [CheckFailure("", str(failure)) for failure in checked.failures]
        return CheckResult(_to_engine(checked.inputs), failures)

    @reported
    def diff(self, _id: str, _olds: JsonObject, _news: JsonObject) -> DiffResult:
        olds, news = _from_engine(_olds), _from_engine(_news)
        found = Differences() if replaces_nothing(_id, olds, news) else self._lifecycle.diff(_id, olds, news)
        _tell(found.notices)
        # changes=None: the engine compares the inputs itself. So `replace_on_changes` works, and a provider class that
        # has moved is written to the state anew.
        return DiffResult(changes=None, replaces=list(found.replaces) or None)

    @reported
    def create(self, props: JsonObject) -> CreateResult:
        created = self._lifecycle.create(self._api(), _from_engine(props), Declaration(urn_of_call()))
        _tell(created.notices)
        return CreateResult(created.id, created.outs)

    @reported
    def read(self, id_: str, props: JsonObject) -> ReadResult:
        olds = _from_engine(props)
        found = self._lifecycle.read(self._api(), id_, olds)
        _tell(found.notices)
        if found.id is None:
            return ReadResult(None, {})
        hidden = {
            key: _strangers_hidden(value, olds.get(key)) if key in self._lifecycle.secret_fields else value
            for key, value in found.inputs.items()
        }
        return ReadResult(found.id, found.outs, hidden)

    @reported
    def update(self, _id: str, _olds: JsonObject, _news: JsonObject) -> UpdateResult:
        updated = self._lifecycle.update(self._api(), _id, _from_engine(_olds), _from_engine(_news))
        _tell(updated.notices)
        return UpdateResult(updated.outs)

    @reported
    def delete(self, _id: str, _props: JsonObject) -> None:
        self._lifecycle.delete(self._api(), _id, _from_engine(_props))

    def _refuse_without_key(self) -> None:
        """What was declared anew needs a call sooner or later. Raises `SettingsError`, in the preview already."""
        from pulumi_runpod.settings import Settings

        settings = Settings.load(self._config)
        _ = settings.s3_key if self.kind == "model_weights" else settings.key

    @property
    def _lifecycle(self) -> Lifecycle:
        return lifecycle_of_kind(self.kind)

    def _judge_settings(self) -> None:
        """Raises `SettingsError`: a mistake is refused by the first `up` that has it, not by the first that calls."""
        if not are_plausible(self._config):
            from pulumi_runpod.settings import Settings

            Settings.load(self._config)

    def _api(self) -> RunPodClient:
        from pulumi_runpod.client import client_for
        from pulumi_runpod.settings import Settings

        return client_for(Settings.load(self._config))


def _from_engine(props: JsonObject) -> JsonObject:
    def ours(value: object) -> object:
        match value:
            case pulumi.output.Unknown():
                return UNKNOWN
            case dict():
                return {key: ours(item) for key, item in value.items()}
            case list():
                return [ours(item) for item in value]
        return value

    return {key: ours(value) for key, value in props.items() if key != PROVIDER_KEY}


def _to_engine(props: JsonObject) -> JsonObject:
    return {key: replaced(value, put=lambda _: pulumi.output.UNKNOWN) for key, value in props.items()}


def _strangers_hidden(value: object, known: object) -> object:
    """Entries that somebody set outside, marked secret: nobody has said that they may be read in the state."""
    if isinstance(value, dict) and isinstance(known, dict):
        return {k: v if known.get(k) == v else rpc.wrap_rpc_secret(v) for k, v in value.items()}
    return value


def _tell(notices: Iterable[str]) -> None:
    for notice in notices:
        pulumi.log.warn(notice)


def _text(value: object) -> str:
    """An explicit provider's settings keep their type; those of a stack are text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
