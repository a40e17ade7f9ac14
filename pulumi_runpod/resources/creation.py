"""One POST that makes one object, whatever becomes of its answer. Nothing is created twice by what is done here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pulumi_runpod.errors import AmbiguousCreate, Conflict, RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.wire.model import Collection, Request, Response

_LOOK_AGAIN_S = (0.0, 2.0, 5.0)


@dataclass(frozen=True)
class Creation:
    """`namesakes`: all objects of the kind that carry the new one's name. `automatic`: nobody else has that name."""

    subject: str
    namesakes: Callable[[], list[Response]]
    automatic: bool
    sleep: Callable[[float], None]

    def made(self, api: Api, collection: Collection, body: Request) -> Response:
        """The new object. The POST is sent once: an answer of failure may come before the commit, as well as after it.

        Raises `AmbiguousCreate` where nothing of that name appears.
        """
        try:
            return api.create(collection, body)
        except AmbiguousCreate as error:
            found = self._found_after(error)
            if found is not None:
                return found
            raise
        except Conflict as error:
            namesakes = self.namesakes()
            raise (_told(error, namesakes) if namesakes else error) from error

    def _found_after(self, error: AmbiguousCreate) -> Response | None:
        """What a POST of unknown outcome has made. Only an automatic name proves that an object is this one."""
        for wait in _LOOK_AGAIN_S:
            self.sleep(wait)
            try:
                namesakes = self.namesakes()
            except RunPodError as looking:
                raise error from looking
            if namesakes and self.automatic:
                return namesakes[0]
            if namesakes:
                told = f"{error.method} {error.path} -> {error.reason}: the {self.subject} may have been created"
                raise _told(told, namesakes) from error
        return None


def _told(what: object, namesakes: Iterable[Response]) -> RunPodError:
    ids = ", ".join(str(getattr(found, "id", "?")) for found in namesakes)
    return RunPodError(
        f"{what}. Of that name there is now: {ids}. If it is yours, take it over with adopt_id=... or delete it; "
        "then run `pulumi up` again"
    )
