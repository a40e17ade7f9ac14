"""Numbers that people give: bounded on entry, and every bad one named on a separate line.

Refuses NaN, infinity, zero and negative amounts where they mean nothing, and figures beyond any real service.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

WEEK_SECONDS = 7 * 24 * 3600

RequestsPerDay = Annotated[Decimal, Field(gt=0, le=1_000_000_000, allow_inf_nan=False)]
Seconds = Annotated[Decimal, Field(gt=0, le=WEEK_SECONDS, allow_inf_nan=False)]
"""Up to seven days, the longest that RunPod lets a job run."""
HoursPerDay = Annotated[Decimal, Field(gt=0, le=24, allow_inf_nan=False)]
GpuMemoryGb = Annotated[Decimal, Field(gt=0, le=10_000, allow_inf_nan=False)]
Gigabytes = Annotated[int, Field(ge=1, le=100_000)]
HourlyPrice = Annotated[Decimal, Field(gt=0, le=10_000, allow_inf_nan=False)]
"""USD per hour."""


_inside: ContextVar[bool] = ContextVar("_inside", default=False)


@dataclass(frozen=True)
class Mistake:
    """One bad value: `field` as the program names it, the value, and what is allowed."""

    field: str
    value: object
    allowed: str

    def line(self, name: str | None = None) -> str:
        """`requests_per_day is -5: must be above 0 and at most 1,000,000,000`, under another name if one is given."""
        if self.value is None:
            return f"{name or self.field}: {self.allowed}"
        return f"{name or self.field} is {_shown(self.value)}: {self.allowed}"


class PlanningError(Exception):
    """Values that no plan can be made from; `mistakes` holds all of them, `str` shows one a line."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(mistake.line() for mistake in mistakes))


class Given(BaseModel):
    """What a program, a stack or a command line gives us. camelCase in JSON, snake_case in Python, closed, frozen.

    Raises PlanningError, never pydantic's own error: a wrong number deserves a line, not a report.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid", frozen=True
    )

    _raises: ClassVar[type[PlanningError]] = PlanningError

    @model_validator(mode="wrap")
    @classmethod
    def _one_line_each(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # Within another model, pydantic's errors go on to it, so that the outermost tells all mistakes at once.
        outermost = not _inside.get()
        token = _inside.set(True)
        try:
            checked = handler(given)
        except ValidationError as error:
            if not outermost:
                raise
            mistakes = [_mistake(cls, e) for e in error.errors(include_url=False)]
        else:
            mistakes = checked.contradictions()
            if not mistakes:
                return checked
            if not outermost:
                first = mistakes[0]
                raise PydanticCustomError("contradiction", "contradiction", {"mistake": first})
        finally:
            _inside.reset(token)
        raise cls._raises(mistakes)

    def contradictions(self) -> list[Mistake]:
        """Values that are each possible but not together. None by default."""
        return []


def _mistake(model: type[BaseModel], error: ErrorDetails) -> Mistake:
    location = [str(part) for part in error["loc"]]
    home, path = _home(model, location)
    field = ".".join(path)
    if error["type"] == "contradiction":
        inner: Mistake = error["ctx"]["mistake"]
        return Mistake(".".join([*path, inner.field]), inner.value, inner.allowed)
    if error["type"] == "extra_forbidden":
        return Mistake(field, None, f"there is no such value here; known are {', '.join(home.model_fields)}")
    if error["type"] == "missing":
        return Mistake(field, None, "must be given")
    names = [part for part in path if part in home.model_fields]
    return Mistake(field or home.__name__, error["input"], (names and _range(home, names[-1])) or _reason(error))


def _home(model: type[BaseModel], location: list[str]) -> tuple[type[BaseModel], list[str]]:
    """The innermost model that a location leads to, and the location in the names of Python."""
    path = []
    for part in location:
        names = {to_camel(name): name for name in model.model_fields}
        name = names.get(part, part)
        path.append(name)
        if name in model.model_fields and (inner := _inner(model.model_fields[name].annotation)) is not None:
            model = inner
    return model, path


def _inner(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _inner(argument)) is not None), None)


def _range(model: type[BaseModel], field: str) -> str | None:
    info = model.model_fields.get(field)
    schema: dict[str, Any] = model.model_json_schema(mode="validation")["properties"].get(to_camel(field), {})
    for branch in (schema, *schema.get("anyOf", [])):
        low = branch.get("minimum", branch.get("exclusiveMinimum"))
        high = branch.get("maximum")
        if info is not None and low is not None and high is not None:
            kind = "a whole number" if branch.get("type") == "integer" else "a number"
            start = f"from {low:,.15g}" if "minimum" in branch else f"above {low:,.15g}"
            return f"must be {kind} {start}{' to' if 'minimum' in branch else ' and at most'} {high:,.15g}"
    return None


def _reason(error: ErrorDetails) -> str:
    return error["msg"].replace("Input should", "must").replace("String should", "must")


def _shown(value: object) -> str:
    """A number as it was typed, anything else in quotes."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return repr(value)
    return str(value)
