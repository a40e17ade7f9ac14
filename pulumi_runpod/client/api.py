"""The control plane: one generic client that works from a `Collection`. Sync, thread-safe, one per account and process.

Bodies are the wire's request models, sent as far as they were set. Every answer is checked; every failure is one error
of `errors.py`. There is no method per kind, and no adoption by name.
"""

from __future__ import annotations

import random as random_module
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from pulumi_runpod.client import answer
from pulumi_runpod.client.lists import PATIENCE, Census, Listing, Lists
from pulumi_runpod.client.pacing import Pacer
from pulumi_runpod.client.retry import RetryPolicy
from pulumi_runpod.client.transport import PooledTransport, RetryTransport, sends_of
from pulumi_runpod.client.version import USER_AGENT
from pulumi_runpod.errors import (
    AmbiguousCreate,
    ApiError,
    Failure,
    InvalidInput,
    NotFound,
    ObjectsVanished,
    OtherAccount,
    RunPodError,
    ServerError,
    UndocumentedStatus,
)
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import Collection, JsonObject, Pagination, Problem, Request, Response

if TYPE_CHECKING:
    # Models of an endpoint at work: loaded when one is asked about.
    from pulumi_runpod.wire.log import LogLine, LogSource
    from pulumi_runpod.wire.release import Releases, Workers

_MOST_PAGES = 1000
_DOCUMENTED: Mapping[str, frozenset[int]] = {
    "GET": frozenset({200}),
    "PATCH": frozenset({200}),
    # The object in the body, which is checked, tells as much with a plain 200.
    "POST": frozenset({200, 201}),
    "DELETE": frozenset({204}),
}
"""Statuses of success in the published document. Others come from a proxy, or mean that something is yet to happen."""


