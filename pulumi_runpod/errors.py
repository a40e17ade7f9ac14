"""Every error a caller can meet. Text = what was tried -> what came back -> what to do.

    RunPodError
    +-- SettingsError            key, URL or timeout missing or malformed
    +-- MissingExtra             a package of an extra is needed and not installed
    +-- InvalidInput             inputs that break rules known without a call, all of them at once
    +-- ConnectionFailed         the request was never sent, or nothing answered a request that changes nothing
    +-- AmbiguousCreate          a POST was sent and its outcome is unknown
    +-- ObjectsVanished          nothing of what was asked for exists: another account?
    +-- OtherAccount             404 for an object that was last seen with another key or URL
    +-- ApiError                 the service answered, and not with success
    |   +-- Unauthorized         401
    |   +-- Forbidden            403
    |   +-- NotFound             404
    |   +-- Conflict             409
    |   +-- Invalid              400, 422
    |   +-- RateLimited          429, after all the waiting that is allowed
    |   +-- ServerError          5xx, after the retries that are allowed
    |   +-- UnexpectedAnswer     not what the published API answers: content type, JSON, shape
    |       +-- UndocumentedStatus  a 2xx that the published API does not give
    +-- VolumeError              files of a volume could not be read or written over S3
    +-- JobError
        +-- JobFailed            the worker reported an error
        +-- JobTimedOut          the service gave up on it: execution limit or time to live
        +-- JobCancelled
        +-- JobGone              the service no longer knows it
        +-- JobNotFinished       we stopped waiting; the job goes on

No text or repr holds a key, a password or an env value: the raiser has removed them (`client/answer.py`).
"""

# ruff: noqa: N818  (the names say what happened, as the standard library's own KeyboardInterrupt does)

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

_LONGEST_REASON = 600
_MOST_REASONS = 8


class RunPodError(Exception):
    """Root. `str(error)` is one line for a person."""


class SettingsError(RunPodError):
    """A key, URL or timeout is missing or malformed; the text names every place where it can be set."""


class MissingExtra(RunPodError, ImportError):
    """A package of an extra is needed and not installed; the text has the command that installs it."""

    def __init__(self, purpose: str, module: str, extra: str) -> None:
        super().__init__(f"{purpose} needs {module}: pip install 'pulumi-runpod-serverless[{extra}]'")


