"""One question to RunPod and its answer: at most one call in a run, one line when it fails.

Under Pulumi's mocks nothing is called: `Mocks.call` answers, and where it does not, the dated copy of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pulumi
from pulumi.runtime.mocks import MockCallArgs, MockMonitor
from pulumi.runtime.settings import get_monitor
from pydantic import TypeAdapter, ValidationError

from pulumi_runpod.client import RunPodClient, client_for
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.data.account import Account, offline_wanted, program_config, settings_of
from pulumi_runpod.resources.engine_run import once_per_run

T = TypeVar("T")


@dataclass(frozen=True)
class Question(Generic[T]):
    """`route` is what RunPod is asked; its answer, or member `member` of it, has the shape `shape`."""

    tok: str
    """By Pulumi's custom for functions: `runpod:index:getGpuTypes`."""
    route: str
    ask: Callable[[RunPodClient], T]
    shape: TypeAdapter[T]
    member: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    offline: Callable[[], T] | None = None
    """The dated copy, of what has one."""

    def key(self, client: RunPodClient) -> tuple[object, ...]:
        return (self.tok, client, *sorted(self.args.items()))


def answered(function: str, question: Question[T], account: Account | None) -> T:
    """Raises `pulumi.RunError`, which Pulumi shows as one line; `function` is what the program called."""
    monitor = get_monitor()
    try:
        if isinstance(monitor, MockMonitor):
            return _mocked(question, monitor)
        if question.offline is not None and account is None and offline_wanted(program_config()):
            return question.offline()
        return asked(question, client_for(settings_of(account)))
    except RunPodError as error:
        raise pulumi.RunError(f"{function}: {error}") from None


def asked(question: Question[T], client: RunPodClient) -> T:
    """The service's answer, from this run's first call. Raises as every call of the client."""
    return once_per_run(question.key(client), lambda: question.ask(client))


def _mocked(question: Question[T], monitor: MockMonitor) -> T:
    result: object = monitor.mocks.call(MockCallArgs(token=question.tok, args=dict(question.args), provider=""))
    if isinstance(result, tuple):
        result, failures = result
        if failures:
            raise RunPodError("; ".join(str(reason) for _, reason in failures))
    if not isinstance(result, dict) or not result:
        if question.offline is not None:
            return question.offline()
        raise RunPodError(
            f"RunPod is not asked under Pulumi's mocks: let Mocks.call answer {question.tok} as {question.route} does"
        )
    try:
        return question.shape.validate_python(result.get(question.member) if question.member else result)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in (question.member, *first["loc"]) if step is not None)
        raise RunPodError(
            f"Mocks.call answered {question.tok} with something else than {question.route} does: "
            f"{where}: {first['msg'].lower()}"
        ) from None
