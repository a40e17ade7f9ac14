"""What every model of the API shares: camelCase on the wire, closed requests, open responses, no null for "absent".

Numbers follow JSON Schema: `10.0` is an integer, `"10"` and `true` are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

JsonObject = dict[str, Any]
"""A decoded JSON object, as it is on the wire: `Any` because JSON is."""


class Request(BaseModel):
    """A request body: an unknown field is an error, and types are not coerced."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)

    def violations(self) -> list[Violation]:
        """Rules across fields that the service enforces beyond the schema. None by default."""
        return []


class Response(BaseModel):
    """A response body: a newer service may send more than is known here.

    So its enums are written `Known | str`, with `Known` the published values.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


@dataclass(frozen=True)
class Violation:
    """A broken rule across fields: where (field names as on the wire), what, and the status that RunPod answers."""

    path: tuple[str | int, ...]
    message: str
    status: int = 400


def _integral(value: object) -> object:
    # Pulumi hands every number over as a float, and JSON Schema counts 10.0 as an integer.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _not_null(value: object) -> object:
    if value is None:
        raise PydanticCustomError("null", "must not be null; leave it out instead")
    return value


class _NeverNull:
    """Keeps `null` out of the JSON schema of a field that may only be left out."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonObject:
        result = handler(schema)
        branches = [branch for branch in result.pop("anyOf", []) if branch != {"type": "null"}]
        return result | branches[0] if len(branches) == 1 else result | ({"anyOf": branches} if branches else {})


T = TypeVar("T")

INTEGRAL = BeforeValidator(_integral)
"""Named after a bound, as in `Annotated[int, Field(ge=1), INTEGRAL]`: before it, the bound is lost to the schema."""
Integer = Annotated[int, INTEGRAL]
Text = Annotated[str, StringConstraints(min_length=1)]
Maybe = Annotated[T | None, BeforeValidator(_not_null), _NeverNull()]
"""An optional field that may be left out but, unlike pydantic's `Optional`, may not be null."""


@dataclass(frozen=True)
class Collection:
    """One kind of object of the API: where it lives and which models describe it.

    Everything that the provider and the local RunPod need to know of a kind is derived from here: a field that can be
    created but not updated replaces the object; a field that is never returned is kept from the last inputs.
    """

    kind: str
    """Singular, for messages: `network volume`."""
    path: str
    """Path below the base URL: `/v2/network-volumes`."""
    list_key: str
    """Member of the list answer that holds the objects."""
    read: type[Response]
    create: type[Request]
    update: type[Request] | None = None
    """None: the kind has no PATCH, so that every change replaces."""
    get_by_id: bool = True
    """False: there is no `GET path/{id}`; an object is found in the list."""
    paginated: bool = False
    secret_fields: frozenset[str] = field(default_factory=frozenset)
    """Fields (snake_case) whose values are never shown."""

    @property
    def create_fields(self) -> frozenset[str]:
        return frozenset(self.create.model_fields)

    @property
    def update_fields(self) -> frozenset[str]:
        return frozenset(self.update.model_fields) if self.update else frozenset()

    @property
    def replace_fields(self) -> frozenset[str]:
        """Fields that can be set at birth alone. Write-only fields with a life of their own are listed by the kind."""
        return self.create_fields - self.update_fields

    @property
    def input_only_fields(self) -> frozenset[str]:
        """Fields that go in and never come back."""
        return self.create_fields - frozenset(self.read.model_fields)

    @property
    def output_fields(self) -> frozenset[str]:
        """Fields that the service alone decides."""
        return frozenset(self.read.model_fields) - self.create_fields

    def url(self, object_id: str) -> str:
        return f"{self.path}/{object_id}"


class Problem(Response):
    """RFC 9457 style error body, as RunPod sends it: no `type`, no `instance`."""

    media_type: ClassVar[str] = "application/problem+json"

    title: str = ""
    status: int = 0
    detail: str = ""
    errors: list[str] = []


class Pagination(Response):
    """Member `pagination` of list answers; an older service sends none, which means: this is all."""

    next_cursor: str | None = None
    has_next_page: bool = False
