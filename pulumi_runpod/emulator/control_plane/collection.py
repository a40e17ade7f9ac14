"""Create, read, update, delete and list for any `Collection`: the routes ask its rules, write, and answer.

No handler awaits between its first read and its last write, so every request is atomic.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.control_plane.validation import parse
from pulumi_runpod.emulator.platform.pagination import parse_page
from pulumi_runpod.emulator.platform.problem import ProblemError, not_found
from pulumi_runpod.emulator.platform.route import Handler, body_of, json_response, methods
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire import model as wire

AnyRules = Rules[Any, Any]
"""Rules of some kind: the models differ by kind, and each module of rules types its own."""


class CollectionRoutes:
    def __init__(self, platform: Platform, rules: AnyRules) -> None:
        self.platform = platform
        self.rules = rules
        self.collection = rules.collection
        self.store = platform.store

    def routes(self) -> list[Route]:
        collection = self.collection
        of_one: dict[str, Handler] = {"DELETE": self.delete}
        if collection.get_by_id:
            of_one["GET"] = self.get
        if collection.update is not None:
            of_one["PATCH"] = self.update
        of_all: dict[str, Handler] = {"GET": self.list, "POST": self.create}
        if self.rules.newer:
            of_one = {method: self._unless_older(handler) for method, handler in of_one.items()}
            of_all = {method: self._unless_older(handler) for method, handler in of_all.items()}
        return [methods(f"{collection.path}/{{id}}", of_one), methods(collection.path, of_all)]

    async def create(self, request: Request) -> Response:
        raw = await body_of(request)
        wanted = self._parse(self.collection.create, raw)
        body, private = self.rules.create(wanted)
        object_id = self.rules.new_id()
        body = {"id": object_id, **body}
        text = self.store.insert(self.collection.kind, object_id, body, private)
        self.rules.created(object_id, body)
        return json_response(self.rules.shown(text), status=201)

    async def get(self, request: Request) -> Response:
        object_id: str = request.path_params["id"]
        text = self.store.text(self.collection.kind, object_id)
        if text is not None:
            return json_response(self.rules.shown(text))
        text = self.rules.public.get(object_id)
        if text is None:
            raise not_found(self.collection.kind)
        return json_response(text)

    async def update(self, request: Request) -> Response:
        raw = await body_of(request)
        row = self._row(request)
        if self.collection.update is None:
            raise ProblemError(405, "The requested method is not allowed for this path.")
        wanted = self._parse(self.collection.update, raw)
        body, private = self.rules.update(row, wanted)
        with self.store.atomic():
            text = self.store.update(self.collection.kind, row.id, body, private)
            self.rules.updated(row.id, row.body, body)
        return json_response(self.rules.shown(text))

    async def delete(self, request: Request) -> Response:
        row = self._row(request)
        self.rules.refuse_delete(row)
        with self.store.atomic():
            self.store.delete(self.collection.kind, row.id)
            self.rules.deleted(row)
        return Response(status_code=204)

    async def list(self, request: Request) -> Response:
        kind, query = self.collection.kind, request.query_params
        paginated = self.collection.paginated and self.platform.switches.document != "2026-08"
        tail = ""
        if paginated:
            page = parse_page(self.collection.path, query)
            found = self.store.texts(kind, before=page.before, limit=page.fetch)
            tail = f',"pagination":{json.dumps(page.envelope([seq for seq, _, _ in found]))}'
            found = found[: page.limit]
        else:
            found = self.store.texts(kind)
        for parameter, member in self.rules.filters.items():
            if (wanted := query.get(parameter)) is not None:
                found = [f for f in found if str(json.loads(f[2])[member]).lower() == wanted.lower()]
        shown = ",".join(self.rules.shown(text) for _, _, text in found)
        return json_response(f'{{"{self.collection.list_key}":[{shown}]{tail}}}')

    def _parse(self, model: type[wire.Request], raw: bytes) -> wire.Request:
        return parse(model, raw, switches=self.platform.switches, branched=self.rules.branched)

    def _unless_older(self, handler: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if self.platform.switches.document == "2026-08":
                raise ProblemError(404, "resource not found")
            return await handler(request)

        return handle

    def _row(self, request: Request) -> Row:
        row = self.store.get(self.collection.kind, request.path_params["id"])
        if row is None:
            raise not_found(self.collection.kind)
        return row
