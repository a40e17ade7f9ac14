"""What boto3 raises when the S3 API refuses: code and status, in one line of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def refusal(code: str, *, status: int) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    result = caught.value.response
    assert (code, status) == (result["Error"]["Code"], result["ResponseMetadata"]["HTTPStatusCode"])
