"""The life of any kind of object, derived from its `Collection`: check, diff, create, read, update, delete.

Plain snake_case dicts in and out, no engine, and no call to the service in check and diff. What can't be derived from
the models is in `kinds/`, one subclass per kind.

`olds` in `check` are the last inputs, elsewhere the last outputs. Outputs hold what the service returned, the inputs
that it never returns, and `declared`: the names of the fields that the program sets or `check` fills in, so that what
the service chose is never taken for a wish of the program. `key_digest` tells with which key the object was last seen.
"""

# ruff: noqa: ARG002 - hooks take what some kind needs

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from collections.abc import Collection as Container
from dataclasses import dataclass
from typing import ClassVar, Literal

from pulumi_runpod.errors import ApiError, Failure, InvalidInput, NotFound, OtherAccount, RunPodError
from pulumi_runpod.resources import adoption
from pulumi_runpod.resources.adoption import Adoption
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.check import Schema
from pulumi_runpod.resources.completion import Completion
from pulumi_runpod.resources.creation import Creation, namesakes_advice
from pulumi_runpod.resources.declaration import NO_DECLARATION, Declaration
from pulumi_runpod.resources.outcome import Checked, Created, Differences, Found, Updated
from pulumi_runpod.resources.unchanged import DECLARED
from pulumi_runpod.resources.values import known, normal_object
from pulumi_runpod.wire.model import Collection, JsonObject, Maybe, Request, Response, Text

KEY_DIGEST = "key_digest"
NEWER_CATALOG = "RUNPOD_NEWER_CATALOG"
_IF_NEWER = f"If RunPod has it by now, set {NEWER_CATALOG}=1 in the environment"
_DELETE_WAITS_S = (1.0, 2.0, 4.0, 8.0, 15.0)


@dataclass(frozen=True)
class Answer:
    """What the service said of an object. `silent`: fields that it left out, which is not the same as null."""

    id: str
    reality: JsonObject
    silent: frozenset[str]


class OwnInputs(Request):
    """Inputs of every kind that never leave for the service."""

    auto_name: Maybe[Text] = None
    """The automatic name; the constructor gives its prefix, and `check` adds the nonce once."""
    adopt_id: Maybe[Text] = None
    """Id of an existing object to take over instead of creating one."""


class ChangeableInputs(OwnInputs):
    """Further ones of kinds that can be updated."""

    adopt: Maybe[Literal["overwrite"]] = None
    """Confirms that the adopted object may be changed to what is declared."""


