"""The referee: compares every model with a published OpenAPI document of the service.

Client and local RunPod share the models, so both would share a misreading of them. Requests must say the same as the
document: names, required, types, enums, bounds, closedness, rules between fields. Answers may be read more generously
than published, never more strictly. What is newer than the document is declared here, in one table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from pulumi_runpod.wire.billing import BILLING_PATH, Billing, NetworkVolumeBilling, ServerlessBilling
from pulumi_runpod.wire.catalog import (
    CPUS_PATH,
    DATA_CENTERS_PATH,
    GPUS_PATH,
    PUBLIC_TEMPLATES_PATH,
    CpuType,
    DataCenter,
    GpuType,
)
from pulumi_runpod.wire.kinds import COLLECTIONS
from pulumi_runpod.wire.log import LogLine
from pulumi_runpod.wire.model import Collection, JsonObject, Pagination, Problem
from pulumi_runpod.wire.release import Releases, Workers
from pulumi_runpod.wire.shape import Document, Shape
from pulumi_runpod.wire.template import Template

NO_OPERATION = "the document has no such operation"
NO_PROPERTY = "the document does not have it"

Direction = Literal["request", "answer"]

NEWER_PROPERTIES = frozenset({"entrypoint", "cmd", "pagination"})
"""Properties of the live service that the document of August 2026 lacks."""
NEWER_PATHS = frozenset({"/v2/account/secrets"})
OURS = {"podPriceBasis": "offline copy of the catalog only"}
"""Properties that no service sends."""
STRICTER = {
    "POST /v2/registries body.name": {"maxLength": 191},
    "POST /v2/registries body.username": {"maxLength": 191},
    "POST /v2/registries body.password": {"maxLength": 16384},
}
"""Bounds that the service enforces and a later document states."""


@dataclass(frozen=True)
class Difference:
    """`where`: method, path and place in the body. `newer`: expected, see the tables above."""

    where: str
    what: str
    newer: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Route:
    """One operation that a model of ours describes. `list_key`: the model is that of the list's items."""

    method: str
    path: str
    direction: Direction
    model: type[BaseModel]
    list_key: str | None = None

    @property
    def title(self) -> str:
        place = "body" if self.direction == "request" else "answer"
        return f"{self.method} {self.path} {place}" + (f".{self.list_key}[]" if self.list_key else "")


def routes_of(collection: Collection) -> Iterator[Route]:
    """Every operation of a kind."""
    one = f"{collection.path}/{{id}}"
    yield Route("GET", collection.path, "answer", collection.read, collection.list_key)
    yield Route("POST", collection.path, "request", collection.create)
    yield Route("POST", collection.path, "answer", collection.read)
    if collection.get_by_id:
        yield Route("GET", one, "answer", collection.read)
    if collection.update:
        yield Route("PATCH", one, "request", collection.update)
        yield Route("PATCH", one, "answer", collection.read)


ROUTES: tuple[Route, ...] = (
    *(route for collection in COLLECTIONS for route in routes_of(collection)),
    Route("GET", "/v2/serverless/{id}/workers", "answer", Workers),
    Route("GET", "/v2/serverless/{id}/releases", "answer", Releases),
    Route("GET", GPUS_PATH, "answer", GpuType, "gpus"),
    Route("GET", CPUS_PATH, "answer", CpuType, "cpus"),
    Route("GET", DATA_CENTERS_PATH, "answer", DataCenter, "dataCenters"),
    Route("GET", PUBLIC_TEMPLATES_PATH, "answer", Template, "templates"),
    Route("GET", BILLING_PATH, "answer", Billing),
    Route("GET", f"{BILLING_PATH}/serverless", "answer", ServerlessBilling),
    Route("GET", f"{BILLING_PATH}/network-volumes", "answer", NetworkVolumeBilling),
)


STREAMS: dict[tuple[str, str], type[BaseModel]] = {
    ("GET", "/v2/serverless/{id}/workers/{workerId}/logs"): LogLine,
}
"""Operations whose answers have no schema to compare with."""


class SpecError(ValueError):
    """The file is no OpenAPI document that can be compared with."""


def differences(fields: JsonObject) -> list[Difference]:
    """Everywhere that models and document differ, expected differences included. Raises `SpecError`."""
    if not isinstance(fields.get("paths"), dict) or not isinstance(fields.get("components"), dict):
        raise SpecError("is no OpenAPI document: `paths` and `components` are missing")
    document = Document(fields)
    found: list[Difference] = []
    try:
        for route in ROUTES:
            found += _of_route(document, fields["paths"], route)
        for collection in COLLECTIONS:
            found += _of_operations(document, fields["paths"], collection)
        problem = document.shape({"$ref": "#/components/schemas/ErrorResponse"})
        found += _compare("every error", shape_of(Problem), problem, "answer")
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise SpecError(f"cannot be followed: {error}") from error
    return list(dict.fromkeys(found))


def shape_of(model: type[BaseModel]) -> Shape:
    """A model of ours as a shape."""
    result = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    return Document(result).shape({key: value for key, value in result.items() if key != "$defs"})


def published_shape(document: Document, paths: JsonObject, route: Route) -> Shape | None:
    """What the document says of this body; None when it has no such operation."""
    operation = _operation(paths, route.method, route.path)
    if operation is None:
        return None
    if route.direction == "request":
        content = document.resolved(operation["requestBody"])["content"]
    else:
        success = next(status for status in ("200", "201") if status in operation["responses"])
        content = document.resolved(operation["responses"][success])["content"]
    shape = document.shape(content["application/json"]["schema"])
    if route.list_key is None:
        return shape
    listed = shape.properties.get(route.list_key)
    return listed.items if listed else None


