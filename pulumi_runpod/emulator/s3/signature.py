"""Who sent a request: AWS Signature Version 4 in the Authorization header, checked with botocore's own signer.

Presigned URLs, Signature Version 2 and other services' scopes are refused. Clocks may differ by an hour, as published;
the clock meant is this machine's: clients sign with theirs, whatever the local RunPod's own clock is driven to.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from pulumi_runpod.emulator.s3.error import S3Error, not_implemented
from pulumi_runpod.emulator.s3.keys import S3Keys
from pulumi_runpod.wire.volume_s3 import MAX_CLOCK_SKEW_SECONDS

if TYPE_CHECKING:
    from botocore.auth import S3SigV4Auth

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{{8}})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r"\s*,\s*SignedHeaders=(?P<signed>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Signed:
    """A request whose signature is right. `content_sha256` says how its body is protected."""

    access_key_id: str
    content_sha256: str
    chunks: ChunkSigner


class ChunkSigner:
    """Checks the chain of signatures of a body that is signed chunk by chunk, which begins with the request's own."""

    def __init__(self, *, secret: str, timestamp: str, region: str, seed: str) -> None:
        key = b"AWS4" + secret.encode()
        day = timestamp[:8]
        for part in (day, region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self._key = key
        self._head = f"{timestamp}\n{day}/{region}/s3/aws4_request"
        self._previous = seed

    def check_chunk(self, sha256: str, signature: str) -> None:
        """Raises S3Error when `signature` is not that of the next chunk, of SHA-256 `sha256`."""
        self._check(f"{_ALGORITHM}-PAYLOAD\n{self._head}\n{self._previous}\n{_EMPTY_SHA256}\n{sha256}", signature)

    def check_trailer(self, sha256: str, signature: str) -> None:
        """The same for the headers that follow the last chunk."""
        self._check(f"{_ALGORITHM}-TRAILER\n{self._head}\n{self._previous}\n{sha256}", signature)

    def _check(self, text: str, signature: str) -> None:
        expected = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise S3Error("SignatureDoesNotMatch", "The signature of a chunk of the body does not match.")
        self._previous = signature


def verify(request: Request, keys: S3Keys, *, region: str) -> Signed:
    """Raises S3Error when the request is not signed by a known key for `region`, or not within the hour."""
    if "x-amz-signature" in {name.lower() for name in request.query_params}:
        raise not_implemented("A presigned URL")
    header = request.headers.get("authorization")
    if header is None:
        raise S3Error("AccessDenied", "The request is not signed. An S3 API key is needed: access key and secret.")
    found = _AUTHORIZATION.fullmatch(header.strip())
    if found is None:
        raise S3Error(
            "AuthorizationHeaderMalformed" if header.startswith("AWS4") else "AccessDenied",
            "Requests are signed with AWS Signature Version 4 and an S3 API key; an API key of the control plane opens "
            "nothing here.",
        )
    secret = keys.secret_of(found["key"])
    if secret is None:
        raise S3Error("InvalidAccessKeyId", "The access key is unknown: S3 API keys are of their own kind.")
    if found["service"] != "s3" or found["region"].upper() != region:
        raise S3Error("AuthorizationHeaderMalformed", f"The request is signed for another region; expected {region!r}.")
    timestamp = _timestamp(request, day=found["day"])
    signed_headers = found["signed"].split(";")
    if "host" not in signed_headers or "x-amz-content-sha256" not in signed_headers:
        raise S3Error("AccessDenied", "The headers host and x-amz-content-sha256 must be sent and signed.")
    unsigned = [n for n in request.headers if n.startswith("x-amz-") and n not in signed_headers]
    if unsigned:
        raise S3Error("AccessDenied", f"There were headers present which were not signed: {', '.join(unsigned)}")
    expected = _signature(
        request, signed_headers, key=found["key"], secret=secret, region=found["region"], timestamp=timestamp
    )
    if not hmac.compare_digest(expected, found["signature"]):
        raise S3Error("SignatureDoesNotMatch", "The signature does not match: check the secret and the signing method.")
    chunks = ChunkSigner(secret=secret, timestamp=timestamp, region=found["region"], seed=expected)
    return Signed(found["key"], request.headers["x-amz-content-sha256"], chunks)


def _timestamp(request: Request, *, day: str) -> str:
    text = request.headers.get("x-amz-date", "")
    try:
        moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise S3Error("AccessDenied", "x-amz-date must be a time such as 20261124T034700Z.") from None
    if text[:8] != day:
        raise S3Error("AuthorizationHeaderMalformed", "The day of the credential is not that of x-amz-date.")
    if abs(moment.timestamp() - time.time()) > MAX_CLOCK_SKEW_SECONDS:
        raise S3Error("RequestTimeTooSkewed", "The time of the request and of the server differ by more than an hour.")
    return text


def _signature(
    request: Request, signed_headers: list[str], *, key: str, secret: str, region: str, timestamp: str
) -> str:
    # Imported with the first request, since most of what runs against the local RunPod never uses S3.
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    header = AWSRequest(method=request.method, url=f"http://{request.headers.get('host', '')}{path}?{query}")
    for name in signed_headers:
        for value in request.headers.getlist(name):
            header.headers[name] = value
    header.context["timestamp"] = timestamp
    signer = _signer_class()(Credentials(key, secret), "s3", region)
    text = signer.string_to_sign(header, signer.canonical_request(header))
    return str(signer.signature(text, header))


def _signer_class() -> type[S3SigV4Auth]:
    from botocore.auth import S3SigV4Auth
    from botocore.compat import HTTPHeaders

    class Signer(S3SigV4Auth):
        """Signs exactly the headers that the client says it signed; botocore's own choice is for its own requests."""

        def headers_to_sign(self, request):  # type: ignore[no-untyped-def]  # botocore has no types
            chosen = HTTPHeaders()
            for name, value in request.headers.items():
                chosen[name.lower()] = value
            return chosen

    return Signer
