"""Adoption of an existing object by its id: what it would change, property by property.

An adopted object is read before anything is written. Where it differs from the declaration, it is changed only with
`adopt="overwrite"`; the preview reads it as well and lists the changes.
"""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_runpod.errors import Failure
from pulumi_runpod.resources.outcome import Checked
from pulumi_runpod.resources.values import Path, dotted, known

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

OVERWRITE = "overwrite"
"""Value of the input `adopt` that confirms changes of the adopted object."""
_LONGEST_VALUE = 200


@dataclass(frozen=True)
class Change:
    """One property of an adopted object. `is_default`: the program does not set it, so `check` has filled it in."""

    path: Path
    text: str
    """`from 5 to 3`; without values where the field is secret."""
    is_default: bool = False

    def __str__(self) -> str:
        default = " (the default: the program does not set it)" if self.is_default else ""
        return f"{dotted(self.path)}: {self.text}{default}"


@dataclass(frozen=True)
class Adoption:
    """An object and what the declaration would change of it."""

    subject: str
    """`endpoint abc123`"""
    changes: tuple[Change, ...]
    unknown: tuple[str, ...]
    """Properties whose new value a preview does not know yet: they are compared in the update."""
    unseen: tuple[str, ...]
    """Properties that the service never returns and never changes: the declared values are believed."""

    def failures(self, confirmation: object) -> list[Failure]:
        """Why the object must not be adopted. `confirmation`: the input `adopt`."""
        if not self.changes or confirmation == OVERWRITE:
            return []
        listed = [Failure(dotted(change.path), f"would change {_after_colon(change)}") for change in self.changes]
        advice = f"declare what {self.subject} has, or confirm the changes with adopt={OVERWRITE!r}"
        return [*listed, Failure("adopt_id", f"{self.subject} differs in {_counted(len(self.changes))}: {advice}")]

    def notices(self) -> tuple[str, ...]:
        """What a person should know before the update."""
        lines = [f"{self.subject} is adopted and changed:", *(f"  {change}" for change in self.changes)]
        found = ["\n".join(lines)] if self.changes else []
        if self.unknown:
            found.append(f"{self.subject} is adopted; not known yet, compared in the update: {', '.join(self.unknown)}")
        if self.unseen:
            found.append(
                f"{self.subject} is adopted; the service never returns {', '.join(self.unseen)}, so that the declared "
                "values are taken to be those of the object"
            )
        return tuple(found)


def previews(olds: JsonObject, checked: Checked) -> bool:
    """Whether the checked inputs adopt an object that is not in the state yet, so that a preview has to read it."""
    return not olds and not checked.failures and isinstance(checked.inputs.get("adopt_id"), str)


def changes(
    wanted: JsonObject, reality: JsonObject, declared: JsonObject | None, *, secret_fields: Container[str]
) -> list[Change]:
    """The properties in which `wanted` (fields to send) differs from `reality`. What is UNKNOWN is left out.

    `declared`: what the program itself sets; None where that is not known.
    """
    found = []
    for key in sorted(wanted):
        for path, before, after in _leaves((key,), reality.get(key), wanted[key]):
            text = _hidden(before, after) if key in secret_fields else f"from {_shown(before)} to {_shown(after)}"
            is_default = declared is not None and after is not None and not _has(declared, path)
            found.append(Change(path, text, is_default))
    return found


def unknown_fields(wanted: JsonObject) -> list[str]:
    return [key for key in sorted(wanted) if not known(wanted[key])]


def _leaves(path: Path, before: object, after: object) -> Iterator[tuple[Path, object, object]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _leaves((*path, key), before.get(key), after.get(key))
    elif known(after) and before != after:
        yield path, before, after


def _has(declared: JsonObject, path: Path) -> bool:
    here: object = declared
    for step in path:
        if not isinstance(here, dict):
            return True
        if here.get(str(step)) is None:
            return False
        here = here[str(step)]
    return True


def _hidden(before: object, after: object) -> str:
    if before is None:
        return "to the declared value (both are hidden)"
    return "to none (it is hidden)" if after is None else "to another value (both are hidden)"


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _after_colon(change: Change) -> str:
    return str(change).removeprefix(f"{dotted(change.path)}: ")


def _counted(count: int) -> str:
    return "1 property" if count == 1 else f"{count} properties"
