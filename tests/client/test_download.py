"""Results behind a URL."""

from __future__ import annotations

import pytest
from raw_server import http, served

from pulumi_runpod.client.download import download
from pulumi_runpod.errors import RunPodError


def test_the_bytes_are_fetched_without_a_key() -> None:
    """The URL is another host's."""
    with served(http("200 OK", "png bytes", content_type="image/png")) as server:
        assert download(f"{server.url}/a.png?signature=s3cret") == b"png bytes"
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "302 Found"])
def test_a_refusal_does_not_show_the_signature(status: str) -> None:
    """The query may be a right to read."""
    with served(http(status, "")) as server, pytest.raises(RunPodError, match="may have expired") as raised:
        download(f"{server.url}/a.png?signature=s3cret")
    assert "s3cret" not in str(raised.value)


def test_a_host_that_does_not_answer_is_reported() -> None:
    """Without the query, too."""
    with pytest.raises(RunPodError, match=r"GET http://127.0.0.1/a -> ConnectError") as raised:
        download("http://127.0.0.1:1/a?s3cret")
    assert "s3cret" not in str(raised.value)


def test_only_http_is_fetched() -> None:
    """A worker must not make us read a file."""
    with pytest.raises(RunPodError, match="not behind an http"):
        download("file:///etc/passwd")
