"""The plugin protocol over gRPC: asyncio outside, lifecycles in threads.

`pulumi.provider.experimental` has a servicer for its `Provider` class, which appends a traceback to every error,
records no partial failure and knows no `List`. So the life of resources is answered here, on the generated base class;
components go through the SDK's own servicer (`construct.py`).
"""

# ruff: noqa: N802, ARG002 - the protocol's names and arguments

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.native import config
from pulumi_runpod.native.adapter import Adapter
from pulumi_runpod.native.cancellation import Cancellation
from pulumi_runpod.native.kinds import Lifecycles
from pulumi_runpod.native.schema import schema_text
from pulumi_runpod.native.structs import plain, struct_of
from pulumi_runpod.native.wording import in_schema_words
from pulumi_runpod.resources.outcome import PartialFailure
from pulumi_runpod.resources.verdict import DEBUG

if TYPE_CHECKING:
    from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

    from pulumi_runpod.client import RunPodClient
    from pulumi_runpod.native.construct import Constructor
    from pulumi_runpod.settings import Settings
    from pulumi_runpod.wire.model import JsonObject

else:
    from pulumi_runpod.native.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

P = ParamSpec("P")
R = TypeVar("R")
Context = grpc.aio.ServicerContext[Any, Any]
_UNKNOWN = grpc.StatusCode.UNKNOWN
_THREADS = 64
"""Requests at a time. The engine sends no more than its `--parallel`."""


def _answered(
    method: Callable[[ProviderServicer, Any, Context], Awaitable[R]],
) -> Callable[[ProviderServicer, Any, Context], Awaitable[R]]:
    """Errors as one line for a person. A partial failure carries the object, which the engine records."""

    @wraps(method)
    async def answer(self: ProviderServicer, request: Any, context: Context) -> R:
        try:
            return await method(self, request, context)
        except PartialFailure as failure:
            like = request.news if isinstance(request, provider_pb2.UpdateRequest) else request.properties
            status = _recorded(self.adapter, request.urn, failure, like)
            metadata = (("grpc-status-details-bin", status.SerializeToString()),)
            await context.abort(_UNKNOWN, status.message, metadata)
        except RunPodError as error:
            await context.abort(_UNKNOWN, _shown(in_schema_words(str(error)), error))
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours must reach the person as one line, too
            text = f"internal error, {type(error).__name__}: {error}. With {DEBUG}=1 it shows where"
            await context.abort(_UNKNOWN, _shown(text, error))
        raise AssertionError("abort raises")

    return answer


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """`log(severity, urn, line)` shows a line in the engine's output."""

    def __init__(self, version: str, engine_address: str, warn: Callable[[str, str], None]) -> None:
        self._version, self._engine_address = version, engine_address
        self._config: JsonObject = {}
        self._cancellation = Cancellation()
        self._constructor: Constructor | None = None
        self._running: set[Future[Any]] = set()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="runpod")
        self.adapter = Adapter(Lifecycles(self._cancellation), self._client, warn, require_key=self._require_key)

    # The package and its configuration.

    async def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    async def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: Context
    ) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=schema_text())

    @_answered
    async def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        news = plain(request.news)
        failures = [provider_pb2.CheckFailure(reason=reason) for reason in config.mistakes(news)]
        return provider_pb2.CheckResponse(inputs=struct_of(news, secret=config.SECRET_KEYS), failures=failures)

    @_answered
    async def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        names = config.changed(
            plain(request.old_inputs if request.HasField("old_inputs") else request.olds), plain(request.news)
        )
        some = provider_pb2.DiffResponse.DIFF_SOME if names else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=names)

    @_answered
    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: Context
    ) -> provider_pb2.ConfigureResponse:
        self._config = config.from_variables(dict(request.variables))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, acceptResources=False, supportsPreview=True)

    async def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        self._cancellation.cancel()
        return empty_pb2.Empty()

    # The life of a resource.

    @_answered
    async def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        check = partial(self.adapter.check, request.urn, plain(request.olds), plain(request.news))
        # The preview of an adoption looks at the object. No other check makes a call.
        answer = await self._in_thread(check) if "adoptId" in request.news.fields else check()
        # Without a property name: with one, the engine would print the property's value.
        failures = [provider_pb2.CheckFailure(reason=reason) for reason in answer.reasons]
        return provider_pb2.CheckResponse(inputs=struct_of(answer.inputs, like=request.news), failures=failures)

    @_answered
    async def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        replaces = self.adapter.diff(
            request.urn, request.id, plain(request.olds), plain(request.news), plain(request.old_inputs)
        )
        if replaces is None:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        # Unknown: the engine compares the inputs itself, as for the dynamic provider.
        return provider_pb2.DiffResponse(replaces=replaces, changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    @_answered
    async def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        object_id, outs = await self._in_thread(
            self.adapter.create, request.urn, plain(request.properties), preview=request.preview
        )
        return provider_pb2.CreateResponse(id=object_id, properties=struct_of(outs, like=request.properties))

    @_answered
    async def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        known = plain(request.properties) if request.HasField("inputs") and request.inputs.fields else {}
        answer = await self._in_thread(self.adapter.read, request.urn, request.id, known)
        return provider_pb2.ReadResponse(
            id=answer.id,
            properties=struct_of(answer.outs, like=request.properties),
            inputs=struct_of(answer.inputs, like=request.inputs),
        )

    @_answered
    async def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        outs = await self._in_thread(
            self.adapter.update,
            request.urn,
            request.id,
            plain(request.olds),
            plain(request.news),
            preview=request.preview,
        )
        return provider_pb2.UpdateResponse(properties=struct_of(outs, like=request.news))

    @_answered
    async def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        await self._in_thread(self.adapter.delete, request.urn, request.id, plain(request.properties))
        return empty_pb2.Empty()

    @_answered
    async def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        from pulumi_runpod.native.functions import invoke

        answer = await self._in_thread(invoke, request.tok, plain(request.args), self._settings())
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(struct_of(answer))  # a keyword of Python
        return response

    @_answered
    async def Construct(self, request: provider_pb2.ConstructRequest, context: Context) -> Any:
        if self._constructor is None:
            from pulumi_runpod.native.construct import Constructor

            self._constructor = Constructor(self._engine_address, lambda: self._config)
        return await self._constructor.construct(request, context)

    def _settings(self) -> Settings:
        return config.settings_of(self._config)

    def _client(self) -> RunPodClient:
        from pulumi_runpod.client import client_for

        return client_for(self._settings())

    def _require_key(self, kind: str) -> None:
        settings = self._settings()
        _ = settings.s3_key if kind == "model_weights" else settings.key

    async def finish(self, seconds: float) -> None:
        """End all waiting, and let what is under way come to an end: a create that is cut off leaves an orphan."""
        self._cancellation.cancel()
        await asyncio.to_thread(wait, set(self._running), seconds)

    async def _in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        running = self._threads.submit(partial(function, *args, **kwargs))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(running)


def _recorded(adapter: Adapter, urn: str, failure: PartialFailure, like: struct_pb2.Struct) -> status_pb2.Status:
    outs, reasons = adapter.partial(urn, failure)
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(id=failure.id, properties=struct_of(outs, like=like), reasons=reasons)
    )
    return status_pb2.Status(code=_UNKNOWN.value[0], message="; ".join(reasons), details=[detail])


def _shown(line: str, error: Exception) -> str:
    if os.environ.get(DEBUG, "") in ("", "0"):
        return line
    return f"{line}\n{''.join(traceback.format_exception(error))}"
