"""What a preview of one stack says, as typed and frozen data: the one model behind comment, job summary and JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

Action = Literal["create", "update", "replace", "delete", "import", "read"]
Severity = Literal["info", "warning", "error"]


class Masked(BaseModel):
    """camelCase in JSON."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")

    def json_ready(self) -> dict[str, JsonValue]:
        fields: dict[str, JsonValue] = self.model_dump(mode="json", by_alias=True)
        return fields


class PropertyChange(Masked):
    """`before` and `after` as short text; None where there is nothing, or where the value is not for showing."""

    path: str
    before: str | None = None
    after: str | None = None


class ResourceChange(Masked):
    action: Action
    kind: str
    """Last part of the type: `Endpoint`."""
    name: str
    urn: str
    properties: tuple[PropertyChange, ...] = ()
    replaced_for: tuple[str, ...] = ()
    """Properties for which it is replaced."""
    retained: bool = False
    """`retain_on_delete`: Pulumi forgets the old object, which goes on to exist."""

    @property
    def is_loss(self) -> bool:
        return self.action in ("replace", "delete") and not self.retained

    @property
    def takes_the_url(self) -> bool:
        """Callers of the endpoint's URL get no answer afterwards."""
        return self.kind == "Endpoint" and self.is_loss

    @property
    def loses_data(self) -> bool:
        return self.kind == "NetworkVolume" and self.is_loss


class UrlChange(Masked):
    """`url` stops answering; `replaced`: another one takes its place, which is known after the update."""

    name: str
    url: str | None
    replaced: bool


class MonthlyCost(Masked):
    """USD a month. `expected` None where no traffic was declared."""

    low: float
    expected: float | None
    high: float


class CostChange(Masked):
    """Of all services of the stack together. `now` None: none is deployed; `then` None: none will be."""

    now: MonthlyCost | None
    then: MonthlyCost | None


class Drift(Masked):
    """What was changed, or deleted, behind Pulumi's back."""

    kind: str
    name: str
    urn: str
    gone: bool
    cause: str
    properties: tuple[PropertyChange, ...] = ()
    """`before`: as Pulumi left it; `after`: as it is."""


class Notice(Masked):
    """Something that the program or a provider said."""

    severity: Severity
    text: str
    name: str | None = None


class Violation(Masked):
    """What a policy has found. A mandatory one refuses the update."""

    policy: str
    pack: str
    mandatory: bool
    text: str
    name: str | None = None
    """Of the resource; None where the stack as a whole is meant."""

    def __str__(self) -> str:
        of = f", {self.name}" if self.name else ""
        return f"policy {self.policy} ({self.pack}){of}: {self.text}"


class StackPreview(Masked):
    stack: str
    changes: tuple[ResourceChange, ...] = ()
    unchanged: int = 0
    urls: tuple[UrlChange, ...] = ()
    cost: CostChange | None = None
    drift: tuple[Drift, ...] = ()
    notices: tuple[Notice, ...] = ()
    violations: tuple[Violation, ...] = ()
    errors: tuple[str, ...] = ()
    seconds: float = 0

    @property
    def failed(self) -> bool:
        return bool(self.reasons)

    @property
    def refused_by(self) -> tuple[Violation, ...]:
        """The mandatory violations."""
        return tuple(violation for violation in self.violations if violation.mandatory)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it failed."""
        return (*self.errors, *map(str, self.refused_by))

    def json_ready(self) -> dict[str, JsonValue]:
        return {**super().json_ready(), "failed": self.failed}

    def count(self, action: Action) -> int:
        return sum(change.action == action for change in self.changes)

    @property
    def warnings(self) -> tuple[Notice, ...]:
        return tuple(notice for notice in self.notices if notice.severity != "info")
