"""Pulumi types from pydantic's JSON schemas: enums, bounds, units and references, each named once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pulumi_runpod.native.schema.descriptions import of_attributes, of_class
from pulumi_runpod.resources.schema_names import NATIVE_PREFIX, camel

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

ANY: JsonObject = {"$ref": "pulumi.json#/Any"}
_BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("pattern", "matches `{}`"),
)


@dataclass
class Types:
    """Collects the named types of a schema while properties are translated.

    `names`: model class -> name in the schema, where its own would not do; `docs`: model class -> class whose
    attributes describe it better.
    """

    names: Mapping[str, str]
    docs: Mapping[str, type]
    enums: Mapping[tuple[str, ...], str]
    """Values -> name."""
    found: JsonObject = field(default_factory=dict)
    _named_enums: dict[tuple[str, ...], str] = field(default_factory=dict)

    def properties(
        self, model: type[BaseModel], *, mode: str, owner: str, units: Mapping[str, str] | None = None
    ) -> tuple[JsonObject, list[str]]:
        """Properties by camelCase name, and those that must be given. `mode`: "validation" for inputs."""
        document = model.model_json_schema(by_alias=True, mode="validation" if mode == "inputs" else "serialization")
        models = _models_in(model)
        return self._members(document, document.get("$defs", {}), models, model, owner, units or {}, "")

    def named(self, model: type[BaseModel], *, mode: str = "outputs") -> JsonObject:
        """A reference to the model as its own type."""
        name = self.names.get(model.__name__, model.__name__)
        if self._ref(name) not in self.found:
            properties, required = self.properties(model, mode=mode, owner=name)
            self.add_object(name, properties, required, of_class(model))
        return {"$ref": f"#/types/{self._ref(name)}"}

    def add_object(self, name: str, properties: JsonObject, required: list[str], description: str = "") -> JsonObject:
        """A reference to a new object type."""
        spec: JsonObject = {"type": "object", "properties": properties}
        if description:
            spec["description"] = description
        if required:
            spec["required"] = sorted(required)
        self.found[self._ref(name)] = spec
        return {"$ref": f"#/types/{self._ref(name)}"}

    def enum(self, name: str, values: list[str]) -> JsonObject:
        name = self._named_enums.setdefault(tuple(values), self.enums.get(tuple(values), name))
        self.found[self._ref(name)] = {"type": "string", "enum": [{"value": value} for value in values]}
        return {"$ref": f"#/types/{self._ref(name)}"}

    def _members(
        self,
        schema: JsonObject,
        definitions: JsonObject,
        models: Mapping[str, type[BaseModel]],
        model: type[BaseModel] | None,
        owner: str,
        units: Mapping[str, str],
        path: str,
    ) -> tuple[JsonObject, list[str]]:
        described = dict(of_attributes(model)) if model is not None else {}
        if model is not None and model.__name__ in self.docs:
            described |= of_attributes(self.docs[model.__name__])
        snake_of = {(f.alias or camel(n)): n for n, f in model.model_fields.items()} if model is not None else {}
        properties = {}
        for alias, result in schema.get("properties", {}).items():
            name = snake_of.get(alias, alias)
            at = f"{path}.{name}" if path else name
            key = camel(name)
            spec = self._spec(result, definitions, models, f"{owner}{key[:1].upper()}{key[1:]}", units, at)
            if "const" in spec and alias not in schema.get("required", []):
                # Code generators fill in a constant: one that may be left out must not be one.
                spec = self.enum(f"{owner}{key[:1].upper()}{key[1:]}", [spec["const"]])
            text = " ".join(filter(None, [described.get(name, ""), _bounds(result, units.get(at, ""))]))
            properties[key] = {**spec, **({"description": text} if text else {})}
        return properties, [camel(snake_of.get(alias, alias)) for alias in schema.get("required", [])]

    def _spec(
        self,
        fields: JsonObject,
        definitions: JsonObject,
        models: Mapping[str, type[BaseModel]],
        name: str,
        units: Mapping[str, str],
        path: str,
    ) -> JsonObject:
        if "$ref" in fields:
            return self._reference(fields["$ref"].rsplit("/", 1)[-1], definitions, models, units, path)
        if "allOf" in fields and len(fields["allOf"]) == 1:
            return self._spec({**fields["allOf"][0]}, definitions, models, name, units, path)
        branches = [b for b in fields.get("oneOf") or fields.get("anyOf") or [] if b != {"type": "null"}]
        if len(branches) == 1:
            return self._spec({**branches[0]}, definitions, models, name, units, path)
        if branches:
            return self._union(fields, branches, definitions, models, name, units, path)
        if "const" in fields:
            return {"type": "string", "const": fields["const"]}
        if "enum" in fields:
            return self.enum(name, list(fields["enum"]))
        match fields.get("type"):
            case "array":
                items = self._spec(fields.get("items", {}), definitions, models, name, units, f"{path}[]")
                return {"type": "array", "items": items}
            case "object" if isinstance(fields.get("additionalProperties"), dict):
                extra = self._spec(fields["additionalProperties"], definitions, models, name, units, path)
                return {"type": "object", "additionalProperties": extra}
            case "string" | "integer" | "number" | "boolean" as plain:
                return {"type": plain}
        return dict(ANY)

    def _union(
        self,
        fields: JsonObject,
        branches: list[JsonObject],
        definitions: JsonObject,
        models: Mapping[str, type[BaseModel]],
        name: str,
        units: Mapping[str, str],
        path: str,
    ) -> JsonObject:
        simple = {branch.get("type") for branch in branches}
        if simple == {"string"}:  # an open enum: published values, and what a newer service may add
            return {"type": "string"}
        specs = [self._spec(branch, definitions, models, name, units, path) for branch in branches]
        if all(spec.get("type") in ("integer", "number") for spec in specs):
            return {"type": "number"}
        if all(spec.get("type") in ("integer", "number", "string") for spec in specs):
            return {"type": "number"} if any(spec.get("type") == "number" for spec in specs) else {"type": "string"}
        union: JsonObject = {"oneOf": specs}
        discriminator = fields.get("discriminator")
        if discriminator:
            union["discriminator"] = {"propertyName": discriminator["propertyName"]}
        return union

    def _reference(
        self,
        title: str,
        definitions: JsonObject,
        models: Mapping[str, type[BaseModel]],
        units: Mapping[str, str],
        path: str,
    ) -> JsonObject:
        name = self.names.get(title, title)
        if self._ref(name) not in self.found:
            self.found[self._ref(name)] = {}  # a type that refers to itself ends here
            model = models.get(title)
            properties, required = self._members(definitions[title], definitions, models, model, name, units, path)
            text = of_class(self.docs[title]) if title in self.docs else of_class(model) if model else ""
            self.add_object(name, properties, required, text)
        return {"$ref": f"#/types/{self._ref(name)}"}

    @staticmethod
    def _ref(name: str) -> str:
        return f"{NATIVE_PREFIX}{name}"


def _bounds(fields: JsonObject, unit: str) -> str:
    """Bounds and pattern of a value, or of the value behind an optional one."""
    for branch in (fields, *fields.get("anyOf", [])):
        parts = [text.format(branch[key]) for key, text in _BOUNDS if key in branch]
        if parts:
            bounds = ", ".join(parts)
            return f"{bounds[:1].upper()}{bounds[1:]}{f' ({unit})' if unit else ''}."
    return f"In {unit}." if unit else ""


def _models_in(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Every model that the fields of one mention, by name."""
    found: dict[str, type[BaseModel]] = {}

    def visit(hint: object) -> None:
        if isinstance(hint, type) and issubclass(hint, BaseModel) and hint.__name__ not in found:
            found[hint.__name__] = hint
            for inner in hint.model_fields.values():
                visit(inner.annotation)
        for argument in getattr(hint, "__args__", ()):
            visit(argument)

    visit(model)
    return found
