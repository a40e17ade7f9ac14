"""Refusals as S3 words them: a code, a status, a message, and for some the value meant; XML on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from pulumi_runpod.emulator.s3.xml import document

STATUS: Mapping[str, int] = {
    "AccessDenied": 403,
    "AuthorizationHeaderMalformed": 400,
    "BadDigest": 400,
    "EntityTooLarge": 400,
    "IncompleteBody": 400,
    "InsufficientStorage": 507,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidDigest": 400,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidRange": 416,
    "InvalidRequest": 400,
    "KeyTooLongError": 400,
    "MalformedXML": 400,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchDataCenter": 404,  # ours: on the service such a host does not exist
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "OperationAborted": 409,
    "PreconditionFailed": 412,
    "RequestTimeTooSkewed": 403,
    "SignatureDoesNotMatch": 403,
    "XAmzContentSHA256Mismatch": 400,
}


class S3Error(Exception):
    """`code` is one of `STATUS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = STATUS[code]

    def response(self, *, resource: str, head: bool) -> Response:
        """An answer to HEAD has no body, so that only the status tells."""
        if head:
            return Response(status_code=self.status)
        body = document("Error", {"Code": self.code, "Message": self.message, "Resource": resource}, namespace=False)
        return Response(body, status_code=self.status, media_type="application/xml")


def not_implemented(what: str) -> S3Error:
    return S3Error("NotImplemented", f"{what} is not supported by the S3 API of network volumes.")
