"""The bytes of a body as the client meant them: plain, or in aws-chunked framing, signed or not, with trailers.

A stream of pieces, never the whole: memory stays flat. What the framing or the signature promises is checked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request

from pulumi_runpod.emulator.s3.error import S3Error, not_implemented
from pulumi_runpod.emulator.s3.signature import Signed

_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_FRAMED = (_UNSIGNED_TRAILER, _SIGNED, _SIGNED_TRAILER)
_LONGEST_LINE = 4096


class Body:
    """The payload of one request. After `pieces` is exhausted, `trailers` holds what came behind it (names in small).

    Raises S3Error from the constructor when the length is unknown, from `pieces` when the body is another one.
    """

    def __init__(self, request: Request, signed: Signed) -> None:
        self._request = request
        self._signed = signed
        self._how = signed.content_sha256
        if self._how.startswith("STREAMING-") and self._how not in _FRAMED:
            raise not_implemented(f"Payload signing {self._how}")
        self.framed = self._how in _FRAMED
        header = request.headers.get("x-amz-decoded-content-length" if self.framed else "content-length", "")
        if not header.isdigit():
            raise S3Error("MissingContentLength", "The length of the body is missing.")
        self.length = int(header)
        """Bytes of payload."""
        self.trailers: Mapping[str, str] = {}

    async def pieces(self) -> AsyncIterator[bytes]:
        sha256 = hashlib.sha256() if len(self._how) == 64 else None
        size = 0
        async for piece in self._framed() if self.framed else self._request.stream():
            size += len(piece)
            if size > self.length:
                break
            if sha256:
                sha256.update(piece)
            yield piece
        if size != self.length:
            raise S3Error("IncompleteBody", f"The body has not the declared length: {self.length} bytes.")
        if sha256 and sha256.hexdigest() != self._how:
            raise S3Error("XAmzContentSHA256Mismatch", "The body is not the one that was signed.")

    async def _framed(self) -> AsyncIterator[bytes]:
        """`size[;chunk-signature=...]\\r\\n data \\r\\n`, ended by a chunk of size 0 and headers."""
        stream = _Lines(self._request)
        chunks = self._signed.chunks if self._how != _UNSIGNED_TRAILER else None
        while True:
            size_text, _, extension = (await stream.line()).partition(";")
            try:
                left = int(size_text, 16)
            except ValueError:
                raise S3Error("IncompleteBody", "The body is not in aws-chunked framing.") from None
            sha256, last = hashlib.sha256(), left == 0
            while left:
                piece = await stream.some(left)
                left -= len(piece)
                if chunks:
                    sha256.update(piece)
                yield piece
            if chunks:
                chunks.check_chunk(sha256.hexdigest(), extension.removeprefix("chunk-signature="))
            if last:
                break
            if await stream.line():
                raise S3Error("IncompleteBody", "A chunk is longer than it says.")
        await self._read_trailers(stream)

    async def _read_trailers(self, stream: _Lines) -> None:
        trailers: dict[str, str] = {}
        while line := await stream.line(at_end=True):
            name, _, value = line.partition(":")
            trailers[name.strip().lower()] = value.strip()
        signature = trailers.pop("x-amz-trailer-signature", "")
        if self._how == _SIGNED_TRAILER:
            text = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
            self._signed.chunks.check_trailer(hashlib.sha256(text.encode()).hexdigest(), signature)
        promised = {n.strip().lower() for n in self._request.headers.get("x-amz-trailer", "").split(",") if n.strip()}
        if promised - trailers.keys():
            raise S3Error("IncompleteBody", f"Promised trailers are missing: {', '.join(promised - trailers.keys())}.")
        self.trailers = trailers


class _Lines:
    """Lines and bytes of a request's stream. What a client sends as one piece is never joined to the next."""

    def __init__(self, request: Request) -> None:
        self._pieces = request.stream()
        self._piece = b""
        self._at = 0

    async def _more(self) -> bool:
        """Have at least one unread byte. False at the end."""
        while self._at == len(self._piece):
            try:
                self._piece, self._at = await anext(self._pieces), 0
            except StopAsyncIteration:
                return False
        return True

    async def some(self, most: int) -> bytes:
        """At least one byte, at most `most`."""
        if not await self._more():
            raise S3Error("IncompleteBody", "The body ends within a chunk.")
        piece = self._piece[self._at : self._at + most]
        self._at += len(piece)
        return piece

    async def line(self, *, at_end: bool = False) -> str:
        """Up to the next CR LF, without it. `at_end`: the end of the body ends a line, too."""
        found = b""
        while await self._more():
            end = self._piece.find(b"\n", self._at)
            upto = len(self._piece) if end < 0 else end + 1
            found += self._piece[self._at : upto]
            self._at = upto
            if end >= 0:
                return found.rstrip(b"\r\n").decode("latin-1")
            if len(found) > _LONGEST_LINE:
                break
        if at_end and len(found) <= _LONGEST_LINE:
            return found.decode("latin-1")
        raise S3Error("IncompleteBody", "The body is not in aws-chunked framing.")