@dataclass(frozen=True)
class Failure:
    """One broken rule: `path` as a property path (`gpu.pools[0]`, empty for the whole), `reason` without the value."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class InvalidInput(RunPodError):
    """Inputs that the service would refuse, found before any call. `failures` holds all of them."""

    def __init__(self, subject: str, failures: Sequence[Failure]) -> None:
        self.subject = subject
        self.failures = tuple(failures)
        super().__init__(f"{subject} is not valid: " + "; ".join(map(str, self.failures)))


class ConnectionFailed(RunPodError):
    """No answer, and nothing was changed by the attempt (or repeating it changes nothing).

    `sent` False: the connection never opened, so that the service has not seen the request.
    """

    def __init__(self, method: str, url: str, reason: str, *, sent: bool = False) -> None:
        self.method, self.url, self.reason, self.sent = method, url, reason, sent
        advice = (
            "the service broke off: try again, or raise `runpod:timeout` (seconds)"
            if sent
            else "check the network, and the base URL (`runpod:apiBaseUrl` or RUNPOD_API_BASE_URL)"
        )
        super().__init__(f"{method} {url} -> {reason}: {advice}")


class AmbiguousCreate(RunPodError):
    """A POST went out and its outcome is unknown: the object may exist, and may be billed. Never repeated blindly.

    `name` is the name that was asked for, `status` the HTTP status where there was one (a 5xx, or a 2xx whose body
    could not be read).
    """

    def __init__(
        self,
        method: str,
        path: str,
        reason: str,
        *,
        kind: str,
        name: str | None = None,
        status: int | None = None,
        advice: str | None = None,
    ) -> None:
        self.method, self.path, self.reason = method, path, reason
        self.kind, self.name, self.status = kind, name, status
        which = f"{kind} {name!r}" if name else kind
        advice = advice or "`pulumi-runpod recover` looks for it and tells the stack; then run `pulumi up` again"
        super().__init__(f"{method} {path} -> {reason}: the {which} may or may not have been created. {advice}")


class ObjectsVanished(RunPodError):
    """Everything that was asked for is missing at once, which a wrong key explains better than a deletion."""

    def __init__(self, kinds: Sequence[str], ids: Sequence[str]) -> None:
        self.kinds, self.ids = tuple(kinds), tuple(ids)
        if len(ids) == 1:
            missing = f"{ids[0]} does not exist, and was last seen with another key or API base URL"
        else:
            shown = f"{', '.join(ids[:5])}{', ...' if len(ids) > 5 else ''}"
            missing = f"none of the {len(ids)} objects asked for exists ({shown})"
        super().__init__(
            f"GET {', '.join(kinds)} -> {missing}: is this the key (or the API base URL) of another account? "
            f"Nothing was taken out of the state. If {'it was' if len(ids) == 1 else 'all were'} really deleted, "
            "refresh again with RUNPOD_ACCEPT_VANISHED=1 in the environment"
        )


class OtherAccount(RunPodError):
    """404 on a write, for an object last seen with another key or base URL: it may live on in another account.

    `seen_with`: the key digest recorded with the object, "" for none; `now`: the digest in use, and its base URL.
    """

    def __init__(
        self,
        method: str,
        path: str,
        *,
        kind: str,
        seen_with: str,
        now: str,
        settings: str = "`runpod:apiKey`, `runpod:apiBaseUrl`",
    ) -> None:
        self.seen_with, self.now = seen_with, now
        before = f"another key or API base URL (fingerprint {seen_with})" if seen_with else "a key that is not recorded"
        super().__init__(
            f"{method} {path} -> 404: the {kind} was last seen with {before}, and this is fingerprint {now}: is this "
            "the key or URL of another account? It stays in the state, as it may live on there. Use the key and URL of "
            f"the account that has it ({settings}). If the key was renewed within one account, run `pulumi refresh` "
            "first. If the object was really deleted, set RUNPOD_ACCEPT_VANISHED=1 in the environment and run the "
            "command again"
        )


class ProblemBody(Protocol):
    """What an error body says: `wire.model.Problem`, or whatever else was understood of an answer."""

    @property
    def title(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def errors(self) -> list[str]: ...


class ApiError(RunPodError):
    """The service answered `status`. `reasons` are its own words, schema failures first and without false ones."""

    advice = ""
    sends = 1
    """How often the request was sent, retries included."""

    def __init__(self, status: int, method: str, path: str, problem: ProblemBody, *, advice: str = "") -> None:
        self.status, self.method, self.path, self.problem = status, method, path, problem
        self.reasons = reasons_of(problem)
        title = problem.title or _phrase(status)
        text = f"{method} {path} -> {status} {title}".rstrip()
        if self.reasons:
            text += ": " + "; ".join(self.reasons)
        advice = advice or self.advice
        super().__init__(f"{text}. {advice}" if advice else text)


class Unauthorized(ApiError):
    advice = (
        "The API key is wrong, expired or of another service: set it with `pulumi config set --secret runpod:apiKey` "
        "or in RUNPOD_API_KEY. (A refresh or destroy takes the stack's config of the last `pulumi up`; with "
        "`--run-program` it takes that of now)"
    )


class Forbidden(ApiError):
    advice = "The API key is valid but may not do this: give it the permission in the RunPod console, or use another"


class NotFound(ApiError):
    """No such object, or one that this key may not see; a `templateId` in a body can be meant as well."""


class Conflict(ApiError):
    """The state of the object, or a name that is taken, conflicts with it."""


class Invalid(ApiError):
    """400: a rule of the service is broken; 422: the body does not fit the schema."""


class RateLimited(ApiError):
    """The quota is used up for longer than we may wait. `retry_after` and `waited` in seconds, when known."""

    def __init__(
        self,
        method: str,
        path: str,
        problem: ProblemBody,
        *,
        retry_after: float | None = None,
        waited: float | None = None,
        status: int = 429,
    ) -> None:
        self.retry_after = retry_after
        when = f"in {retry_after:.0f} s" if retry_after is not None else "later"
        tried = f"Given up after {waited:.0f} s of waiting. " if waited else ""
        advice = f"{tried}Try again {when}; fewer parallel stacks on this key help (`pulumi up --parallel`)"
        super().__init__(status, method, path, problem, advice=advice)


class ServerError(ApiError):
    advice = "That is the service's failure, not yours: try again later"


class UnexpectedAnswer(ApiError):
    """An answer that the published API does not give: another host, a proxy's page, a cut or malformed body."""


class UndocumentedStatus(UnexpectedAnswer):
    """A 2xx that the published API does not give for this method, such as a proxy's page or 202."""

    advice = (
        "Whether anything was done is not known. Look at what answers at `runpod:apiBaseUrl` (a proxy?), then run the "
        "command again"
    )


def error_class(status: int) -> type[ApiError]:
    """The class for a status; `RateLimited` has its own arguments and is built where the wait is known."""
    if status >= 500:
        return ServerError
    return _BY_STATUS.get(status, ApiError)


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
}


