"""Answers as they are, and a key that never leaves over plain HTTP."""

from __future__ import annotations

import pytest

from pulumi_runpod.client.exchange import Exchanges
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import ConnectionFailed, SettingsError
from pulumi_runpod.settings import Settings


def test_a_status_is_an_answer_and_not_an_error() -> None:
    """With and without a key; JSON is parsed, an empty body is None."""
    with LocalRunPod() as server, Exchanges(Settings.load({}, server.environment)) as exchanges:
        assert exchanges.send("GET", "/v2/templates").body["templates"] == []
        refused = exchanges.send("GET", "/v2/templates", key=None)
        assert (refused.status, refused.media_type) == (401, "application/problem+json")
        made = exchanges.send("POST", "/v2/templates", {"name": "a", "image": "registry.example.com/a:1"})
        assert exchanges.send("DELETE", f"/v2/templates/{made.body['id']}").body is None


def test_the_key_is_not_sent_over_plain_http() -> None:
    """To a URL that the service gave, too."""
    with (
        Exchanges(Settings.load({"runpod:apiKey": "a-key"}, {})) as exchanges,
        pytest.raises(SettingsError, match="http"),
    ):
        exchanges.send("POST", "http://jobs.example.com/run", {})


def test_a_server_that_does_not_answer_is_one_error() -> None:
    """With the method and the URL."""
    settings = Settings.load({"runpod:apiKey": "a-key", "runpod:apiBaseUrl": "http://127.0.0.1:9"}, {})
    with Exchanges(settings) as exchanges, pytest.raises(ConnectionFailed, match="GET /v2/templates"):
        exchanges.send("GET", "/v2/templates")
