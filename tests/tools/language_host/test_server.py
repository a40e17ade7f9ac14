"""The host as the engine starts it: a process with a pipe on stdin, its port on stdout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from probe_projects import ROOT
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

LIMIT_SECONDS = 30


@pytest.fixture
def host(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A host of this source tree, which nobody has asked anything yet."""
    process = subprocess.Popen(
        [sys.executable, "-m", "language_host", "--exec-script", "none", "--host-version", "1.2.3", "127.0.0.1:9"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tools"), "PULUMI_RUNPOD_HOST_LOG": str(tmp_path / "host.log")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    yield process
    process.kill()
    process.communicate()


def port_of(host: subprocess.Popen[bytes]) -> int:
    assert host.stdout is not None
    return int(host.stdout.readline())


def test_the_first_line_is_the_port_and_calls_are_answered_there(host: subprocess.Popen[bytes]) -> None:
    """A call that this host does not know is UNIMPLEMENTED, which the engine accepts when it probes a new host."""
    with grpc.insecure_channel(f"127.0.0.1:{port_of(host)}") as channel:
        stub = language_pb2_grpc.LanguageRuntimeStub(channel)
        assert stub.GetPluginInfo(empty_pb2.Empty(), timeout=LIMIT_SECONDS).version == "1.2.3"
        stub.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:10"), timeout=LIMIT_SECONDS)
        stub.Cancel(empty_pb2.Empty(), timeout=LIMIT_SECONDS)
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/pulumirpc.LanguageRuntime/NoSuchCall")(b"", timeout=LIMIT_SECONDS)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_failure_is_the_message_of_the_call(host: subprocess.Popen[bytes]) -> None:
    """No traceback and no word on stderr."""
    info = language_pb2.ProgramInfo(root_directory="/", program_directory="/", entry_point=".")
    info.options.update({"toolchain": "conda"})
    with grpc.insecure_channel(f"127.0.0.1:{port_of(host)}") as channel:
        stub = language_pb2_grpc.LanguageRuntimeStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.About(language_pb2.AboutRequest(info=info), timeout=LIMIT_SECONDS)
    assert refused.value.details() == "unsupported toolchain option in Pulumi.yaml: conda; use pip or uv"
    host.send_signal(signal.SIGINT)
    assert host.communicate(timeout=LIMIT_SECONDS) == (b"", b"")


def test_it_ends_when_the_pipe_on_stdin_ends(host: subprocess.Popen[bytes]) -> None:
    """That is how it learns that the engine was killed."""
    port_of(host)
    out, err = host.communicate(timeout=LIMIT_SECONDS)
    assert (host.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_by_itself_on_a_signal_whichever_thread_gets_it(
    host: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    """The engine would otherwise wait five seconds and kill it."""
    with grpc.insecure_channel(f"127.0.0.1:{port_of(host)}") as channel:
        language_pb2_grpc.LanguageRuntimeStub(channel).GetPluginInfo(empty_pb2.Empty(), timeout=LIMIT_SECONDS)
        threads = sorted(int(entry.name) for entry in Path(f"/proc/{host.pid}/task").iterdir())
        # kill(2) with a thread's id signals its process, and that thread gets to handle it.
        os.kill(next(thread for thread in threads if thread != host.pid), number)
        assert host.wait(LIMIT_SECONDS) == 0
