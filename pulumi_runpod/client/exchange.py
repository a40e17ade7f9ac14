"""One request and its answer as they are: no retry, no model, no error for a status. For comparing services."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from pulumi_runpod.client import answer
from pulumi_runpod.client.transport import PooledTransport
from pulumi_runpod.client.version import USER_AGENT
from pulumi_runpod.errors import ConnectionFailed, SettingsError
from pulumi_runpod.settings import Settings, plain_http_mistake


@dataclass(frozen=True)
class Answer:
    """Status, media type (`application/json`) and body: parsed JSON, else the text, None where there is none."""

    status: int
    media_type: str
    body: Any


class Exchanges:
    """Requests to one account. Paths are below the control plane's URL; absolute URLs are taken as they are."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._http = httpx.Client(
            base_url=settings.api_base_url,
            timeout=httpx.Timeout(settings.timeout, connect=settings.connect_timeout),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            transport=PooledTransport(),
        )

    def send(self, method: str, url: str, body: object = None, *, key: str | None = "") -> Answer:
        """`key`: empty for the account's own, None for no key. Raises `ConnectionFailed`, `SettingsError`."""
        bearer = self.settings.key if key == "" else key
        target = self._http.base_url.join(url)
        if bearer is not None and not self.settings.allow_plain_http and (mistake := plain_http_mistake(str(target))):
            raise SettingsError(mistake)
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        try:
            response = self._http.request(method, url, json=body, headers=headers)
        except httpx.TransportError as error:
            raise ConnectionFailed(method, url.split("?")[0], answer.connection_reason(error)) from error
        return Answer(response.status_code, answer.media_type(response), _parsed(response.text))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text[:2000]
