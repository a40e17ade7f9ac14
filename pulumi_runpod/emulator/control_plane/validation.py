"""Request bodies against their models, with failures worded as the service's schema validator words them:
`$.size: minimum: got 5, want 10`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pulumi_runpod.emulator.platform.problem import ProblemError, refused
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.wire.model import Request

INVALID = "Request validation failed."
NEWER_FIELDS = frozenset({"entrypoint", "cmd"})
"""Fields that the older document does not know."""
_JSON_TYPES: Mapping[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object", type(None): "null",
}  # fmt: skip
_WANTED = {
    "string_type": "string", "int_type": "integer", "float_type": "number", "bool_type": "boolean",
    "list_type": "array", "dict_type": "object", "model_type": "object", "model_attributes_type": "object",
    "int_from_float": "integer", "int_parsing": "integer", "int_parsing_size": "integer",
    "finite_number": "number", "null": "a value", "string_unicode": "string",
}  # fmt: skip
_BOUNDS = {
    "greater_than_equal": ("minimum", "ge"), "less_than_equal": ("maximum", "le"),
    "string_too_short": ("minLength", "min_length"), "string_too_long": ("maxLength", "max_length"),
    "too_short": ("minItems", "min_length"), "too_long": ("maxItems", "max_length"),
}  # fmt: skip

R = TypeVar("R", bound=Request)


def parse(model: type[R], raw: bytes, *, switches: Switches, branched: bool) -> R:
    """The body as a model. `branched`: the document composes it from `allOf` branches (endpoints and templates).

    Raises ProblemError: 400 when it is no JSON, 422 when it breaks the schema, and what its rules across fields say.
    """
    try:
        result = model.model_validate_json(raw or b"null")
    except ValidationError as failure:
        raise _problem(failure, wall=branched and switches.missing_field_wall) from None
    if switches.document == "2026-08" and (newer := NEWER_FIELDS & result.model_fields_set):
        raise ProblemError(422, INVALID, errors=[_additional(name) for name in sorted(newer)])
    if broken := result.violations():
        raise refused(broken)
    return result


def invalid(path: str, message: str) -> ProblemError:
    """A 422 for one place, such as `query.limit`."""
    return ProblemError(422, INVALID, errors=[f"{path}: {message}"])


def _problem(failure: ValidationError, *, wall: bool) -> ProblemError:
    details = failure.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        return ProblemError(400, "request body is not valid JSON")
    lines = [_line(d) for d in details]
    body = details[0]["input"]
    missing = [d for d in details if d["type"] in ("missing", "missing_image") and len(d["loc"]) <= 1]
    if wall and missing and isinstance(body, dict):
        wrong = {d["loc"][0] for d in details if d["loc"]}
        lines = [_additional(name) for name in body if name not in wrong] + lines
    return ProblemError(422, INVALID, errors=lines)


def _line(detail: ErrorDetails) -> str:
    kind, loc, context = detail["type"], list(detail["loc"]), detail.get("ctx", {})
    if len(loc) > 1 and loc[0] == "scaling":
        del loc[1]  # the tag of the union, which is no member of the body
    if kind == "missing":
        return f"{_path(loc[:-1])}: missing property '{loc[-1]}'"
    if kind == "extra_forbidden":
        return f"{_path(loc[:-1])}: additional properties '{loc[-1]}' not allowed"
    if kind == "union_tag_not_found":
        return f"{_path(loc)}: missing property 'type'"
    value = detail["input"]
    if kind in _WANTED:
        message = f"got {_JSON_TYPES.get(type(value), 'value')}, want {_WANTED[kind]}"
    elif kind in _BOUNDS and _BOUNDS[kind][1] in context:  # our own checks borrow the names, and tell their limits
        keyword, name = _BOUNDS[kind]
        message = f"{keyword}: got {value if keyword.endswith('imum') else len(value)}, want {context[name]}"
    elif kind == "literal_error":
        message = f"value must be one of {str(context['expected']).replace(' or ', ', ')}"
    elif kind == "union_tag_invalid":
        message = f"value must be one of {context['expected_tags']}"
        loc.append("type")
    elif kind == "string_pattern_mismatch":
        message = f"does not match pattern '{context['pattern']}'"
    else:
        message = detail["msg"]
    return f"{_path(loc)}: {message}"


def _additional(name: object) -> str:
    return f"$: additional properties '{name}' not allowed"


def _path(loc: list[int | str]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
