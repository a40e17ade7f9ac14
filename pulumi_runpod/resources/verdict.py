"""One clean line for a person, where the engine's Python shim would show a traceback.

The shim answers every exception with `context.abort(UNKNOWN, traceback)`. When `grpc-status-details-bin` is in the
trailing metadata of that context, the engine takes message and details from there. The context is found in the frames
below; where there is none (another SDK, a unit test) the plain exception is raised, and nothing is lost but the looks.
`PULUMI_RUNPOD_DEBUG=1` shows the traceback.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar, runtime_checkable

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.engine_end import CALLS

DEBUG = "PULUMI_RUNPOD_DEBUG"
_GRPC_UNKNOWN = 2

P = ParamSpec("P")
R = TypeVar("R")


@runtime_checkable
class _CallContext(Protocol):
    """The part of `grpc.ServicerContext` that is used."""

    def set_trailing_metadata(self, trailing_metadata: tuple[tuple[str, bytes], ...], /) -> None: ...


def reported(method: Callable[P, R]) -> Callable[P, R]:
    """Around a method that the engine calls, and no other: an error of ours becomes the engine's own message."""

    @wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with CALLS:
                return method(*args, **kwargs)
        except RunPodError as error:
            _tell_engine(error)
            raise
        except Exception as error:  # a state that was edited by hand, or a mistake of ours: one line for either
            unexpected = _unexpected(method.__name__, error)
            _tell_engine(unexpected)
            raise unexpected from error

    return wrapper


def _unexpected(operation: str, error: Exception) -> RunPodError:
    """Without the exception's own text, which may hold a value that is secret."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" ({frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno})" if frame else ""
    return RunPodError(
        f"{operation} -> {type(error).__name__}{where}: what the state or the program has for this resource cannot be "
        "read. If the state was edited by hand, put back what was there (`pulumi stack export`). "
        f"{DEBUG}=1 shows the traceback"
    )


def _tell_engine(error: RunPodError) -> None:
    if os.environ.get(DEBUG, "") not in ("", "0"):
        return
    context = _call_context()
    if context is not None:
        context.set_trailing_metadata((("grpc-status-details-bin", _status(error)),))


def urn_of_call() -> str:
    """Of the resource that the engine's call is about; empty where no call is in the frames below."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        if isinstance(frame.f_locals.get("context"), _CallContext):
            urn = getattr(frame.f_locals.get("request"), "urn", "")
            return urn if isinstance(urn, str) else ""
    return ""


def _call_context() -> _CallContext | None:
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        found = frame.f_locals.get("context")
        if isinstance(found, _CallContext):
            return found
    return None


def _status(error: RunPodError) -> bytes:
    from google.protobuf import any_pb2
    from pulumi.runtime import rpc
    from pulumi.runtime.proto import provider_pb2, status_pb2

    from pulumi_runpod.resources.outcome import PartialFailure

    status = status_pb2.Status(code=_GRPC_UNKNOWN, message=str(error))
    if isinstance(error, PartialFailure):
        loop = asyncio.new_event_loop()
        try:
            properties = loop.run_until_complete(rpc.serialize_properties(error.outs, {}))
        finally:
            loop.close()
        failed = provider_pb2.ErrorResourceInitFailed(id=error.id, properties=properties, reasons=error.reasons)
        detail = any_pb2.Any()
        detail.Pack(failed)
        status.details.append(detail)
    return bytes(status.SerializeToString())
