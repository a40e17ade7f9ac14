"""Property values of the plugin protocol as plain dictionaries, unknown values and secrets included, and back."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from google.protobuf import struct_pb2

from pulumi_runpod.resources.values import UNKNOWN, Unknown

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # assets
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
"""What the protocol writes for a value that a preview cannot know, by its type."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


class Secret:
    """A value that the engine must encrypt."""

    def __init__(self, value: object) -> None:
        self.value = value


def plain(struct: struct_pb2.Struct) -> JsonObject:
    """The properties with `UNKNOWN` for what a preview cannot know. Secrets are in clear."""
    return {key: _plain(value) for key, value in struct.fields.items()}


def struct_of(
    props: JsonObject, *, secret: Container[str] = (), like: struct_pb2.Struct | None = None
) -> struct_pb2.Struct:
    """The properties for the engine. Marked are those named in `secret`, and what is secret at its place in `like`."""
    marked = {key: Secret(value) if key in secret else value for key, value in props.items()}
    if like is not None:
        marked = {
            key: _marked(value, like.fields[key]) if key in like.fields else value for key, value in marked.items()
        }
    return struct_pb2.Struct(fields={key: _value(value) for key, value in marked.items()})


def _marked(value: object, like: struct_pb2.Value) -> object:
    """The engine does this itself for providers that take no secrets; those with components must take them."""
    match like.WhichOneof("kind"), value:
        case _, Secret():
            return value
        case "struct_value", _ if _is_secret(like.struct_value):
            return Secret(value)
        case "struct_value", dict():
            fields = like.struct_value.fields
            return {key: _marked(item, fields[key]) if key in fields else item for key, item in value.items()}
        case "list_value", list():
            items = list(like.list_value.values)
            return [_marked(item, items[i]) if i < len(items) else item for i, item in enumerate(value)]
    return value


def _is_secret(struct: struct_pb2.Struct) -> bool:
    return _SIGNATURE in struct.fields and struct.fields[_SIGNATURE].string_value == _SECRET


def _plain(value: struct_pb2.Value) -> object:
    match value.WhichOneof("kind"):
        case "number_value":
            return value.number_value
        case "string_value":
            text = value.string_value
            return UNKNOWN if text in _UNKNOWNS else text
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if _is_secret(value.struct_value):
                return _plain(fields["value"])
            return {key: _plain(item) for key, item in fields.items()}
    return None


def _value(value: object) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Unknown():
            return struct_pb2.Value(string_value=_UNKNOWN)
        case Secret():
            marked = {_SIGNATURE: struct_pb2.Value(string_value=_SECRET), "value": _value(value.value)}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=marked))
        case dict():
            fields = {str(key): _value(item) for key, item in value.items()}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_value(item) for item in value]))
    raise TypeError(f"{type(value).__name__} is not a property value")