class Lifecycle:
    """One kind. Instances hold no state of an account: `api` comes with each call."""

    collection: ClassVar[Collection]
    inputs: ClassVar[type[Request]]
    """The create model of the collection plus the kind's own inputs."""
    completion: ClassVar[Completion] = Completion()
    unordered: ClassVar[Container[str]] = frozenset()
    """Lists (dotted paths) in which order means nothing."""
    units: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.sleep = sleep
        self._own = frozenset(self.inputs.model_fields) - self.collection.create_fields
        self._kept = self._own | self.collection.input_only_fields
        self._schema = Schema(
            self.inputs,
            secret_fields=self.collection.secret_fields,
            units=self.units,
            internal=ChangeableInputs.model_fields,
        )
        self.clears = self.completion.clears
        self._adopted: set[str] = set()

    @property
    def secret_fields(self) -> frozenset[str]:
        return self.collection.secret_fields

    # check and diff: no call.

    def check(self, olds: JsonObject, news: JsonObject) -> Checked:
        """Inputs with defaults, and everything that is wrong with them."""
        olds, news = normal_object(olds), normal_object(news)
        inputs = self.completion.complete(olds, news)
        failures = self.rules(olds, inputs)
        if "adopt" in inputs and "adopt_id" not in inputs:
            failures.append(Failure("adopt", "confirms what adopt_id changes: give adopt_id as well, or leave it out"))
        fields = {failure.path for failure in failures}
        if "name" not in inputs and ("adopt_id" in inputs or olds):
            fields.add("name")
        failures += [f for f in self._schema.failures(inputs, across=not failures) if f.path not in fields]
        beside = {failure.path for failure in failures}
        unknown = [f for f in self.catalog_rules(olds, inputs) if f.path not in beside]
        if os.environ.get(NEWER_CATALOG, "") not in ("", "0"):
            return Checked(inputs, failures, tuple(f"{self.subject(inputs)}: {failure}" for failure in unknown))
        failures += [Failure(f.path, f"{f.reason}{'' if f.reason.endswith('?') else '.'} {_IF_NEWER}") for f in unknown]
        return Checked(inputs, failures)

    def catalog_rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        """What the copy of the catalog in this package does not know. `RUNPOD_NEWER_CATALOG=1` makes notices of it."""
        return []

    def rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        """Rules across fields, and across the last inputs and these. Both may hold UNKNOWN."""
        return []

    def diff(self, object_id: str, olds: JsonObject, news: JsonObject) -> Differences:
        """Raises `InvalidInput` where a replacement would do harm that the program has not asked for."""
        olds, news = normal_object(olds), normal_object(news)
        adopt_id = news.get("adopt_id")
        if isinstance(adopt_id, str) and adopt_id != object_id:
            raise InvalidInput(
                f"{self.collection.kind} {object_id}",
                [
                    Failure(
                        "adopt_id",
                        f"is {adopt_id}, but this resource already manages {object_id}: declare another "
                        "resource for it, or take adopt_id out",
                    )
                ],
            )
        found = self.replacement(olds, news)
        if found.replaces and adopt_id is not None:
            raise InvalidInput(
                f"{self.collection.kind} {object_id}",
                [
                    Failure(
                        "adopt_id",
                        f"still names this object, which a change of {', '.join(found.replaces)} would replace "
                        "and delete: take adopt_id out first",
                    )
                ],
            )
        return found

    def replacement(self, olds: JsonObject, news: JsonObject) -> Differences:
        """Fields that the program sets, that can't be updated, and that differ from the object."""
        return Differences(
            tuple(
                key
                for key in sorted(self.collection.replace_fields)
                if key in news and key in olds and known(news[key]) and not self.same(news[key], olds[key], key)
            )
        )

    # The calls.

    def with_adoption(self, api: Api, declared: JsonObject, checked: Checked) -> Checked:
        """For a preview: what adopting the object named by `adopt_id` would change of it. One GET, nothing is written.

        `declared`: the inputs before `check` completed them. Where the changes are not confirmed, or the object cannot
        be adopted, the answer holds failures.
        """
        try:
            found, _ = self._adoption(api, checked.inputs, declared=normal_object(declared))
        except InvalidInput as wrong:
            return Checked(checked.inputs, list(wrong.failures))
        failures = found.failures(checked.inputs.get("adopt"))
        return Checked(checked.inputs, failures, () if failures else found.notices())

    def create(self, api: Api, news: JsonObject, declaration: Declaration = NO_DECLARATION) -> Created:
        news = normal_object(news)
        if "adopt_id" in news:
            return self._adopt(api, news)
        body = self._body(self.collection.create, self.create_body(news))
        return self.recorded(self._created(api, body, news, declaration), news, seen_with=api.key_digest)

    def read(self, api: Api, object_id: str, olds: JsonObject) -> Found:
        """The object as it is now; inputs hold only what the program (or `check`) has declared."""
        olds = normal_object(olds)
        found = api.find(self.collection, object_id, seen_with=olds.get(KEY_DIGEST))
        if found is None:
            return Found(None)
        reality, notices = self.understood(api, object_id, self._settled(olds, self._answer(found)), olds)
        kept = {key: olds[key] for key in sorted(self._kept) if key in olds}
        shown: frozenset[str]
        if DECLARED in olds:
            shown = frozenset(key for key in {*olds[DECLARED], *self.clears} if key in reality)
        else:  # imported: there are no last inputs
            shown = self.collection.create_fields & set(reality)
        inputs = {**{key: reality[key] for key in sorted(shown)}, **kept}
        outs = {**reality, **kept, DECLARED: sorted(olds.get(DECLARED, shown)), KEY_DIGEST: api.key_digest}
        return Found(object_id, outs, inputs, notices)

    def understood(
        self, api: Api, object_id: str, reality: JsonObject, olds: JsonObject
    ) -> tuple[JsonObject, tuple[str, ...]]:
        """A kind's reading of what changed outside: reality to record, and what to tell."""
        return reality, ()

    def update(self, api: Api, object_id: str, olds: JsonObject, news: JsonObject) -> Updated:
        """Make it so: sends what differs from the last known outputs, each top-level field whole. No call otherwise."""
        olds, news = normal_object(olds), normal_object(news)
        patch = self.patch(olds, news)
        if not patch:
            fields = {key: value for key, value in olds.items() if key not in self._kept | {DECLARED, KEY_DIGEST}}
            return Updated(self._outs(fields, news, olds.get(KEY_DIGEST)))
        answer = self._send(api, object_id, patch, seen_with=olds.get(KEY_DIGEST))
        return Updated(self._outs(self._settled(news, answer), news, api.key_digest))

    def delete(self, api: Api, object_id: str, olds: JsonObject) -> None:
        """Gone already is success, except with the key of another account: that raises `OtherAccount`.

        While something still uses it, waits: its users may be on their way out, too.
        """
        if object_id in self._adopted:
            # A replacement forced from outside: what it would delete is the very object that was adopted.
            return
        for wait in (*_DELETE_WAITS_S, None):
            try:
                api.delete(self.collection, object_id, seen_with=olds.get(KEY_DIGEST, ""))
            except ApiError as error:
                if error.status not in (400, 409):
                    raise
                if wait is None:
                    raise self._in_use(api, object_id, error) from error
                self.release(api, object_id, olds)
                self.sleep(wait)
            else:
                return

    def users(self, api: Api, object_id: str) -> list[str]:
        """What blocks a delete, for the message."""
        return []

    def release(self, api: Api, object_id: str, olds: JsonObject) -> None:
        """What can be done before the next attempt to delete."""

    def namesakes(self, api: Api, name: object) -> list[Response]:
        """All objects of the kind that carry the name."""
        return [found for found in api.list(self.collection) if self.same(name, _name(found), "name")]

    def recorded(self, found: Response, inputs: JsonObject, *, seen_with: str | None = None) -> Created:
        """What `create` would have returned for the object and these inputs."""
        answer = self._answer(found)
        return Created(answer.id, self._outs(self._settled(inputs, answer), inputs, seen_with))

    # What kinds build on.

    def create_body(self, news: JsonObject) -> JsonObject:
        return {key: value for key, value in news.items() if key in self.collection.create_fields}

    def patch(self, olds: JsonObject, news: JsonObject) -> JsonObject:
        """What to send so that the object of `olds` becomes that of `news`."""
        return self.changed(olds, news)

    def changed(self, olds: JsonObject, news: JsonObject) -> JsonObject:
        """The fields, as inputs, that an update has to change."""
        changed: JsonObject = {}
        for key in sorted(self.collection.update_fields):
            if key in news:
                if key not in olds or not self.same(news[key], olds[key], key):
                    changed[key] = news[key]
            elif key in self.clears and olds.get(key) not in (None, self.clears[key]):
                changed[key] = self.clears[key]
        return changed

    def reality(self, found: JsonObject) -> JsonObject:
        """The service's answer in the shape of inputs. A kind adds what it returns in another shape."""
        return found

    def same(self, one: object, other: object, path: str) -> bool:
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(self.same(one[k], other[k], f"{path}.{k}") for k in one)
        if isinstance(one, list) and isinstance(other, list) and path in self.unordered:
            return sorted(map(repr, one)) == sorted(map(repr, other))
        return one == other

    def subject(self, news: JsonObject) -> str:
        return f"{self.collection.kind} {news['name']!r}" if news.get("name") else self.collection.kind

    # Private.

    def _body(self, model: type[Request], values: JsonObject) -> Request:
        failures = Schema(model, secret_fields=self.secret_fields, units=self.units).failures(values)
        if failures:
            raise InvalidInput(self.subject(values), failures)
        return self._schema.parse(values, model)

    def _send(self, api: Api, object_id: str, patch: JsonObject, *, seen_with: str | None = None) -> Answer:
        if self.collection.update is None:
            raise RunPodError(f"a {self.collection.kind} cannot be changed, only replaced")
        body = self._body(self.collection.update, patch)
        try:
            return self._answer(api.update(self.collection, object_id, body))
        except NotFound as error:
            if self._exists(api, object_id):
                raise  # something that the body names
            if seen_with not in (None, api.key_digest):
                raise OtherAccount(
                    error.method,
                    error.path,
                    kind=self.collection.kind,
                    seen_with=str(seen_with),
                    now=f"{api.key_digest} at {api.settings.api_base_url}",
                ) from error
            raise RunPodError(
                f"{self.collection.kind} {object_id} is gone: somebody deleted it. `pulumi up --refresh` makes another"
            ) from error

    def _exists(self, api: Api, object_id: str) -> bool:
        try:
            api.get(self.collection, object_id)
        except NotFound:
            return False
        return True

    def _created(self, api: Api, body: Request, news: JsonObject, declaration: Declaration) -> Response:
        name = news.get("name")
        automatic = name == news.get("auto_name")
        if name is not None and not automatic and not api.settings.allow_namesakes:
            self._refuse_namesakes(api, news, declaration)
        creation = Creation(
            self.subject(news),
            namesakes=lambda: self.namesakes(api, name),
            automatic=automatic,
            declaration=declaration,
            sleep=self.sleep,
        )
        return creation.made(api, self.collection, body)

    def _refuse_namesakes(self, api: Api, news: JsonObject, declaration: Declaration) -> None:
        """Raises `RunPodError` where an object of the chosen name exists that the stack does not hold.

        It may be what an earlier create of this declaration has made, and its answer was lost.
        """
        listed = api.first_list(self.collection)
        ids = [str(getattr(one, "id", "")) for one in listed if self.same(news["name"], _name(one), "name")]
        held = declaration.held_ids() if ids else frozenset()
        if held is None:
            return  # a replacement may be what is asked for: its old object has the name
        strays = [object_id for object_id in ids if object_id not in held]
        if strays:
            raise RunPodError(f"{self.subject(news)} is not created: {namesakes_advice(strays, declaration)}")

    def _adopt(self, api: Api, news: JsonObject) -> Created:
        adopt_id = news["adopt_id"]
        found, answer = self._adoption(api, news)
        failures = found.failures(news.get("adopt"))
        if failures:
            raise InvalidInput(found.subject, failures)
        patch = self.patch(answer.reality, news)
        if patch:
            answer = self._send(api, adopt_id, patch)
        self._adopted.add(adopt_id)
        return Created(adopt_id, self._outs(self._settled(news, answer), news, api.key_digest))

    def _adoption(self, api: Api, news: JsonObject, declared: JsonObject | None = None) -> tuple[Adoption, Answer]:
        """Raises `InvalidInput` for an object that does not exist, or that cannot become what is declared."""
        adopt_id = news["adopt_id"]
        subject = f"{self.collection.kind} {adopt_id}"
        try:
            answer = self._answer(api.get(self.collection, adopt_id))
        except NotFound as error:
            advice = "check the id, and that the API key and base URL are those of its account"
            raise InvalidInput(
                self.subject(news),
                [Failure("adopt_id", f"there is no {self.collection.kind} {adopt_id} in this account: {advice}")],
            ) from error
        stuck = self.replacement(answer.reality, news).replaces
        if stuck:
            raise InvalidInput(
                subject,
                [
                    Failure(key, f"cannot be changed, and is {answer.reality.get(key)!r} there: declare it so")
                    for key in stuck
                ],
            )
        wanted = self.changed(answer.reality, news)
        changes = adoption.changes(wanted, answer.reality, declared, secret_fields=self.secret_fields)
        unseen = (self.collection.input_only_fields - self.collection.update_fields) & set(news)
        return Adoption(subject, tuple(changes), tuple(adoption.unknown_fields(wanted)), tuple(sorted(unseen))), answer

    def _in_use(self, api: Api, object_id: str, error: ApiError) -> RunPodError:
        users = self.users(api, object_id)
        still = f"it is still used by {', '.join(users)}: change or delete that first" if users else "try again later"
        return RunPodError(
            f"{error.method} {error.path} -> {error.status}: {'; '.join(error.reasons)}. {still.capitalize()}"
        )

    def _answer(self, found: Response) -> Answer:
        fields = found.model_dump(mode="json", exclude_none=True)
        object_id = str(fields.pop("id"))
        reality = self.reality(normal_object(fields))
        silent = frozenset(type(found).model_fields) - found.model_fields_set - set(reality)
        return Answer(
            object_id, {k: v for k, v in reality.items() if k not in self.clears or v != self.clears[k]}, silent
        )

    def _settled(self, wanted: JsonObject, answer: Answer) -> JsonObject:
        """Reality, in the words of what was asked for where both mean the same, or where the service says nothing."""
        kept = {key: wanted[key] for key in sorted(answer.silent) if key in wanted}
        return kept | {
            key: wanted[key] if key in wanted and self.same(wanted[key], value, key) else value
            for key, value in answer.reality.items()
        }

    def _outs(self, reality: JsonObject, news: JsonObject, seen_with: str | None) -> JsonObject:
        kept = {key: news[key] for key in sorted(self._kept) if key in news}
        outs = {**reality, **kept, DECLARED: sorted(key for key in news if key not in self._kept)}
        return outs if seen_with is None else {**outs, KEY_DIGEST: seen_with}


def _name(found: Response) -> str | None:
    name = getattr(found, "name", None)
    return name if isinstance(name, str) else None
