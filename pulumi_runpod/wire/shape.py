"""A JSON schema reduced to what two descriptions of one body can be compared by.

Understands what OpenAPI 3.1 documents and pydantic write: `$ref`, `allOf`, `anyOf`, `oneOf` with a discriminator. Rules
between fields (`if`/`then`, `dependentRequired`) are kept as text. Descriptions, defaults and examples are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from pulumi_runpod.wire.model import JsonObject

_LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_DEEPEST = 20


@dataclass(frozen=True)
class Shape:
    """`types` empty: any JSON. `closed`: other properties are refused. `variants` by the discriminator's value."""

    types: frozenset[str] = frozenset()
    enum: frozenset[str] | None = None
    limits: tuple[tuple[str, Any], ...] = ()
    properties: dict[str, Shape] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    closed: bool = False
    items: Shape | None = None
    values: Shape | None = None
    """Of every further property of a map."""
    variants: dict[str, Shape] = field(default_factory=dict)
    conditions: frozenset[str] = frozenset()

    @property
    def flat(self) -> Shape:
        """One object for all variants: what a reader that does not tell them apart may meet."""
        if not self.variants:
            return self
        return _both(replace(self, variants={}), _either(*(variant.flat for variant in self.variants.values())))


class Document:
    """A JSON document with named schemas; follows `$ref` within it."""

    def __init__(self, fields: JsonObject) -> None:
        self._fields = fields

    def shape(self, schema: JsonObject) -> Shape:
        """Raises ValueError for a reference that leads nowhere and for schemas that are nested without end."""
        return self._shape(schema, 0)

    def at(self, reference: str) -> JsonObject:
        """The object that a `#/...` reference names."""
        found: Any = self._fields
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise ValueError(f"{reference} leads nowhere")
            found = found[name]
        if not isinstance(found, dict):
            raise ValueError(f"{reference} is no object")  # noqa: TRY004  (the document is wrong, not the call)
        return found

    def resolved(self, fields: JsonObject) -> JsonObject:
        """`fields`, or what they refer to."""
        return self.at(fields["$ref"]) if "$ref" in fields else fields

    def _shape(self, schema: JsonObject, depth: int) -> Shape:
        if depth > _DEEPEST:
            raise ValueError("schemas are nested without end")
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            referred = self._shape(self.at(schema["$ref"]), depth + 1)
            return _both(referred, self._shape(rest, depth + 1)) if rest else referred
        shape = reduce(
            _both, (self._shape(part, depth + 1) for part in schema.get("allOf", [])), self._own(schema, depth)
        )
        if "anyOf" in schema:
            shape = _both(shape, _either(*(self._shape(part, depth + 1) for part in schema["anyOf"])))
        if "oneOf" in schema:
            shape = _both(shape, self._one_of(schema, depth))
        return shape

    def _own(self, schema: JsonObject, depth: int) -> Shape:
        result = schema.get("type", [])
        types = {result} if isinstance(result, str) else set(result)
        enum = schema.get("enum", [schema["const"]] if "const" in schema else None)
        extra = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
        conditions: list[JsonObject] = []
        if "if" in schema:
            conditions.append({key: schema[key] for key in ("if", "then", "else") if key in schema})
        if "dependentRequired" in schema:
            conditions.append({"dependentRequired": schema["dependentRequired"]})
        return Shape(
            types=frozenset(types),
            enum=None if enum is None else frozenset(map(str, enum)),
            limits=tuple((key, schema[key]) for key in _LIMITS if key in schema),
            properties={name: self._shape(part, depth + 1) for name, part in schema.get("properties", {}).items()},
            required=frozenset(schema.get("required", [])),
            closed=extra is False,
            items=self._shape(schema["items"], depth + 1) if "items" in schema else None,
            values=self._shape(extra, depth + 1) if isinstance(extra, dict) else None,
            conditions=frozenset(json.dumps(_by_name(result), sort_keys=True) for result in conditions),
        )

    def _one_of(self, schema: JsonObject, depth: int) -> Shape:
        branches = [self._shape(part, depth + 1) for part in schema["oneOf"]]
        tag = schema.get("discriminator", {}).get("propertyName")
        if tag is None:
            return _either(*branches)
        named = {}
        for branch in branches:
            for value in (branch.properties[tag].enum if tag in branch.properties else None) or ("",):
                named[value] = branch
        return Shape(variants=named)


def _both(one: Shape, other: Shape) -> Shape:
    """What satisfies both, as `allOf` asks."""
    properties = dict(one.properties)
    for name, shape in other.properties.items():
        properties[name] = _both(properties[name], shape) if name in properties else shape
    return Shape(
        types=one.types & other.types if one.types and other.types else one.types | other.types,
        enum=one.enum & other.enum if one.enum is not None and other.enum is not None else one.enum or other.enum,
        limits=tuple(sorted((dict(one.limits) | dict(other.limits)).items())),
        properties=properties,
        required=one.required | other.required,
        closed=one.closed or other.closed,
        items=_pair(one.items, other.items),
        values=_pair(one.values, other.values),
        variants=one.variants | other.variants,
        conditions=one.conditions | other.conditions,
    )


def _either(*shapes: Shape) -> Shape:
    """What satisfies any: for values that are read, and for `null` beside a type."""
    real = [shape for shape in shapes if shape != Shape()]
    substantial = [shape for shape in real if shape.types != {"null"}]
    if len(real) < len(shapes) and len(substantial) != 1:
        return Shape()
    enums = [shape.enum for shape in substantial if shape.enum is not None]
    names = {name: None for shape in substantial for name in shape.properties}
    objects = [shape for shape in substantial if shape.properties]
    return Shape(
        types=frozenset(kind for shape in real for kind in shape.types),
        enum=frozenset(value for enum in enums for value in enum) if enums else None,
        limits=substantial[0].limits if len(substantial) == 1 else (),
        properties={name: _either(*_named(name, substantial)) for name in names},
        required=frozenset.intersection(*(shape.required for shape in objects)) if objects else frozenset(),
        closed=bool(objects) and all(shape.closed for shape in objects),
        items=next((shape.items for shape in substantial if shape.items), None),
        values=next((shape.values for shape in substantial if shape.values), None),
        variants=substantial[0].variants if len(substantial) == 1 else {},
        conditions=substantial[0].conditions if len(substantial) == 1 else frozenset(),
    )


def _by_name(result: Any) -> Any:
    """A rule with `$ref`s written as the names they refer to."""
    if isinstance(result, dict):
        if "$ref" in result:
            return {"schema": str(result["$ref"]).rsplit("/", 1)[-1]}
        return {key: _by_name(value) for key, value in result.items()}
    return [_by_name(value) for value in result] if isinstance(result, list) else result


def _named(name: str, shapes: Iterable[Shape]) -> list[Shape]:
    return [shape.properties[name] for shape in shapes if name in shape.properties]


def _pair(one: Shape | None, other: Shape | None) -> Shape | None:
    return _both(one, other) if one and other else one or other
