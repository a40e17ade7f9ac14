"""A Pulumi project and the `pulumi` command there: every process of it that this package starts is started here."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.started import StartedHere

_PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
_EMPTY_ATTRIBUTES = (
    "an interrupted pulumi has left an empty file STACK.json.attrs beside a state, STACK.json, which is whole. Delete "
    "each empty .attrs file in .pulumi/stacks of the backend's folder, and end the backend's URL in `?metadata=skip`, "
    "so that none is written again"
)
_ADVICE = {
    "failed to load checkpoint: EOF": _EMPTY_ATTRIBUTES,
    "EOF": _EMPTY_ATTRIBUTES,
    "unexpected end of JSON input": (
        "the backend lists empty folders as files, and pulumi takes them for its own. A RunPod volume does so: keep "
        "the state in a bucket of an object store, or in Pulumi Cloud"
    ),
}
"""What `pulumi` says -> what it means."""

_QUIET = {"GRPC_VERBOSITY": "ERROR"}
"""Or the gRPC library notes, in policy packs, that a connection is closed, and the engine shows that as a warning."""


_LOCKING = frozenset({("up",), ("destroy",), ("refresh",), ("stack", "import"), ("stack", "rm")})
"""Commands that lock the stack."""


class PulumiFailed(RunPodError):  # noqa: N818 - as the rest of the tree
    """`text`: everything that was printed."""

    def __init__(self, arguments: Sequence[str], exit_code: int, text: str) -> None:
        self.exit_code, self.text = exit_code, text
        command = " ".join(word for word in arguments[:2] if not word.startswith("-"))
        super().__init__(f"pulumi {command} -> {reason(text) or f'exit code {exit_code}'}")


class PulumiProcess(subprocess.Popen[str]):
    """Noted for as long as it runs, where it may lock a stack; used as a context manager."""

    def __init__(self, *arguments: Any, started: StartedHere | None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._started = started
        if started is not None:
            started.note(self.pid)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        # Killed by a signal, it has left its lock behind.
        if self._started is not None and self.returncode >= 0:
            self._started.ended(self.pid)


@dataclass(frozen=True)
class Workspace:
    """A Pulumi project: where it lies, and how `pulumi` is started there."""

    directory: Path
    command: str
    environment: Mapping[str, str] = field(repr=False)
    started: StartedHere = field(default_factory=StartedHere.on_this_machine)

    def start(
        self, *arguments: str, environment: Mapping[str, str] | None = None, reads: bool = False
    ) -> PulumiProcess:
        """`reads`: something will be written to it."""
        locks = arguments[:1] in _LOCKING or arguments[:2] in _LOCKING
        return PulumiProcess(
            [self.command, *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**_QUIET, **self.environment, **(environment or {})},
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            started=self.started if locks else None,
        )

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What it printed. Raises `PulumiFailed` with its own reason."""
        with self.start(*arguments, reads=stdin is not None) as process:
            return _output_of(process, arguments, stdin)

    def run_at_once(self, *questions: Sequence[str]) -> list[str]:
        """What each of them printed. Raises `PulumiFailed` with the first one's reason."""
        with ExitStack() as started:
            asked = [started.enter_context(self.start(*question)) for question in questions]
            return [_output_of(process, question) for process, question in zip(asked, questions, strict=True)]


def _output_of(process: subprocess.Popen[str], arguments: Sequence[str], stdin: str | None = None) -> str:
    result, complaint = process.communicate(stdin)
    if process.returncode:
        raise PulumiFailed(arguments, process.returncode, f"{complaint}\n{result}")
    return result


def project_file(directory: Path) -> Path | None:
    """Of the Pulumi project in a directory; None where there is none."""
    return next((file for name in _PROJECT_FILES if (file := directory / name).is_file()), None)


def reason(text: str) -> str:
    """The first error that `pulumi` printed, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    result = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
    result = result.removeprefix("error:").strip()
    return f"{result}: {_ADVICE[result]}" if result in _ADVICE else result
