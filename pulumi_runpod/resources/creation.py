"""One POST that makes one object, whatever becomes of its answer. Nothing is created twice by what is done here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pulumi_runpod.errors import AmbiguousCreate, Conflict, RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.declaration import NO_DECLARATION, Declaration
from pulumi_runpod.wire.model import Collection, Request, Response

_LOOK_AGAIN_S = (0.0, 2.0, 5.0)


@dataclass(frozen=True)
class Creation:
    """`namesakes`: all objects of the kind that carry the new one's name. `automatic`: nobody else has that name."""

    subject: str
    namesakes: Callable[[], list[Response]]
    automatic: bool
    sleep: Callable[[float], None]
    declaration: Declaration = NO_DECLARATION

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
            ids = [str(getattr(found, "id", "?")) for found in self.namesakes()]
            if not ids:
                raise
            raise RunPodError(
                f"{error}. Of that name there is now: {', '.join(ids)}. If an earlier `up` has made it, give it to the "
                f"stack: {self.declaration.taking(ids[0])}. If not, choose another name"
            ) from error

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
                what = f"{error.method} {error.path} -> {error.reason}: the {self.subject} may have been created"
                raise self._with_advice(what, namesakes) from error
        return None

    def _with_advice(self, what: str, namesakes: Iterable[Response]) -> RunPodError:
        ids = [str(getattr(found, "id", "?")) for found in namesakes]
        return RunPodError(f"{what}. {_sentence(namesakes_advice(ids, self.declaration))}")


def namesakes_advice(ids: Sequence[str], declaration: Declaration) -> str:
    """What to do about objects of a chosen name that the stack does not hold."""
    return (
        f"an object of that name exists, and the stack does not hold it: {', '.join(ids)}. If an earlier `pulumi up` "
        f"has made it, give it to the stack: {declaration.taking(ids[0])}. If not, choose another name, or allow "
        "objects of one name: `pulumi config set runpod:allowNamesakes true`"
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
