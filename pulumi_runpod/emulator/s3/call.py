"""One signed request as operations see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import Request

from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.signature import Signed
from pulumi_runpod.emulator.s3.volumes import Volume


@dataclass(frozen=True)
class Call:
    request: Request
    signed: Signed
    data_center: str
    volume: Volume
    key: str
    """Decoded; empty for calls on the bucket."""

    @property
    def headers(self) -> Headers:
        return self.request.headers

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number of the query, cut at `most`. Raises S3Error for anything else."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isdigit():
            raise S3Error("InvalidArgument", f"{name} must be a whole number from 0 on.")
        return min(int(text), most)
