"""Errors as the service answers them: `application/problem+json` with title, status, detail and, for bodies, `errors`.

Rules raise `ProblemError`; only this module knows how one looks on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from pulumi_runpod.wire.model import Problem, Violation


class ProblemError(Exception):
    """A refusal with its status. `errors` are lines of the form `$.size: must be at least 10`."""

    def __init__(
        self, status: int, detail: str, *, errors: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def not_found(kind: str) -> ProblemError:
    return ProblemError(404, f"{kind} not found")


def refused(violations: Sequence[Violation]) -> ProblemError:
    """The first broken rule decides the status, and rules of that status are reported together."""
    status = violations[0].status
    items = [f"{'.'.join(str(p) for p in v.path)}: {v.message}" for v in violations if v.status == status]
    return ProblemError(status, "; ".join(items))


def problem_response(
    status: int, detail: str, *, errors: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> Response:
    body: dict[str, object] = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return Response(json.dumps(body), status_code=status, headers=headers, media_type=Problem.media_type)


async def answer_problem(_: Request, error: Exception) -> Response:
    """Exception handler of the application."""
    if not isinstance(error, ProblemError):
        raise error
    return problem_response(error.status, error.detail, errors=error.errors, headers=error.headers)
