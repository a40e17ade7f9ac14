"""Checksums that a client sends along, in headers or trailers, and what they must be.

CRC32, SHA-1, SHA-256 and Content-MD5 are always checked. CRC32C and CRC64NVME, which Python has not, are checked where
`awscrt` is installed; elsewhere they are taken as given, since MD5 and the signature still guard the bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import importlib
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from pulumi_runpod.emulator.s3.error import S3Error

_PREFIX = "x-amz-checksum-"
_ALGORITHMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, step: Callable[[bytes, int], int], width: int) -> None:
        self._step, self._width, self._value = step, width, 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


def _digest(algorithm: str) -> Digest | None:
    match algorithm:
        case "crc32":
            return _Crc(zlib.crc32, 4)
        case "sha1" | "sha256":
            return hashlib.new(algorithm, usedforsecurity=False)
    try:
        crt = importlib.import_module("awscrt.checksums")
    except ImportError:
        return None
    return _Crc(crt.crc32c, 4) if algorithm == "crc32c" else _Crc(crt.crc64nvme, 8)


class Checksums:
    """Every declared checksum of one body. Feed it, then `check`: it raises S3Error when a sum is wrong."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """`headers` with names in small."""
        self._declared = {a: headers[_PREFIX + a] for a in _ALGORITHMS if _PREFIX + a in headers}
        named = [n.strip().lower().removeprefix(_PREFIX) for n in headers.get("x-amz-trailer", "").split(",")]
        self._digests = {a: d for a in {*self._declared, *named} if a in _ALGORITHMS and (d := _digest(a)) is not None}
        self._md5_declared = _content_md5(headers)
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, data: bytes) -> None:
        self._md5.update(data)
        for digest in self._digests.values():
            digest.update(data)

    @property
    def md5(self) -> str:
        """Hexadecimal: the ETag of a plain object."""
        return self._md5.hexdigest()

    def check(self, trailers: Mapping[str, str]) -> dict[str, str]:
        """Headers for the answer: the sums that were checked."""
        if self._md5_declared is not None and self._md5_declared != self._md5.digest():
            raise S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.")
        fields = {**self._declared, **{a: trailers[_PREFIX + a] for a in _ALGORITHMS if _PREFIX + a in trailers}}
        for algorithm, digest in self._digests.items():
            is_sum = base64.b64encode(digest.digest()).decode()
            if algorithm in fields and fields[algorithm] != is_sum:
                raise S3Error("BadDigest", f"The {algorithm.upper()} you specified did not match what we received.")
        return {_PREFIX + a: fields[a] for a in self._digests if a in fields}


def _content_md5(headers: Mapping[str, str]) -> bytes | None:
    text = headers.get("content-md5")
    if text is None:
        return None
    try:
        result = base64.b64decode(text, validate=True)
    except binascii.Error:
        result = b""
    if len(result) != 16:
        raise S3Error("InvalidDigest", "Content-MD5 is not a base64 MD5 sum.")
    return result
