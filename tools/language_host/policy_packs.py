"""Runs a policy pack behind a proxy, so that its policies can read the stack's configuration.

The SDK takes configuration from the environment in which a pack starts, and the engine tells it only later, by
ConfigureStack. So the engine gets a port of ours at once, and the pack starts with the first call that needs it.
"""

from __future__ import annotations

import functools
import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import analyzer_pb2

from language_host.errors import HostError
from language_host.limits import MESSAGE_SIZE
from language_host.output import Chunk, Output

SERVICE = "/pulumirpc.Analyzer/"
CALLS_AT_ONCE = 16

Launch = Callable[[Mapping[str, str]], Output]
"""Starts the pack with these variables added to its environment. Raises HostError when it cannot be started."""


def stack_environ(request: analyzer_pb2.AnalyzerStackConfigureRequest) -> dict[str, str]:
    """What `pulumi.policy` reads of the stack when it starts."""
    return {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.config_secret_keys)),
        "PULUMI_ORGANIZATION": request.organization,
        "PULUMI_PROJECT": request.project,
        "PULUMI_STACK": request.stack,
        "PULUMI_DRY_RUN": "true" if request.dry_run else "false",
    }


class PolicyPack(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Serves the engine for one pack: hands every call on, unread, and yields what the pack prints."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._starting = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._printed: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=CALLS_AT_ONCE), options=MESSAGE_SIZE)
        self._server.add_generic_rpc_handlers((self,))
        self.status = 0

    def run(self) -> Iterator[Chunk]:
        """The port, as a plugin prints it, then the pack's output until it ends; `status` is known afterwards."""
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        yield Chunk(f"{port}\n".encode(), is_error=False)
        while (chunk := self._printed.get()) is not None:
            yield chunk
        self._server.stop(grace=None)

    def end(self) -> None:
        """Ends `run` where no pack was started; one that runs ends it itself."""
        with self._starting:
            if self._channel is None:
                self._printed.put(None)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Every method of the service but Handshake, which the SDK's packs do not know either."""
        method = handler_call_details.method
        if not method.startswith(SERVICE) or method == f"{SERVICE}Handshake":
            return None
        return grpc.unary_unary_rpc_method_handler(functools.partial(self._hand_on, method))

    def _hand_on(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        stack = method == f"{SERVICE}ConfigureStack"
        environ = stack_environ(analyzer_pb2.AnalyzerStackConfigureRequest.FromString(request)) if stack else {}
        try:
            call = self._started(environ).unary_unary(method, request_serializer=None, response_deserializer=None)
            answer: bytes = call(request)
        except HostError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except grpc.RpcError as error:
            context.abort(error.code(), error.details() or "")
        return answer

    def _started(self, environ: Mapping[str, str]) -> grpc.Channel:
        with self._starting:
            if self._channel is None:
                port: Future[int] = Future()
                output = self._launch(environ)
                threading.Thread(target=self._follow, args=(output, port), daemon=True).start()
                self._channel = grpc.insecure_channel(f"127.0.0.1:{port.result()}", options=MESSAGE_SIZE)
            return self._channel

    def _follow(self, output: Output, port: Future[int]) -> None:
        first_line = b""
        for chunk in output:
            if chunk.is_error or port.done():
                self._printed.put(chunk)
                continue
            first_line += chunk.data
            line, ended, rest = first_line.partition(b"\n")
            if ended and line.strip().isdigit():
                port.set_result(int(line))
                self._printed.put(Chunk(rest, is_error=False))
            elif ended:
                port.set_exception(HostError(f"the policy pack printed {line!r} before its port"))
        if not port.done():
            port.set_exception(HostError(f"the policy pack ended with exit status {output.status} before it served"))
        self.status = output.status
        self._printed.put(None)
