"""What an engine that was killed has left: its providers end, and nobody else's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from language_host.providers import end_providers_of

ENGINE, ANOTHER = "127.0.0.1:1", "127.0.0.1:2"
WAITS = "import sys; sys.stdin.read()"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`started(*arguments)`: a process with these in its command line, which ends when its stdin ends."""
    processes = []
    shim = tmp_path / "pulumi-resource-pulumi-python"
    shim.symlink_to(sys.executable)

    def start(*arguments: str, program: str = sys.executable) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([program, "-c", WAITS, *arguments], stdin=subprocess.PIPE)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_providers_of_the_engine_end_and_no_others(
    started: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """The shell around the shim included."""
    mine = [
        started("-m", "pulumi.dynamic", ENGINE),
        started(ENGINE, program=str(tmp_path / "pulumi-resource-pulumi-python")),
    ]
    others = [started("-m", "pulumi.dynamic", ANOTHER), started(ENGINE), started("-m", "pulumi.dynamic")]

    end_providers_of(ENGINE, patience=0.0)

    assert [process.wait(10) for process in mine] == [-9, -9]
    assert [process.poll() for process in others] == [None, None, None]


def test_a_provider_that_ends_by_itself_is_waited_for(started: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Calls under way may end: their objects are whole then."""
    provider = started("-m", "pulumi.dynamic", ENGINE)
    assert provider.stdin is not None
    provider.stdin.close()

    end_providers_of(ENGINE, patience=60.0)

    assert provider.wait(10) == 0
