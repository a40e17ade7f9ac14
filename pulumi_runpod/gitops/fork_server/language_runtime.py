"""The language runtime that `pulumi --client` talks to: one for all stacks. The fork server runs their programs."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import grpc
from google.protobuf import empty_pb2

from pulumi_runpod.gitops.fork_server.client import Run
from pulumi_runpod.gitops.fork_server.places import Places
from pulumi_runpod.gitops.fork_server.wire_format import (
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

_CALLS_AT_ONCE = 64
"""Each program that runs is one."""
_TOLD_WHAT_WENT_WRONG = 32
"""Exit status by which the exec script says that the user knows already."""


def serve(places: Places, exec_script: str) -> None:
    """Until stdin ends. Says `ready` on stdout."""
    server = grpc.server(ThreadPoolExecutor(_CALLS_AT_ONCE))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageRuntime(places, exec_script), server)
    server.add_insecure_port(f"unix:{places.language_runtime}")
    server.start()
    print("ready", flush=True)
    while os.read(0, 1):
        pass
    server.stop(None)


class LanguageRuntime(language_pb2_grpc.LanguageRuntimeServicer):
    """What is not defined here answers UNIMPLEMENTED, which the engine accepts."""

    def __init__(self, places: Places, exec_script: str) -> None:
        self._places = places
        self._exec_script = exec_script

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo()

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """None, as for inline programs: the engine finds plugins when the program asks for them."""
        return language_pb2.GetRequiredPackagesResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        # To a runtime that it has not started, the engine tells its own address as the first argument.
        engine, *arguments = request.args
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with _shown(engine) as (stdin, stdout, stderr):
            run = Run(
                str(self._places.orders),
                [self._exec_script, *_exec_arguments(request, engine), *arguments],
                environment,
                request.info.program_directory,
                (stdin, stdout, stderr),
            )
            if not context.add_callback(run.stop):
                run.stop()
            try:
                status = run.wait()
            except OSError:  # the engine has cancelled it
                return language_pb2.RunResponse(bail=True)
        if status == 0:
            return language_pb2.RunResponse()
        if status == _TOLD_WHAT_WENT_WRONG:
            return language_pb2.RunResponse(bail=True)
        if status < 0:
            return language_pb2.RunResponse(error=f"program was ended by {signal.Signals(-status).name}")
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {status}")

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """One engine of several says so; what ends its program is that it gives up the call of `Run`."""
        return empty_pb2.Empty()


def _exec_arguments(request: language_pb2.RunRequest, engine: str) -> list[str]:
    """Of Pulumi's exec script.

    `tools/language_host` says the same in an environment of its own, where this package is not; here it is not, either.
    """
    options = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    flags = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    return [*flags, request.info.entry_point]


@contextmanager
def _shown(engine: str) -> Iterator[tuple[int, int, int]]:
    """Descriptors for a program's stdin, stdout and stderr: each line that it prints is told to the engine.

    The engine itself does so with the output of language runtimes that it starts.
    """
    with ExitStack() as held:
        channel = held.enter_context(grpc.insecure_channel(engine))
        told = engine_pb2_grpc.EngineStub(channel)
        readers = held.enter_context(ThreadPoolExecutor(2))

        def show(descriptor: int, severity: engine_pb2.LogSeverity.ValueType) -> None:
            with open(descriptor, encoding="utf-8", errors="replace") as lines:
                for line in filter(None, map(str.strip, lines)):
                    told.Log(engine_pb2.LogRequest(severity=severity, message=line))

        ends = [os.open(os.devnull, os.O_RDONLY)]
        for severity in (engine_pb2.INFO, engine_pb2.WARNING):
            reading, writing = os.pipe()
            readers.submit(show, reading, severity)
            ends.append(writing)
        try:
            yield ends[0], ends[1], ends[2]
        finally:
            for end in ends:
                os.close(end)
