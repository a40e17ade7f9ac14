"""A stack's exported state with its resources of one provider turned into those of the other. RunPod is not asked.

Works on a deployment with secrets in clear (`pulumi stack export --show-secrets`), which `pulumi stack import` encrypts
again. Objects keep their ids; type tokens, URNs, provider references and names of properties change.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_runpod.native.config import KEYS
from pulumi_runpod.native.kinds import RESOURCES
from pulumi_runpod.resources.schema_names import (
    NATIVE_PACKAGE,
    NATIVE_PREFIX,
    camel,
    from_schema,
    snake,
    to_schema,
)
from pulumi_runpod.resources.tokens import TYPE_PREFIX

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

PROVIDER_KEY = "__provider"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_DYNAMIC_PROVIDER, _NATIVE_PROVIDER = "pulumi:providers:pulumi-python", f"pulumi:providers:{NATIVE_PACKAGE}"
_DEFAULT = "::default"
_NAMED_PROPERTIES = ("additionalSecretOutputs", "ignoreChanges", "replaceOnChanges")


@dataclass(frozen=True)
class Migrated:
    """`deployment` is what to import; `urns` maps old URNs to new ones, in the order of the state."""

    deployment: JsonObject
    urns: dict[str, str] = field(default_factory=dict)


def to_native(deployment: JsonObject, config: JsonObject) -> Migrated:
    """`config`: inputs of the native default provider (`apiKey`, ...), as `native_config` makes them."""
    return _migrated(deployment, _Direction(TYPE_PREFIX, NATIVE_PREFIX, _native_props, _native_provider, config))


def to_dynamic(deployment: JsonObject) -> Migrated:
    return _migrated(deployment, _Direction(NATIVE_PREFIX, TYPE_PREFIX, _dynamic_props, _dynamic_provider, {}))


def native_config(config: Mapping[str, JsonObject]) -> dict[str, tuple[str, bool]]:
    """Config of the native provider, from what `pulumi config --json --show-secrets` prints of the dynamic one.

    Name -> value and whether it is secret.
    """
    names = {key: name for name, key in KEYS.items()}
    return {
        names[key]: (str(entry["value"]), bool(entry.get("secret")))
        for key, entry in config.items()
        if key in names and "value" in entry
    }


@dataclass(frozen=True)
class _Direction:
    old_prefix: str
    new_prefix: str
    props: Callable[[str, JsonObject], JsonObject]
    provider: Callable[[JsonObject], JsonObject]
    default_inputs: JsonObject

    @property
    def old_provider(self) -> str:
        return _DYNAMIC_PROVIDER if self.old_prefix == TYPE_PREFIX else _NATIVE_PROVIDER

    @property
    def new_provider(self) -> str:
        return _NATIVE_PROVIDER if self.old_prefix == TYPE_PREFIX else _DYNAMIC_PROVIDER

    def kind(self, resource: JsonObject) -> str | None:
        name = str(resource.get("type", "")).removeprefix(self.old_prefix)
        return name if name in RESOURCES and str(resource["type"]).startswith(self.old_prefix) else None


def _migrated(deployment: JsonObject, direction: _Direction) -> Migrated:
    resources: list[JsonObject] = deployment.get("resources") or []
    pending: list[JsonObject] = deployment.get("pending_operations") or []
    concerned = [r for r in (*resources, *(p["resource"] for p in pending)) if direction.kind(r) is not None]
    if not concerned:
        return Migrated(deployment)
    providers = {str(r.get("provider", "")) for r in concerned} - {""}
    references = _new_references(providers, resources, direction)
    rename = _renamer(direction, references)
    new = [_entry(resource, direction, rename, references) for resource in resources]
    new = _with_default(new, resources, references, direction)
    changed = {
        resource["urn"]: rename(resource["urn"]) for resource in resources if direction.kind(resource) is not None
    }
    found = {**deployment, "resources": _without_unused(new, direction)}
    if pending:
        found["pending_operations"] = [
            {**p, "resource": _entry(p["resource"], direction, rename, references)} for p in pending
        ]
    return Migrated(found, changed)


def _new_references(providers: set[str], resources: list[JsonObject], direction: _Direction) -> dict[str, str]:
    """Provider reference (`URN::ID`) -> the new one. A default provider gets its own id."""
    found = {}
    for reference in sorted(providers):
        urn, _, object_id = reference.rpartition("::")
        new_urn = urn.replace(direction.old_provider, direction.new_provider, 1)
        if _is_default(urn):
            new_urn = new_urn.rpartition("::")[0] + _DEFAULT
            there = [r["id"] for r in resources if r["urn"] == new_urn]
            object_id = there[0] if there else str(uuid.uuid4())
        found[reference] = f"{new_urn}::{object_id}"
    return found


def _renamer(direction: _Direction, references: Mapping[str, str]) -> Callable[[str], str]:
    """For URNs, references and types: what is known is replaced wherever it is in one."""
    tokens = {f"{direction.old_prefix}{name}": f"{direction.new_prefix}{name}" for name in RESOURCES}
    urns = {old.rpartition("::")[0]: new.rpartition("::")[0] for old, new in references.items()}

    def rename(text: str) -> str:
        if text in references:
            return references[text]
        if text in urns and not _is_default(text):
            return urns[text]
        head, separator, name = text.rpartition("::")
        types = head if separator else text
        for old, new in tokens.items():
            types = "$".join(_swapped(part, old, new) for part in types.split("$"))
        return f"{types}{separator}{name}" if separator else types

    return rename


def _swapped(part: str, old: str, new: str) -> str:
    """The token at the end of a part of a type chain: `urn:pulumi:dev::p::TOKEN`, or `TOKEN` alone."""
    return part[: -len(old)] + new if part == old or part.endswith(f"::{old}") else part


def _entry(
    resource: JsonObject, direction: _Direction, rename: Callable[[str], str], references: Mapping[str, str]
) -> JsonObject:
    meta = {key: value for key, value in resource.items() if key not in ("inputs", "outputs")}
    new = {key: _deeply(value, rename) for key, value in meta.items()}
    kind = direction.kind(resource)
    values: JsonObject = {key: resource[key] for key in ("inputs", "outputs") if key in resource}
    reference = f"{resource['urn']}::{resource.get('id')}"
    if kind is not None:
        new |= {key: direction.props(kind, value) for key, value in values.items()}
        names = camel if direction.new_prefix == NATIVE_PREFIX else snake
        for key in _NAMED_PROPERTIES:
            if key in new:
                new[key] = [names(str(name)) for name in new[key]]
        if "propertyDependencies" in new:
            new["propertyDependencies"] = {
                names(k): v for k, v in new["propertyDependencies"].items() if k != PROVIDER_KEY
            }
        return new
    if reference in references and not _is_default(resource["urn"]):
        return {**new, "type": direction.new_provider, **{k: direction.provider(v) for k, v in values.items()}}
    return {**new, **values}


def _with_default(
    new: list[JsonObject], old: list[JsonObject], references: Mapping[str, str], direction: _Direction
) -> list[JsonObject]:
    """The state with the default provider that the new references name, before the first resource that needs it."""
    there = {resource["urn"] for resource in old}
    wanted = [ref for before, ref in references.items() if _is_default(before.rpartition("::")[0])]
    for reference in dict.fromkeys(wanted):
        urn, _, object_id = reference.rpartition("::")
        if urn in there:
            continue
        entry = {"urn": urn, "custom": True, "id": object_id, "type": direction.new_provider}
        if direction.default_inputs:
            entry |= {"inputs": direction.default_inputs, "outputs": direction.default_inputs}
        first = next(i for i, resource in enumerate(new) if resource.get("provider") == reference)
        new = [*new[:first], entry, *new[first:]]
    return new


def _without_unused(resources: list[JsonObject], direction: _Direction) -> list[JsonObject]:
    """The state without a default provider of the old kind that nothing uses any more."""
    used = {str(resource.get("provider", "")) for resource in resources}
    return [
        resource
        for resource in resources
        if resource["type"] != direction.old_provider
        or not _is_default(resource["urn"])
        or f"{resource['urn']}::{resource.get('id')}" in used
    ]


def _native_props(_: str, props: JsonObject) -> JsonObject:
    return _converted({k: v for k, v in props.items() if k != PROVIDER_KEY}, to_schema)


def _dynamic_props(kind: str, props: JsonObject) -> JsonObject:
    return {**_converted(props, from_schema), PROVIDER_KEY: stored_provider(kind)}


def stored_provider(kind: str) -> str:
    """What the state of a dynamic resource holds under `__provider`: a reference to its class."""
    from pulumi.dynamic.dynamic import serialize_provider

    import pulumi_runpod

    return str(serialize_provider(getattr(pulumi_runpod, kind)._implementation))


def _native_provider(props: JsonObject) -> JsonObject:
    names = {key: name for name, key in KEYS.items()}
    return {names.get(key, key): value for key, value in props.items()}


def _dynamic_provider(props: JsonObject) -> JsonObject:
    return {KEYS.get(key, key): value for key, value in props.items()}


def _converted(props: JsonObject, convert: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Names changed inside of secrets, too: their text is JSON."""
    return convert({key: _opened(key, value, convert) for key, value in props.items()})


def _opened(key: str, value: Any, convert: Callable[[JsonObject], JsonObject]) -> Any:
    if isinstance(value, dict) and _SIGNATURE in value and "plaintext" in value:
        inner = convert({key: json.loads(value["plaintext"])})
        return {**value, "plaintext": json.dumps(next(iter(inner.values())))}
    if isinstance(value, dict):
        return {name: _opened(name, item, convert) for name, item in value.items()}
    return [_opened(key, item, convert) for item in value] if isinstance(value, list) else value


def _deeply(value: Any, rename: Callable[[str], str]) -> Any:
    match value:
        case str():
            return rename(value)
        case list():
            return [_deeply(item, rename) for item in value]
        case dict():
            return {key: _deeply(item, rename) for key, item in value.items()}
    return value


def _is_default(urn: str) -> bool:
    """Of a provider that the engine makes itself: `default`, or `default_1_2_3` for a version."""
    return urn.rpartition("::")[2].startswith("default")