def _of_route(document: Document, paths: JsonObject, route: Route) -> list[Difference]:
    newer = any(route.path.startswith(path) for path in NEWER_PATHS)
    theirs = published_shape(document, paths, route)
    if theirs is None:
        return [Difference(route.title, NO_OPERATION, newer)]
    return _compare(route.title, shape_of(route.model), theirs, route.direction)


def _of_operations(document: Document, paths: JsonObject, collection: Collection) -> list[Difference]:
    """Operations that a kind has or lacks beyond its bodies."""
    newer = collection.path in NEWER_PATHS
    one = f"{collection.path}/{{id}}"
    found = []
    for method, ours in (("GET", collection.get_by_id), ("PATCH", collection.update is not None), ("DELETE", True)):
        theirs = _operation(paths, method, one) is not None
        if theirs and not ours:
            found.append(Difference(f"{method} {one}", f"the document has it, and a {collection.kind} has not here"))
        elif ours and not theirs and method == "DELETE":
            found.append(Difference(f"{method} {one}", NO_OPERATION, newer))
    listing = _operation(paths, "GET", collection.path)
    if listing is not None:
        schema = document.resolved(listing["responses"]["200"])["content"]["application/json"]["schema"]
        page = document.shape(schema).properties.get("pagination")
        where = f"GET {collection.path} answer.pagination"
        if page is None and collection.paginated:
            found.append(Difference(where, NO_PROPERTY, newer=True))
        elif page is not None:
            if not collection.paginated:
                found.append(Difference(where, "the document has it, and the list is not paged here"))
            found += _compare(where, shape_of(Pagination), page, "answer")
    return found


def _operation(paths: JsonObject, method: str, path: str) -> JsonObject | None:
    found = paths.get(path, {}).get(method.lower())
    return found if isinstance(found, dict) else None


def _compare(where: str, ours: Shape, theirs: Shape, direction: Direction) -> list[Difference]:
    if direction == "answer":
        ours, theirs = ours.flat, theirs.flat
    return [*_values(where, ours, theirs, direction), *_members(where, ours, theirs, direction)]


def _values(where: str, ours: Shape, theirs: Shape, direction: Direction) -> Iterator[Difference]:
    if direction == "answer":
        if ours.types and not (theirs.types and _readable(theirs.types) <= _readable(ours.types)):
            yield Difference(where, f"may be {_listed(theirs.types)}, and is read as {_listed(ours.types)}")
        if ours.enum is not None and (theirs.enum is None or theirs.enum - ours.enum):
            yield Difference(where, f"may be {_listed(theirs.enum or ())}, of which we know {_listed(ours.enum)}")
        return
    if ours.types != theirs.types:
        yield Difference(where, f"is {_listed(theirs.types)}, and {_listed(ours.types)} here")
    if ours.enum != theirs.enum:
        yield Difference(where, f"takes {_listed(theirs.enum or ())}, and {_listed(ours.enum or ())} here")
    result, here = dict(theirs.limits), dict(ours.limits)
    for limit in sorted(result.keys() | here.keys()):
        if result.get(limit) != here.get(limit):
            expected = limit not in result and STRICTER.get(where, {}).get(limit) == here[limit]
            yield Difference(
                where, f"{limit} is {result.get(limit, 'open')}, and {here.get(limit, 'open')} here", expected
            )
    if ours.closed != theirs.closed:
        yield Difference(where, f"is {_closed(theirs)} to other properties, and {_closed(ours)} here")
    for rule in sorted(theirs.conditions - ours.conditions):
        yield Difference(where, f"has a rule that is not kept here: {rule}")
    for rule in sorted(ours.conditions - theirs.conditions):
        yield Difference(where, f"has no such rule as here: {rule}")


def _members(where: str, ours: Shape, theirs: Shape, direction: Direction) -> Iterator[Difference]:
    for name in sorted(ours.properties.keys() | theirs.properties.keys()):
        place = f"{where}.{name}"
        if name not in theirs.properties:
            if name not in OURS:
                yield Difference(place, NO_PROPERTY, name in NEWER_PROPERTIES)
        elif name not in ours.properties:
            yield Difference(place, "the document has it, and we do not")
        else:
            yield from _compare(place, ours.properties[name], theirs.properties[name], direction)
    for name in sorted(ours.required - theirs.required):
        yield Difference(f"{where}.{name}", "is optional, and required here")
    if direction == "request":
        for name in sorted(theirs.required - ours.required):
            yield Difference(f"{where}.{name}", "is required, and optional here")
    for suffix, mine, published in (("[]", ours.items, theirs.items), (".*", ours.values, theirs.values)):
        if mine and published:
            yield from _compare(where + suffix, mine, published, direction)
        elif mine or published:
            yield Difference(
                where + suffix, f"is {'described' if published else 'open'} in the document alone or here alone"
            )
    for name in sorted(ours.variants.keys() | theirs.variants.keys()):
        place = f"{where}<{name}>"
        if name in ours.variants and name in theirs.variants:
            yield from _compare(place, ours.variants[name], theirs.variants[name], direction)
        else:
            yield Difference(place, f"is a variant {'in the document' if name in theirs.variants else 'here'} alone")


def _readable(types: frozenset[str]) -> frozenset[str]:
    """A reader of numbers reads integers."""
    return types | {"integer"} if "number" in types else types


def _closed(shape: Shape) -> str:
    return "closed" if shape.closed else "open"


def _listed(values: frozenset[str] | tuple[()]) -> str:
    return " | ".join(sorted(values)) or "anything"