def reasons_of(problem: ProblemBody) -> list[str]:
    """What to show of a problem body.

    Bodies are checked against several schema branches: one missing property makes the validator call every other
    property "not allowed". So while something is missing, that alone is shown.
    """
    found = [_plain(text) for text in problem.errors if text.strip()]
    missing = [text for text in found if "missing propert" in text]
    shown = missing or found or ([problem.detail] if problem.detail else [])
    unique = list(dict.fromkeys(text[:_LONGEST_REASON] for text in shown))
    if len(unique) > _MOST_REASONS:
        unique = [*unique[:_MOST_REASONS], f"and {len(unique) - _MOST_REASONS} more"]
    return unique


def _plain(text: str) -> str:
    """`$.scaling.queueDelay: must be ...` -> `scaling.queueDelay: must be ...`; `$: missing ...` -> `missing ...`."""
    if text.startswith("$:"):
        return text[2:].strip()
    return text.removeprefix("$.").strip()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class VolumeError(RunPodError):
    """Files of a volume could not be read or written over S3. `code` is S3's, None where nothing answered."""

    def __init__(self, action: str, reason: str, *, code: str | None = None, advice: str = "") -> None:
        self.code = code
        super().__init__(f"{action} -> {reason.rstrip('.')}. {advice}" if advice else f"{action} -> {reason}")


class JobError(RunPodError):
    """A job did not end well, or its end is not known. `job_id`; `status` as the job API names it, when known."""

    def __init__(self, job_id: str, text: str, *, status: str | None = None) -> None:
        self.job_id, self.status = job_id, status
        super().__init__(text)


class JobFailed(JobError):
    """The worker reported an error. `error` is its text as it came, traceback included where it sent one."""

    def __init__(self, job_id: str, error: str | None, *, advice: str = "") -> None:
        self.error = error or ""
        text = f"job {job_id} -> FAILED: {worker_error(error)}"
        super().__init__(job_id, f"{text}. {advice}" if advice else text, status="FAILED")


class JobTimedOut(JobError):
    def __init__(self, job_id: str, error: str | None = None) -> None:
        super().__init__(
            job_id,
            f"job {job_id} -> TIMED_OUT: {error or 'no result before its limit'}. Raise the endpoint's `timeout` or "
            "the job's policy.executionTimeout (ms), or policy.ttl when it waited too long in the queue",
            status="TIMED_OUT",
        )


class JobCancelled(JobError):
    def __init__(self, job_id: str) -> None:
        super().__init__(
            job_id, f"job {job_id} -> CANCELLED: somebody cancelled it, or the endpoint was deleted", status="CANCELLED"
        )


class JobGone(JobError):
    """404 on a job. The service keeps results for 30 minutes after `/run`, for one after `/runsync`."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            job_id,
            f"job {job_id} -> 404: unknown to this endpoint. Results are kept 30 minutes after `run` and 1 minute "
            "after `runsync`, and a job is deleted when its ttl ends: submit it again",
        )


class JobNotFinished(JobError):
    """We stopped waiting after `waited` seconds. The job goes on, and is billed while it runs."""

    def __init__(self, job_id: str, waited: float, status: str) -> None:
        self.waited = waited
        super().__init__(
            job_id,
            f"job {job_id} -> {status} after {waited:.0f} s: it goes on. Look with `pulumi-runpod job status`, "
            "stop it with `pulumi-runpod job cancel`, or wait longer",
            status=status,
        )


def worker_error(error: str | None) -> str:
    """One line of what a worker reported.

    Two kinds of JSON text are known: the SDK's for an exception (`error_type`, `error_message`, a traceback that is
    left out) and a handler's own (`code`, `message`, `details` with `field` and `problem`). Anything else is shown as
    it came.
    """
    if not error:
        return "the worker gave no reason"
    try:
        document = json.loads(error)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        kind = str(document.get("error_type") or document.get("code") or "").removeprefix("<class '").removesuffix("'>")
        message = str(document.get("error_message") or document.get("message") or "").strip()
        if message:
            return (f"{kind}: {message}{_details(document.get('details'))}" if kind else message)[:_LONGEST_REASON]
    lines = [line for line in error.strip().splitlines() if line.strip()]
    return (lines[-1] if "Traceback" in error else " ".join(lines))[:_LONGEST_REASON]


def _details(result: object) -> str:
    if not isinstance(result, list):
        return ""
    fields = [f"{d['field']} {d['problem']}" for d in result if isinstance(d, dict) and "field" in d and "problem" in d]
    return f" ({'; '.join(fields)})" if fields else ""
