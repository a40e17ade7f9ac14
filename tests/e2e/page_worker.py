"""A load balancer's worker on the standard library's server, which answers one request at a time."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer({"healthy": True} if self.path == "/ping" else {"page": self.path, "mode": os.environ["MODE"]})

    def do_POST(self) -> None:
        self.answer({"text": self.rfile.read(int(self.headers["content-length"])).decode().upper()})

    def answer(self, result: object) -> None:
        body = json.dumps(result).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Pages).serve_forever()
