"""The plugin as the engine starts it: a folder, and a launcher in the plugin directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_runpod.native.install import PLUGIN_FOLDER, install
from pulumi_runpod.native.schema import schema_text
from pulumi_runpod.native.version import VERSION


@pytest.mark.parametrize("how", ["folder", "launcher"])
def test_the_plugin_serves_and_ends_with_its_engine(how: str, tmp_path: Path) -> None:
    """It prints a port, tells its version and schema, and is gone when the engine's pipe closes."""
    launcher = install(tmp_path) / "pulumi-resource-runpod-serverless"
    command = [str(launcher)] if how == "launcher" else [sys.executable, "-u", str(PLUGIN_FOLDER)]
    process = subprocess.Popen(
        [*command, "-v=9", "127.0.0.1:1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            version = stub.GetPluginInfo(empty_pb2.Empty()).version
            result = stub.GetSchema(provider_pb2.GetSchemaRequest()).schema
    finally:
        process.stdin.close()
        status = process.wait(30)
        process.stdout.close()

    assert (version, result) == (VERSION, schema_text())
    assert status == 0


def test_a_person_who_starts_it_reads_what_it_is() -> None:
    """Not a traceback."""
    done = subprocess.run([sys.executable, str(PLUGIN_FOLDER)], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Pulumi plugin" in done.stderr
    assert "Traceback" not in done.stderr


LOADED = """
import sys
import pulumi_runpod.native.servicer
print(sorted({"pulumi", "pydantic", "httpx", "pulumi_runpod.wire.endpoint"} & set(sys.modules)))
import pulumi
from pulumi.runtime.proto import provider_pb2
print(provider_pb2 is pulumi_runpod.native.servicer.provider_pb2, pulumi.Output.__name__)
"""


def test_a_plugin_starts_without_sdk_models_and_client() -> None:
    """An `up` without changes needs none of them; a component that comes later finds the whole SDK."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "True Output"]
