"""A web server of one file, for weights behind URLs; and a loop of their own for programs under Pulumi's mocks."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


class Web:
    """Serves what `url` was given; `cut_first_at` closes the first connection after so many bytes."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self.content = b""
        self.cut_first_at: int | None = None
        self.ranges: list[str | None] = []
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                web.ranges.append(asked)
                first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                body = web.content[first:]
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                cut, web.cut_first_at = web.cut_first_at, None
                self.wfile.write(body[:cut])
                if cut is not None:
                    self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def requests(self) -> int:
        return len(self.ranges)

    def url(self, content: bytes) -> str:
        self.content = content
        return f"http://127.0.0.1:{self._server.server_address[1]}/weights.bin"

    def cached(self) -> list[Path]:
        """Downloads that were left behind."""
        return [path for path in self._cache.rglob("downloads/*") if path.stat().st_size]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    serving = Web(tmp_path / "xdg")
    yield serving
    serving.close()


@pytest.fixture(autouse=True)
def _current_loop(mock_loop: asyncio.AbstractEventLoop) -> None:
    """Pulumi's mocks take the thread's loop, which `asyncio.run` in an earlier test has taken away."""
    asyncio.set_event_loop(mock_loop)
