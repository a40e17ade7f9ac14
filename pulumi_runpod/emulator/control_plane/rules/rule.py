"""What every kind's rules answer. The collection's routes ask; rules decide, and refuse by raising `ProblemError`."""

from __future__ import annotations

import itertools
import random
import string
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire.model import Collection, JsonObject, Request

CreateT = TypeVar("CreateT", bound=Request)
UpdateT = TypeVar("UpdateT", bound=Request)

_SYLLABLES = ["".join(three) for three in itertools.product(string.ascii_lowercase + string.digits, repeat=3)]
# Not the shared generator: a test in the same process may seed that one, and ids would come again.
_IDS = random.Random()  # noqa: S311 - names, not secrets


class Rules(Generic[CreateT, UpdateT]):
    """Bodies are the API's JSON, as stored. `updated` and `deleted` run after the store write, in its transaction."""

    collection: ClassVar[Collection]
    branched: ClassVar[bool] = False
    """The document composes the bodies of this kind from `allOf` branches."""
    newer: ClassVar[bool] = False
    """The older document has no such kind."""
    id_length: ClassVar[int] = 10
    public: ClassVar[Mapping[str, str]] = {}
    """JSON text, by id, of objects that can be read though they are not the account's own."""
    filters: ClassVar[Mapping[str, str]] = {}
    """Query parameters of the list, and the member of a body that must equal each, whatever the case."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.store = platform.store

    def new_id(self) -> str:
        return "".join(_IDS.choices(_SYLLABLES, k=-(-self.id_length // 3)))[: self.id_length]

    def create(self, wanted: CreateT) -> tuple[JsonObject, JsonObject]:
        """`(body without id, private part)` of a new object."""
        raise NotImplementedError

    def update(self, row: Row, wanted: UpdateT) -> tuple[JsonObject, JsonObject | None]:
        """`(new body, new private part or None to keep it)`."""
        raise NotImplementedError

    def refuse_delete(self, row: Row) -> None:
        """Raise ProblemError when the object has to stay."""

    def created(self, object_id: str, body: JsonObject) -> None:
        """Writes nothing: a create is one insert, without a transaction around it."""

    def updated(self, object_id: str, old: JsonObject, new: JsonObject) -> None: ...

    def deleted(self, row: Row) -> None: ...

    def shown(self, text: str) -> str:
        """The stored JSON text of a body as the API answers it."""
        return text

    def unknown(self, where: str, kind: str, object_id: str) -> ProblemError:
        """A body names an object that is not there."""
        return ProblemError(self.platform.switches.unknown_reference_status, f"{where}: {kind} {object_id!r} not found")