class RunPodClient:
    """Raises, from every method: `SettingsError` without a key, `ConnectionFailed`, and `ApiError` by status.

    Retried without being asked: 429 for every method (bounded, see `RetryPolicy`); 502, 503, 504, cut connections and
    read timeouts for GET, DELETE and PATCH; 500 for the same; a cut JSON body for GET and PATCH; a POST only while the
    connection does not open.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        policy: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
        patience: float = PATIENCE,
    ) -> None:
        """`transport` is what really sends (default: a connection pool); the rest are seams for tests."""
        self.settings = settings
        self._http = httpx.Client(
            base_url=settings.api_base_url,
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout, pool=None),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            transport=RetryTransport(
                transport or PooledTransport(),
                policy or RetryPolicy(),
                pacer=Pacer(monotonic=monotonic, sleep=sleep),
                sleep=sleep,
                random=random,
            ),
        )
        self._monotonic = monotonic
        self._lists = Lists(monotonic)
        self._census = Census(patience)
        self._first_lists = Lists(lambda: 0.0)

    def get(self, collection: Collection, object_id: str) -> Response:
        """The object. Raises `NotFound`. A kind without a GET by id is looked for in its list."""
        if not collection.get_by_id:
            for item in self._pages(collection):
                if item.get("id") == object_id:
                    return self._item(collection, item)
            raise NotFound(404, "GET", _path(collection, object_id), answer.missing(collection.kind))
        response = self._send("GET", _path(collection, object_id), kind=collection.kind)
        return answer.parsed(collection.read, answer.json_object(response), response)

    def list(self, collection: Collection) -> list[Response]:
        """All objects of the kind, through all pages, newest first where the service sorts. Never cached."""
        return [self._item(collection, item) for item in self._pages(collection)]

    def first_list(self, collection: Collection) -> Sequence[Response]:
        """All objects of the kind as they were when this process first asked: one call, shared by all threads.

        Made for creates, which ask what was there before them. Empty for a kind that the service does not have.
        """
        try:
            listing = self._first_lists.get(collection.path, lambda: self._listing(collection))
        except NotFound:
            return []
        return [self._item(collection, item) for item in listing.values()]

    @property
    def key_digest(self) -> str:
        """`Settings.key_digest`."""
        return self.settings.key_digest

    def find(self, collection: Collection, object_id: str, *, seen_with: str | None = None) -> Response | None:
        """The object from the shared list of its kind; when it is not there, by one GET; None only after a 404.

        Made for refresh: any number of threads asking at once cost one list call per kind. A list is used again until
        this process writes anything, at most 30 s. Raises `ObjectsVanished` instead of answering None when several
        objects of the kind (or several in all) were asked for and none exists, unless `settings.accept_vanished`: a key
        of another account must not empty a state. `seen_with` is the `key_digest` under which the object was last seen,
        None where that is not known: with another one, a single missing object is enough for the error.
        """
        ticket = self._census.begin()
        try:
            item = self._lists.get(collection.path, lambda: self._listing(collection)).get(object_id)
            if item is not None:
                found: Response | None = self._item(collection, item)
            elif collection.get_by_id:
                found = self._get_or_none(collection, object_id)
            else:
                found = None
        except BaseException:
            self._census.abandon(ticket)
            raise
        if found is not None:
            self._census.found(ticket, collection.path, seen_with)
            return found
        if self.settings.accept_vanished:
            self._census.abandon(ticket)
            return None
        other_key = None if seen_with == self.key_digest else seen_with
        if vanished := self._census.missing(ticket, collection.path, object_id, other_key=other_key):
            raise ObjectsVanished(*vanished)
        return None

    def create(self, collection: Collection, body: Request) -> Response:
        """The new object. Sent once: raises `AmbiguousCreate` when it is not known whether the service acted on it."""
        response = self._write("POST", collection.path, collection, body)
        try:
            return answer.parsed(collection.read, answer.json_object(response), response)
        except ApiError as error:
            # It exists, by its status, but what came of it cannot be read: it must be found again.
            raise AmbiguousCreate(
                "POST",
                collection.path,
                f"{response.status_code}, {'; '.join(error.reasons)}",
                kind=collection.kind,
                name=_name_of(body),
                status=response.status_code,
            ) from error

    def update(self, collection: Collection, object_id: str, body: Request) -> Response:
        """The object after a PATCH with what `body` sets. Raises `NotFound`, `Invalid`."""
        response = self._write("PATCH", _path(collection, object_id), collection, body)
        return answer.parsed(collection.read, answer.json_object(response), response)

    def delete(self, collection: Collection, object_id: str, *, seen_with: str | None = None) -> bool:
        """True when this call deleted it, False when it was gone already.

        `seen_with` is the `key_digest` under which the object was last seen, "" where that is not recorded. With
        another one, a 404 raises `OtherAccount`, unless this client has found or deleted an object that was last seen
        with that same digest, or `settings.accept_vanished`. None: the caller has just seen the object with this key.

        Raises `UnexpectedAnswer` when the answer is not the documented 204 and the object is still there.
        """
        path = _path(collection, object_id)
        with self._writing():
            try:
                self._send("DELETE", path, kind=collection.kind)
            except NotFound as error:
                if not self._is_here(seen_with):
                    raise OtherAccount(
                        "DELETE", path, kind=collection.kind, seen_with=seen_with or "", now=self._fingerprint
                    ) from error
                # A repeated DELETE whose first answer got lost finds nothing either.
                return error.sends > 1
            except UndocumentedStatus:
                # Accepted for later, or a page of something in between: only what is gone now counts as deleted.
                if self._is_there(collection, object_id):
                    raise
        self._census.deleted(seen_with)
        return True

    def _is_here(self, seen_with: str | None) -> bool:
        """Whether this account is the one of objects last seen with that key digest."""
        if seen_with is None or seen_with == self.key_digest or self.settings.accept_vanished:
            return True
        return self._census.proves(seen_with)

    def _is_there(self, collection: Collection, object_id: str) -> bool:
        """Whether anything but the published 404 answers for the object; nothing is read of it."""
        if not collection.get_by_id:
            return any(item.get("id") == object_id for item in self._pages(collection))
        try:
            self._send("GET", _path(collection, object_id), kind=collection.kind)
        except NotFound:
            return False
        return True

    @property
    def _fingerprint(self) -> str:
        return f"{self.key_digest} at {self.settings.api_base_url}"

    def workers(self, endpoint_id: str) -> Workers:
        """The workers of an endpoint that are active now. Raises `NotFound`."""
        from pulumi_runpod.wire.release import Workers

        response = self._send("GET", f"{_endpoint_path(endpoint_id)}/workers", kind="endpoint")
        return answer.parsed(Workers, answer.json_object(response), response)

    def releases(self, endpoint_id: str) -> Releases:
        """The newest releases (one page) and how far the roll-out has come. Raises `NotFound`."""
        from pulumi_runpod.wire.release import Releases

        response = self._send("GET", f"{_endpoint_path(endpoint_id)}/releases", kind="endpoint")
        return answer.parsed(Releases, answer.json_object(response), response)

    def worker_logs(
        self,
        endpoint_id: str,
        worker_id: str,
        *,
        tail: int = 100,
        source: LogSource | None = None,
        deadline: float = 5.0,
        quiet: float = 1.0,
    ) -> Sequence[LogLine]:
        """At most the last `tail` (0-5000) lines of a worker.

        The service keeps the stream open for ever: reading ends after `tail` lines, after `quiet` seconds without a new
        one, or after `deadline` seconds. Raises `NotFound`.
        """
        from pulumi_runpod.client.logs import read_lines

        if not 0 <= tail <= 5000:
            raise InvalidInput("worker logs", [Failure("tail", "must be from 0 to 5000")])
        path = f"{_endpoint_path(endpoint_id)}/workers/{_segment(worker_id)}/logs"
        params: dict[str, str] = {"tail": str(tail)} | ({"source": source} if source else {})
        request = self._request(
            "GET", path, params=params, headers={"Accept": "text/event-stream"}, extensions={"streaming": True}
        )
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": quiet}
        ends = self._monotonic() + deadline
        try:
            response = self._http.send(request, stream=True)
        except httpx.ReadTimeout:
            # Headers may wait for the first line, which never comes from a worker that wrote none.
            return []
        except httpx.TransportError as error:
            raise self._failure(error, request, kind="worker", name=None, creates=False) from error
        with closing(response):
            if response.is_error:
                raise answer.api_error(response, self._key_alone())
            if answer.media_type(response) != "text/event-stream":
                raise answer.unexpected(response, f"expected text/event-stream, got {answer.media_type(response)}")
            return read_lines(response.iter_bytes(), most=tail, ended=lambda: self._monotonic() >= ends)

    def fetch(
        self, path: str, params: Mapping[str, str] | None = None, *, kind: str
    ) -> tuple[JsonObject, httpx.Response]:
        """GET of a path that is not a collection (catalog, billing); the object and the answer, for messages."""
        response = self._send("GET", path, kind=kind, params=params)
        return answer.json_object(response), response

    def fetch_one(self, collection: Collection, object_id: str) -> tuple[JsonObject, httpx.Response]:
        """`get` without a model: the object exactly as the service returns it. Raises `NotFound`."""
        return self.fetch(_path(collection, object_id), kind=collection.kind)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> RunPodClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RunPodClient({self.settings.api_base_url})"

    def _get_or_none(self, collection: Collection, object_id: str) -> Response | None:
        try:
            return self.get(collection, object_id)
        except NotFound:
            return None

    def _listing(self, collection: Collection) -> Listing:
        return {str(item["id"]): item for item in self._pages(collection) if "id" in item}

    def _item(self, collection: Collection, item: JsonObject) -> Response:
        return answer.parsed_item(collection.read, item, method="GET", path=collection.path)

    def _pages(self, collection: Collection) -> Iterator[JsonObject]:
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            params = {"cursor": cursor} if cursor else None
            response = self._send("GET", collection.path, kind=collection.kind, params=params)
            result = answer.json_object(response)
            yield from answer.items(result, collection.list_key, response)
            if result.get("pagination") is None:
                return
            page = answer.parsed(Pagination, result["pagination"], response)
            if not page.has_next_page or page.next_cursor is None:
                return
            if page.next_cursor == cursor:
                raise answer.unexpected(response, "the next page is the same page again")
            cursor = page.next_cursor
        raise answer.unexpected(response, f"more than {_MOST_PAGES} pages")

    def _write(self, method: str, path: str, collection: Collection, body: Request) -> httpx.Response:
        fields: JsonObject = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
        secret = {
            type(body).model_fields[f].alias or f for f in collection.secret_fields & set(type(body).model_fields)
        }
        with self._writing():
            return self._send(
                method,
                path,
                kind=collection.kind,
                name=_name_of(body),
                body=fields,
                secrets=answer.secrets_of(fields, secret, self.settings.key),
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._lists.forget()
        try:
            yield
        finally:
            self._lists.forget()

    def _send(
        self,
        method: str,
        path: str,
        *,
        kind: str,
        name: str | None = None,
        body: JsonObject | None = None,
        params: Mapping[str, str] | None = None,
        secrets: Iterable[str] | None = None,
    ) -> httpx.Response:
        """A successful answer, or the error."""
        request = self._request(method, path, params=params, body=body)
        creates = method == "POST"
        try:
            response = self._http.send(request)
        except httpx.TransportError as error:
            raise self._failure(error, request, kind=kind, name=name, creates=creates) from error
        if response.status_code in _DOCUMENTED[method]:
            return response
        if response.is_success:
            raise self._undocumented(response, kind=kind, name=name, creates=creates)
        problem = answer.api_error(response, self._key_alone() if secrets is None else secrets)
        problem.sends = sends_of(response)
        if creates and isinstance(problem, ServerError):
            # The service may have failed after it had made the object.
            text = "; ".join([f"{problem.status} {problem.problem.title}".strip(), *problem.reasons])
            raise AmbiguousCreate(method, path, text, kind=kind, name=name, status=problem.status) from problem
        raise problem

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, object] | None = None,
    ) -> httpx.Request:
        authorization = {"Authorization": f"Bearer {self.settings.key}"}
        return self._http.build_request(
            method,
            path,
            params=params,
            json=body,
            headers={**authorization, **(headers or {})},
            extensions={"timeout": self._http.timeout.as_dict(), **(extensions or {})},
        )

    def _failure(
        self, error: httpx.TransportError, request: httpx.Request, *, kind: str, name: str | None, creates: bool
    ) -> Exception:
        url = f"{self.settings.api_base_url}{request.url.path}"
        return answer.failure(error, request.method, request.url.path, url=url, kind=kind, name=name, creates=creates)

    def _undocumented(self, response: httpx.Response, *, kind: str, name: str | None, creates: bool) -> RunPodError:
        """The error for a success that the published API does not give: it says nothing about the object."""
        method, path, status = response.request.method, response.request.url.path, response.status_code
        what = answer.media_type(response) or "no content type"
        if creates:
            return AmbiguousCreate(method, path, f"{status} ({what})", kind=kind, name=name, status=status)
        documented = " or ".join(map(str, sorted(_DOCUMENTED[method])))
        return UndocumentedStatus(status, method, path, Problem(detail=f"expected {documented}, got {status} ({what})"))

    def _key_alone(self) -> tuple[str, ...]:
        return (self.settings.key,)


def _path(collection: Collection, object_id: str) -> str:
    return collection.url(_segment(object_id))


def _endpoint_path(endpoint_id: str) -> str:
    from pulumi_runpod.wire.endpoint import ENDPOINTS

    return _path(ENDPOINTS, endpoint_id)


def _segment(text: str) -> str:
    """A path segment; refuses what would lead to another route."""
    if not text or text in (".", ".."):
        raise InvalidInput("the request", [Failure("id", f"{text!r} is no id")])
    return quote(text, safe="")


def _name_of(body: Request) -> str | None:
    name = getattr(body, "name", None)
    return name if isinstance(name, str) else None
