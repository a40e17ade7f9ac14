"""`/_emulator/*`: what a test or a person does to the local RunPod itself. Needs the owner's key, save for `ready`.

| Call | Meaning |
|---|---|
| GET ready | liveness: `{"pid", "api", "jobs", "console", "containers": {"available", "reason"}}` |
| POST reset | forget every object, job, fault, stock setting and logged call; switches go back to their defaults |
| GET, POST, DELETE faults; DELETE faults/{id} | list, arm (body: `Fault`), clear |
| GET, POST clock | `{"now", "frozen"}`; body `{"advance": seconds}`, `{"freeze": true}` or `{"freeze": false}` |
| GET, PATCH switches | all of them; body: those to turn |
| GET, DELETE requests | logged calls (`?method=&path=GLOB`); forget them |
| GET, PUT stock | capacity by `pool@data center` |
| PUT quota | body `{"quota": "q=60;w=3"}` |
| POST keys | body `{"level", "control", "endpoints"}`: make a key, shown once |
| GET, POST s3-keys; DELETE s3-keys/{id} | ids; make a key of the S3 API, shown once; remove one (served by `s3/`) |
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.platform.faults import PLATFORM_KINDS, Fault
from pulumi_runpod.emulator.platform.keys import Access, Level
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.quota import parse_quota
from pulumi_runpod.emulator.platform.route import body_of, json_response, methods
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.switches import Switches

M = TypeVar("M", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _ClockBody(_Body):
    advance: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    """Seconds."""
    freeze: bool | None = None


class _KeyBody(_Body):
    level: Level = "all"
    control: Access = "none"
    endpoints: dict[str, Access] = Field(default_factory=dict)


class _QuotaBody(_Body):
    quota: str


class _StockBody(_Body):
    stock: dict[str, Annotated[int, Field(ge=0)]]


class ControlRoutes:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def ready(self, _: Request) -> Response:
        return _answer(
            {"pid": os.getpid(), **addresses(self.platform.base_url), "containers": containers(self.platform)}
        )

    async def reset(self, _: Request) -> Response:
        reset(self.platform)
        return Response(status_code=204)

    async def faults(self, _: Request) -> Response:
        return _answer({"faults": self.platform.faults.list()})

    async def add_fault(self, request: Request) -> Response:
        fault = _parsed(Fault, await body_of(request))
        return _answer({"id": arm(self.platform, fault)}, status=201)

    async def clear_faults(self, _: Request) -> Response:
        self.platform.faults.clear()
        self.platform.scheduler.conditions_changed()
        return Response(status_code=204)

    async def remove_fault(self, request: Request) -> Response:
        if not self.platform.faults.remove(request.path_params["id"]):
            raise ProblemError(404, "fault not found")
        self.platform.scheduler.conditions_changed()
        return Response(status_code=204)

    async def clock(self, _: Request) -> Response:
        clock = self.platform.clock
        return _answer({"now": clock.timestamp(), "frozen": clock.frozen})

    async def move_clock(self, request: Request) -> Response:
        result = _parsed(_ClockBody, await body_of(request))
        clock = self.platform.clock
        if result.freeze is True:
            clock.freeze()
        elif result.freeze is False:
            clock.resume()
        if result.advance is not None:
            clock.advance(result.advance)
        return await self.clock(request)

    async def switches(self, _: Request) -> Response:
        return json_response(self.platform.switches.model_dump_json(by_alias=True))

    async def turn_switches(self, request: Request) -> Response:
        result = _parsed(Switches, await body_of(request))
        turn(self.platform, result)
        return await self.switches(request)

    async def requests(self, request: Request) -> Response:
        query = request.query_params
        calls = self.platform.request_log.calls(method=query.get("method"), path=query.get("path", "*"))
        return _answer({"total": len(calls), "calls": [asdict(c) for c in calls]})

    async def clear_requests(self, _: Request) -> Response:
        self.platform.request_log.clear()
        return Response(status_code=204)

    async def stock(self, _: Request) -> Response:
        return _answer({"stock": self.platform.stock.listed()})

    async def set_stock(self, request: Request) -> Response:
        for pattern, count in _parsed(_StockBody, await body_of(request)).stock.items():
            try:
                self.platform.stock.set(pattern, count)
            except ValueError as wrong:
                raise ProblemError(422, str(wrong)) from wrong
        self.platform.scheduler.conditions_changed()
        return await self.stock(request)

    async def set_quota(self, request: Request) -> Response:
        try:
            windows = parse_quota(_parsed(_QuotaBody, await body_of(request)).quota)
        except ValueError as wrong:
            raise ProblemError(422, str(wrong)) from wrong
        self.platform.rate_limit.set(windows)
        return Response(status_code=204)

    async def add_key(self, request: Request) -> Response:
        result = _parsed(_KeyBody, await body_of(request))
        key = self.platform.keys.add(level=result.level, control=result.control, endpoints=result.endpoints)
        return _answer({"key": key}, status=201)


def routes(platform: Platform) -> list[Route]:
    control = ControlRoutes(platform)
    return [
        methods("/_emulator/ready", {"GET": control.ready}),
        methods("/_emulator/reset", {"POST": control.reset}),
        methods(
            "/_emulator/faults", {"GET": control.faults, "POST": control.add_fault, "DELETE": control.clear_faults}
        ),
        methods("/_emulator/faults/{id}", {"DELETE": control.remove_fault}),
        methods("/_emulator/clock", {"GET": control.clock, "POST": control.move_clock}),
        methods("/_emulator/switches", {"GET": control.switches, "PATCH": control.turn_switches}),
        methods("/_emulator/requests", {"GET": control.requests, "DELETE": control.clear_requests}),
        methods("/_emulator/stock", {"GET": control.stock, "PUT": control.set_stock}),
        methods("/_emulator/quota", {"PUT": control.set_quota}),
        methods("/_emulator/keys", {"POST": control.add_key}),
    ]


def addresses(base_url: str) -> dict[str, str]:
    """Where clients go: `api` for `RUNPOD_API_BASE_URL`, `jobs` for the SDK's `RUNPOD_ENDPOINT_BASE_URL`."""
    return {"api": base_url, "jobs": f"{base_url}/v2", "console": f"{base_url}/console"}


