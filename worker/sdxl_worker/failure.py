"""How a job fails: a fixed set of codes, and the text that the caller gets instead of a traceback.

The platform carries an error as a string, so the answer is ``{"error": "<JSON>"}`` with ``code``, ``message``,
``details`` and ``retryable``. Never holds the input, a path of this machine, or a secret.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum


class Code(StrEnum):
    """What went wrong. Callers switch on these: a code is never renamed."""

    INVALID_INPUT = "INVALID_INPUT"  # a field of the input; details name each
    PROMPT_BLOCKED = "PROMPT_BLOCKED"  # the operator's block list
    IMAGE_FETCH_FAILED = "IMAGE_FETCH_FAILED"  # image_url could not be read
    IMAGE_FETCH_BLOCKED = "IMAGE_FETCH_BLOCKED"  # image_url points where the worker must not go
    IMAGE_INVALID = "IMAGE_INVALID"  # not an image, or too large
    LORA_INVALID = "LORA_INVALID"  # the file is there, and does not fit the model
    OUT_OF_MEMORY = "OUT_OF_MEMORY"  # also one by one
    GPU_FAILED = "GPU_FAILED"  # the CUDA context is lost; the worker recycles itself
    BAD_IMAGE = "BAD_IMAGE"  # all black: the numbers overflowed
    OUTPUT_TOO_LARGE = "OUTPUT_TOO_LARGE"  # beyond the byte budget, and no bucket
    UPLOAD_FAILED = "UPLOAD_FAILED"  # the bucket refused
    TIMEOUT = "TIMEOUT"  # JOB_TIMEOUT_SECONDS
    INTERNAL = "INTERNAL"  # ours; the log has the traceback under the id in the message


RETRYABLE = frozenset(
    {
        Code.IMAGE_FETCH_FAILED,
        Code.OUT_OF_MEMORY,
        Code.GPU_FAILED,
        Code.BAD_IMAGE,
        Code.UPLOAD_FAILED,
        Code.INTERNAL,
    }
)


class JobError(Exception):
    """A job can't be done, for a reason that the caller may know.

    Args:
        code: stable name of the reason.
        message: what was wrong, where, and what to do.
        details: one entry per problem, e.g. ``{"field", "problem", "allowed"}``.
        recycle: the process can't be trusted any more and asks to be replaced.
    """

    def __init__(
        self, code: Code, message: str, *, details: Sequence[dict[str, str]] = (), recycle: bool = False
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.recycle = recycle

    def to_json(self) -> str:
        """The string that goes into ``error``."""
        return json.dumps(
            {
                "code": self.code,
                "message": self.message,
                "details": list(self.details),
                "retryable": self.code in RETRYABLE,
            }
        )


class Cancelled(BaseException):
    """The job was stopped by the platform, which expects no answer. Not an error, so no handler may swallow it."""
