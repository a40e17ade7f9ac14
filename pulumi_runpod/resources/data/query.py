"""The arguments of a data source: judged before any call, all mistakes at once; awaited where they are inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import pulumi

from pulumi_runpod.errors import Failure, InvalidInput
from pulumi_runpod.resources.check import Schema
from pulumi_runpod.resources.data.account import Account, resolved
from pulumi_runpod.wire.model import Request

T = TypeVar("T")
Q = TypeVar("Q", bound=Request)


def checked(function: str, model: type[Q], given: Mapping[str, object], account: Account | None) -> Q:
    """What was asked, None counting as not given. Raises `pulumi.RunError`."""
    fields = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items() if v is not None}
    failures = [
        Failure(name, f"is an Output, whose value is not known yet: call {function}_output")
        for name, value in {**fields, **_of_account(account)}.items()
        if _waits(value)
    ]
    if not isinstance(account, Account | None):
        failures.append(Failure("account", "must be an Account"))  # type: ignore[unreachable]  # a program may be untyped
    schema = Schema(model)
    failures = failures or schema.failures(fields)
    if failures:
        raise pulumi.RunError(str(InvalidInput(function, failures)))
    return cast("Q", schema.parse(fields, model))


def later(function: Callable[..., T], account: Account | None, given: Mapping[str, object]) -> pulumi.Output[T]:
    """`function(**given)` as soon as all is known; in its own thread, so that the program's loop goes on."""
    fields = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items() if v is not None}
    whose = resolved(account) if isinstance(account, Account) else pulumi.Output.from_input(account)

    async def ask(values: Mapping[str, object]) -> T:
        arguments = cast("dict[str, object]", values["given"])
        return await asyncio.to_thread(function, account=values["account"], **arguments)

    known = cast("pulumi.Output[dict[str, object]]", pulumi.Output.all(account=whose, given=fields))
    return known.apply(ask)


def _of_account(account: Account | None) -> dict[str, object]:
    if not isinstance(account, Account):
        return {}
    return {f"account.{name}": value for name, value in account.given().items()}


def _waits(value: object) -> bool:
    if isinstance(value, list):
        return any(_waits(item) for item in value)
    return isinstance(value, pulumi.Output)