def containers(platform: Platform) -> dict[str, object]:
    """Whether images run as containers now; if not, why: workers are processes then, where `--worker` names one."""
    reason = platform.scheduler.uncontained()
    return {"available": reason is None, "reason": reason}


def reset(platform: Platform) -> None:
    """Back to an empty account. The clock keeps its time; a changed quota stays."""
    platform.store.clear()
    platform.keys.load()
    platform.scheduler.reset()
    platform.faults.clear()
    platform.stock.clear()
    platform.request_log.clear()
    platform.switches = Switches()
    platform.clear_volumes()


def arm(platform: Platform, fault: Fault) -> str:
    """Arm a fault and return its id."""
    fault_id = platform.faults.add(fault)
    if fault.kind in PLATFORM_KINDS:
        platform.scheduler.conditions_changed()
    return fault_id


def turn(platform: Platform, result: Switches) -> None:
    """Turn the switches that are set; the others stay."""
    update = {name: getattr(result, name) for name in result.model_fields_set}
    platform.switches = platform.switches.model_copy(update=update)
    platform.scheduler.conditions_changed()


def _answer(body: object, *, status: int = 200) -> Response:
    return json_response(json.dumps(body), status=status)


def _parsed(model: type[M], raw: bytes) -> M:
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as failure:
        items = [f"{'.'.join(map(str, e['loc'])) or '$'}: {e['msg']}" for e in failure.errors(include_url=False)]
        raise ProblemError(422, "; ".join(items), errors=items) from None
