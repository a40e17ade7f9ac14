"""A proxy before the local RunPod that answers some requests itself, with success and a page."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PAGE = b"<html><body>Welcome to the hotel</body></html>"


@dataclass
class LyingProxy:
    """`lie(METHOD, PART OF THE PATH)` from then on; with `works`, the request is passed on before."""

    url: str = ""
    lies: list[tuple[str, str, bool]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """`METHOD path?query` of each request that was answered with the page."""

    def lie(self, method: str, part: str, *, works: bool = False) -> None:
        self.lies.append((method, part, works))

    def lie_for(self, method: str, path: str) -> tuple[str, str, bool] | None:
        return next((lie for lie in self.lies if lie[0] == method and lie[1] in path), None)


@contextmanager
def lying_proxy(upstream: str) -> Iterator[LyingProxy]:
    """Passes everything else on, the Host header included, which signatures cover."""
    proxy = LyingProxy()
    host = urlsplit(upstream).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            lie = proxy.lie_for(self.command, self.path)
            if lie is None or lie[2]:
                connection = http.client.HTTPConnection(host)
                headers = {key: value for key, value in self.headers.items() if key.lower() != "expect"}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                status, content, answered = answer.status, answer.read(), answer.getheaders()
                connection.close()
            if lie is not None:
                proxy.requests.append(f"{self.command} {self.path}")
                status, content, answered = 200, PAGE, [("Content-Type", "text/html")]
            self.send_response(status)
            for key, value in answered:
                if key.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(key, value)
            length = {key.lower(): value for key, value in answered}.get("content-length")
            self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one  # noqa: N815 - the names of http.server

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
