"""The plugin's process: started by the engine with its address, it prints a port and serves until it is ended."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from stat import S_ISFIFO

_MESSAGE_BYTES = 400 << 20
"""The engine's own limit."""
_GRACE_S = 0.2
_PATIENCE_S = 60.0
"""For requests that are under way when the engine has gone."""


def main(arguments: Sequence[str] | None = None) -> None:
    """`pulumi-resource-runpod-serverless ENGINE_ADDRESS`; what else the engine passes (`-v=9`, `--logtostderr`) is
    ignored.
    """
    addresses = [a for a in (sys.argv[1:] if arguments is None else arguments) if not a.startswith("-")]
    if len(addresses) != 1:
        sys.exit("This is a Pulumi plugin: the engine starts it, with its address as the one argument.")
    asyncio.run(_serve(addresses[0]))
    sys.stdout.flush()
    # Requests that still run in threads would keep the process; the engine is gone.
    os._exit(0)


async def _serve(engine_address: str) -> None:
    import grpc

    from pulumi_runpod.native.protocol import provider_pb2_grpc
    from pulumi_runpod.native.servicer import ProviderServicer
    from pulumi_runpod.native.version import VERSION

    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.aio.server(options=options)
    servicer = ProviderServicer(VERSION, engine_address, _warner(engine_address))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # All of Pulumi and gRPC is loaded by now, and stays: left to the collector, it is walked again and again.
    gc.freeze()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    _watch_engine(lambda: loop.call_soon_threadsafe(ended.set))
    print(port, flush=True)
    await ended.wait()
    await servicer.finish(_PATIENCE_S)
    await server.stop(_GRACE_S)


def _watch_engine(ended: Callable[[], object]) -> None:
    """The engine holds a pipe on standard input, which ends with it."""
    if not S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        ended()

    threading.Thread(target=watch, daemon=True).start()


def _warner(engine_address: str) -> Callable[[str, str], None]:
    """Shows warnings at their resource. The connection is made with the first one."""
    lock = threading.Lock()
    stubs: list[object] = []

    def warn(urn: str, line: str) -> None:
        import grpc

        from pulumi_runpod.native.protocol import engine_pb2, engine_pb2_grpc

        with lock:
            if not stubs:
                stubs.append(engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine_address)))
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=line, urn=urn)
        stubs[0].Log(request)  # type: ignore[attr-defined]  # generated, without types

    return warn
