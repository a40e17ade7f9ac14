"""Shows output to the user as the engine's passing messages, for work done inside a call that answers no stream."""

from __future__ import annotations

import random
from types import TracebackType
from typing import Self

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from language_host.output import Chunk


class EngineLog:
    """A stream of messages; a context manager that holds the connection to the engine."""

    def __init__(self, engine: str) -> None:
        self._channel = grpc.insecure_channel(engine)
        self._engine = engine_pb2_grpc.EngineStub(self._channel)
        self._stream = random.randrange(1, 2**31)  # noqa: S311 - names a stream, guards nothing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def write(self, chunk: Chunk) -> None:
        self._engine.Log(
            engine_pb2.LogRequest(
                severity=engine_pb2.ERROR if chunk.is_error else engine_pb2.INFO,
                message=chunk.data.decode(errors="replace"),
                streamId=self._stream,
                ephemeral=True,
            )
        )
