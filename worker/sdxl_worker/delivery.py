"""Turns images into the answer: files as base64 within a byte budget, else in a bucket.

The platform refuses answers over its limit without saying so to the worker, hence the budget.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from sdxl_worker.answer import ImageAnswer
from sdxl_worker.failure import Code, JobError
from sdxl_worker.request import Output
from sdxl_worker.settings import Settings

_CONTENT_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
# Level 1 of 9: half the time of the default for a few per cent more bytes; image noise hardly compresses.
_PNG_LEVEL = 1


@dataclass(frozen=True)
class Delivery:
    """Delivers the images of jobs as this worker's settings allow."""

    settings: Settings

    def deliver(
        self, images: Sequence[Image.Image], *, seeds: Sequence[int], output: Output, job_id: str
    ) -> list[ImageAnswer]:
        """One answer per image, in order.

        Raises:
            JobError: OUTPUT_TOO_LARGE or UPLOAD_FAILED.
        """
        files = [encode(image, output) for image in images]
        total = sum(len(file) for file in files)
        by_url = output.delivery == "url"
        if not by_url and total > self.settings.max_answer_bytes:
            if output.delivery == "base64" or not self.settings.has_bucket:
                raise JobError(
                    Code.OUTPUT_TOO_LARGE,
                    f"the images have {total} bytes and an answer takes {self.settings.max_answer_bytes}: ask for "
                    "fewer images, or for output.format webp or jpeg"
                    + (", or leave output.delivery at auto" if self.settings.has_bucket else ""),
                )
            by_url = True
        return [
            ImageAnswer(
                image=(
                    self._upload(file, f"{job_id}/{index}.{output.format}", output)
                    if by_url
                    else base64.b64encode(file).decode("ascii")
                ),
                delivery="url" if by_url else "base64",
                format=output.format,
                width=image.width,
                height=image.height,
                seed=seed,
                file_bytes=len(file),
            )
            for index, (image, file, seed) in enumerate(zip(images, files, seeds, strict=True))
        ]

    def _upload(self, file: bytes, key: str, output: Output) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket = self.settings.bucket_name
        assert bucket is not None
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=file, ContentType=_CONTENT_TYPES[output.format])
            return str(
                self._s3.generate_presigned_url(
                    "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=self.settings.bucket_url_seconds
                )
            )
        except ClientError as error:
            reason = str(error.response.get("Error", {}).get("Code", "unknown"))
        except BotoCoreError as error:
            reason = type(error).__name__
        raise JobError(Code.UPLOAD_FAILED, f"the bucket did not take the image: {reason}")

    @cached_property
    def _s3(self) -> Any:  # boto3 makes its clients at run time, without types
        import boto3
        from botocore.config import Config

        key, secret = self.settings.bucket_access_key_id, self.settings.bucket_secret_access_key
        assert key is not None
        assert secret is not None
        return boto3.client(
            "s3",
            endpoint_url=self.settings.bucket_endpoint_url,
            region_name=self.settings.bucket_region or "us-east-1",
            aws_access_key_id=key.get_secret_value(),
            aws_secret_access_key=secret.get_secret_value(),
            config=Config(signature_version="s3v4", connect_timeout=5, read_timeout=30, retries={"max_attempts": 3}),
        )


def encode(image: Image.Image, output: Output) -> bytes:
    """The image as a file: the same pixels always give the same bytes."""
    stream = io.BytesIO()
    match output.format:
        case "png":
            image.save(stream, "PNG", compress_level=_PNG_LEVEL)
        case "jpeg":
            image.save(stream, "JPEG", quality=output.quality)
        case "webp":
            image.save(stream, "WEBP", quality=output.quality)
    return stream.getvalue()
