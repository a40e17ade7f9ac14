"""What every resource class shares: the type token, the automatic name, outputs that stay secret, and `get`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

import pulumi
from pulumi.dynamic import Resource

from pulumi_runpod.resources.naming import prefix, stack_marker
from pulumi_runpod.resources.registration import (
    is_native,
    native_options,
    native_props,
    native_token,
    show_attributes,
)

if TYPE_CHECKING:
    from typing import Self

    from pulumi_runpod.resources.adapter import RunPodProvider


class RunPodResource(Resource):
    """Type `pulumi-python:dynamic/runpod:NAME`, for a class and for every class derived from it."""

    _implementation: ClassVar[RunPodProvider]
    _output_names: ClassVar[tuple[str, ...]] = ()
    """Outputs that are no inputs: without a key at construction, a dynamic resource has no such attribute."""
    _input_names: ClassVar[tuple[str, ...]] = ()
    _secret_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, name: str | None = None, **kwargs: object) -> None:
        inherited = getattr(cls, "_resource_type_name", None)
        super().__init_subclass__(module="runpod", name=name or cls.__name__, **kwargs)
        if name is None and inherited is not None:
            # The SDK gives a derived class the token of a nameless resource, and so every user of it a replacement.
            cls._resource_type_name = inherited

    def __init__(
        self, resource_name: str, props: Mapping[str, object], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        _refuse_keys_that_are_no_text(f"{type(self).__name__} {resource_name!r}", props)
        native = is_native()
        if opts is not None and opts.import_ is not None and not native:
            raise pulumi.RunError(f"{type(self).__name__} {resource_name!r}: {_import_advice(self._input_names, opts)}")
        inputs = {**dict.fromkeys(self._input_names), **props}
        if "name" in self._input_names and inputs.get("name") is None and (opts is None or opts.id is None):
            inputs["auto_name"] = prefix(resource_name, stack_marker(pulumi.get_project(), pulumi.get_stack()))
        own = pulumi.ResourceOptions(additional_secret_outputs=list(self._secret_names))
        all_props = {**inputs, **dict.fromkeys(self._output_names)}
        merged = pulumi.ResourceOptions.merge(own, opts)
        if native:
            token = native_token(self._resource_type_name.rpartition(":")[2])
            pulumi.CustomResource.__init__(self, token, resource_name, native_props(all_props), native_options(merged))
            show_attributes(self, (name for name in all_props if name != "auto_name"))
        else:
            super().__init__(self._implementation, resource_name, all_props, merged)

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - Pulumi's word
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """An object that something else manages: read, never changed, never deleted."""
        found = cls.__new__(cls)
        read = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        RunPodResource.__init__(found, resource_name, {}, read)
        return found


def _refuse_keys_that_are_no_text(subject: str, value: object, path: str = "") -> None:
    """The SDK would end in a traceback."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise pulumi.RunError(f"{subject}: {path}: the key {key!r} must be text: write {str(key)!r}")
            _refuse_keys_that_are_no_text(subject, item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_keys_that_are_no_text(subject, item, path)


def _import_advice(input_names: Iterable[str], opts: pulumi.ResourceOptions) -> str:
    """The engine imports by a read of the object alone, which a dynamic provider cannot serve: it is in the state."""
    refused = "dynamic resources cannot be imported, so that import_ has no effect here: leave it out"
    if "adopt_id" in input_names:
        return f"{refused} and give adopt_id={opts.import_!r}"
    return f"{refused}. The next `pulumi up` takes over what is there already"


def given(props: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """Those of the named properties that have a value."""
    return {name: props[name] for name in names if props.get(name) is not None}
