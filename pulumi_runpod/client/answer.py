"""Turns what came back into objects or into one error: statuses, content types, shapes; secrets taken out of texts.

A 404 counts as "no such object" only in the published error shape: a proxy's or another host's 404 must never look like
a deletion.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

import httpx
from pydantic import ValidationError

from pulumi_runpod.client.ratelimit import retry_after
from pulumi_runpod.client.transport import never_sent
from pulumi_runpod.errors import (
    AmbiguousCreate,
    ApiError,
    ConnectionFailed,
    NotFound,
    RateLimited,
    RunPodError,
    UnexpectedAnswer,
    error_class,
)
from pulumi_runpod.wire.model import JsonObject, Problem, Response

R = TypeVar("R", bound=Response)

Shape = Literal["published", "v1", "other"]

_SHORTEST_SECRET = 4
_HIDDEN = "[secret]"


def json_object(response: httpx.Response) -> JsonObject:
    """The JSON object of a successful answer. Raises `UnexpectedAnswer`."""
    kind = media_type(response)
    if kind != "application/json" and not kind.endswith("+json"):
        raise unexpected(response, f"expected application/json, got {kind or 'no content type'}")
    try:
        body = response.json()
    except ValueError:
        raise unexpected(response, f"the body is not JSON ({len(response.content)} bytes): cut on the way?") from None
    except RecursionError:
        raise unexpected(response, f"the body is nested too deeply ({len(response.content)} bytes)") from None
    if not isinstance(body, dict):
        raise unexpected(response, f"expected a JSON object, got {_json_name(body)}")
    return body


def items(fields: JsonObject, list_key: str, response: httpx.Response) -> list[JsonObject]:
    """The objects of a list answer. Raises `UnexpectedAnswer`."""
    found = fields.get(list_key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise unexpected(response, f"the answer has no list {list_key!r}")
    return found


def parsed(model: type[R], result: Any, response: httpx.Response) -> R:
    """The value as the model. Raises `UnexpectedAnswer` that names the first fields that do not fit, without values."""
    try:
        return model.model_validate(result)
    except ValidationError as error:
        misfit = _misfit(model, error)
    raise unexpected(response, misfit)


def parsed_item(model: type[R], result: Any, *, method: str, path: str) -> R:
    """`parsed` for one object of a list, whose answer is no longer at hand."""
    try:
        return model.model_validate(result)
    except ValidationError as error:
        misfit = _misfit(model, error)
    raise UnexpectedAnswer(200, method, path, Problem(detail=misfit))


def missing(kind: str) -> Problem:
    """What a 404 says, for kinds that have no route to ask."""
    return Problem(title="Not Found", status=404, detail=f"no such {kind} in the list")


def unexpected(response: httpx.Response, detail: str) -> UnexpectedAnswer:
    advice = (
        f"Is {response.request.url.scheme}://{response.request.url.netloc.decode()} a RunPod REST v2 API? "
        "See `runpod:apiBaseUrl` or RUNPOD_API_BASE_URL"
    )
    request = response.request
    return UnexpectedAnswer(
        response.status_code, request.method, request.url.path, Problem(detail=detail), advice=advice
    )


def api_error(response: httpx.Response, secrets: Iterable[str] = ()) -> ApiError:
    """The error for an answer without success."""
    status, request = response.status_code, response.request
    problem, shape = read_problem(response, secrets)
    if status == 429:
        return _rate_limited(response, problem)
    kind = error_class(status)
    if kind is NotFound and shape != "published":
        return unexpected(
            response, f"not the error body of a RunPod v2 API ({media_type(response) or 'no content type'})"
        )
    if 300 <= status < 400:
        return unexpected(response, f"a redirect, to {redirect_target(response)}; redirects are not followed")
    if shape == "v1":
        return unexpected(response, f"the error shape of REST v1: {problem.detail}")
    return kind(status, request.method, request.url.path, problem)


def job_api_error(response: httpx.Response, secrets: Iterable[str] = ()) -> ApiError:
    """The error for an answer of the job API, whose error bodies are not published: whatever it says is shown."""
    problem, _ = read_problem(response, secrets)
    status, request = response.status_code, response.request
    if status == 429:
        return _rate_limited(response, problem)
    advice = "Does the endpoint still exist, under this key?" if status == 404 else ""
    return error_class(status)(status, request.method, request.url.path, problem, advice=advice)


def read_problem(response: httpx.Response, secrets: Iterable[str] = ()) -> tuple[Problem, Shape]:
    """The error body with secrets taken out, and whose shape it has."""
    if "json" in media_type(response):
        try:
            document = json.loads(response.content)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            try:
                problem = Problem.model_validate(document)
            except ValidationError:
                problem = Problem()
            if problem.title or problem.detail:
                return _without(problem, secrets), "published"
            text = document.get("error") or document.get("message")
            if isinstance(text, str):
                shape: Shape = "v1" if response.status_code == 500 and set(document) == {"error"} else "other"
                return _without(Problem(detail=text), secrets), shape
    kind = media_type(response)
    if kind == "text/plain" and len(response.content) < 500:
        return _without(Problem(detail=response.text.strip()), secrets), "other"
    return Problem(detail=f"{kind} answer" if kind else ""), "other"


def failure(
    error: httpx.TransportError, method: str, path: str, *, url: str, kind: str, name: str | None, creates: bool
) -> RunPodError:
    """The error for a request without (a whole) answer."""
    reason = connection_reason(error)
    if creates and not never_sent(error):
        return AmbiguousCreate(method, path, reason, kind=kind, name=name)
    return ConnectionFailed(method, url, reason, sent=not never_sent(error))


def connection_reason(error: httpx.TransportError) -> str:
    """What happened to the connection, in words of the network."""
    match error:
        case httpx.ConnectTimeout():
            return "no connection in time"
        case httpx.PoolTimeout():
            return "too many requests at once on this machine"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.ConnectError():
            return f"cannot connect ({_lowered(error)})"
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return f"the connection was cut ({_lowered(error)})"
        case _:
            return f"{type(error).__name__} ({_lowered(error)})"


def secrets_of(body: JsonObject, fields: Iterable[str], key: str) -> tuple[str, ...]:
    """Every text below the secret fields of a body, and the key: what no message may repeat. Longest first."""
    found: set[str] = {key}
    waiting: list[Any] = [body[field] for field in fields if field in body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return tuple(sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it replaced, as it is or as JSON writes it."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN).replace(json.dumps(secret)[1:-1], _HIDDEN)
    return text


def media_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).split(";")[0].strip().lower()


def redirect_target(response: httpx.Response) -> str:
    """Where a redirect leads, without query: it may hold more than should be shown."""
    return str(response.headers.get("location", "nowhere")).split("?")[0][:200]


def _rate_limited(response: httpx.Response, problem: Problem) -> RateLimited:
    request = response.request
    waited = response.extensions.get("waited")
    return RateLimited(
        request.method,
        request.url.path,
        problem,
        retry_after=retry_after(response.headers),
        waited=waited if isinstance(waited, float) else None,
    )


def _without(problem: Problem, secrets: Iterable[str]) -> Problem:
    secrets = tuple(secrets)
    return Problem(
        title=hidden(problem.title, secrets),
        status=problem.status,
        detail=hidden(problem.detail, secrets),
        errors=[hidden(text, secrets) for text in problem.errors],
    )


def _misfit(model: type[Response], error: ValidationError) -> str:
    """Which fields do not fit, without their values."""
    wrong = [
        f"{'.'.join(str(part) for part in e['loc']) or 'answer'}: {e['msg']}"
        for e in error.errors(include_input=False, include_url=False, include_context=False)[:3]
    ]
    return f"the answer is no {model.__name__} as published ({'; '.join(wrong)})"


def _json_name(value: object) -> str:
    return {list: "an array", str: "a string", type(None): "null", bool: "a boolean"}.get(type(value), "a number")


def _lowered(error: Exception) -> str:
    text = str(error).strip().rstrip(".") or type(error).__name__
    return text[:1].lower() + text[1:]
