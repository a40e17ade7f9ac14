"""A language host for Node programs, as far as `pulumi up --client=ADDRESS` needs one.

It replaces the official `pulumi-language-nodejs`, which no package registry has. Like that one, it runs the SDK's
own runner, `@pulumi/pulumi/cmd/run`: program, SDK and engine are the real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

_MESSAGE_BYTES = 400 << 20


class NodeHost(language_pb2_grpc.LanguageRuntimeServicer):
    """`folder` holds `node_modules`, `program` is the compiled program."""

    def __init__(self, folder: Path, program: Path) -> None:
        self._folder, self._program = folder, program
        self.output = ""

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        engine = dict(context.invocation_metadata()).get("pulumi-engine", "") or os.environ.get("PULUMI_ENGINE", "")
        runner = self._folder / "node_modules" / "@pulumi" / "pulumi" / "cmd" / "run"
        command = [
            *("node", str(runner)),
            *("--monitor", request.monitor_address, "--engine", engine or request.monitor_address),
            *("--organization", request.organization or "organization"),
            *("--project", request.project, "--stack", request.stack, "--pwd", str(self._folder)),
            *(["--dry-run"] if request.dryRun else []),
            *("--parallel", str(request.parallel or 1), "--root-directory", str(self._folder)),
            str(self._program),
        ]
        environ = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        done = subprocess.run(command, cwd=self._folder, env=environ, capture_output=True, text=True, check=False)
        self.output += done.stdout + done.stderr
        error = "" if done.returncode == 0 else f"node ended with {done.returncode}: {self.output[-2000:]}"
        return language_pb2.RunResponse(error=error)


@contextmanager
def served(host: NodeHost) -> Iterator[str]:
    """The host's address, for `--client`."""
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(8), options=options)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
