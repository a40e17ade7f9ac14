"""Account secrets: referenced in an env value as `{{ RUNPOD_SECRET_<name> }}` and filled in when a worker boots."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pulumi_runpod.wire.model import Collection, Maybe, Request, Response

MAX_VALUE_BYTES = 16 * 1024 * 1024 - 1
MAX_DESCRIPTION_BYTES = 65_535


class _SecretSettings(Request):
    description: Maybe[str] = None
    """Empty clears."""

    @field_validator("description")
    @classmethod
    def _fits(cls, value: str | None) -> str | None:
        if value is not None and len(value.encode()) > MAX_DESCRIPTION_BYTES:
            raise PydanticCustomError("too_long", f"must be at most {MAX_DESCRIPTION_BYTES} bytes")
        return value


def _value_fits(value: str | None) -> str | None:
    if value is not None and len(value.encode()) > MAX_VALUE_BYTES:
        raise PydanticCustomError("too_long", "must be under 16 MiB")
    return value


class CreateSecret(_SecretSettings):
    name: Annotated[str, StringConstraints(min_length=1, max_length=191, pattern=r"^[a-zA-Z_][a-zA-Z0-9_.\-/]*$")]
    value: str

    _value = field_validator("value")(_value_fits)

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value.upper().startswith("RUNPOD"):
            raise PydanticCustomError("reserved", "must not start with RUNPOD")
        return value


class UpdateSecret(_SecretSettings):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    value: Maybe[str] = None

    _value = field_validator("value")(_value_fits)

    @model_validator(mode="after")
    def _says_something(self) -> UpdateSecret:
        if not self.model_fields_set:
            raise PydanticCustomError("min_properties", "minProperties: got 0, want 1")
        return self


class Secret(Response):
    id: str
    name: str
    description: str | None = None
    created_at: datetime
    value_last_updated_at: datetime | None = None


SECRETS = Collection(
    kind="secret",
    path="/v2/account/secrets",
    list_key="secrets",
    read=Secret,
    create=CreateSecret,
    update=UpdateSecret,
    secret_fields=frozenset({"value"}),
)
