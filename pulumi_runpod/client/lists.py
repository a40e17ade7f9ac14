"""Lists that many threads ask for at once: fetched once per kind, shared, and forgotten with any write of the process.

A refresh of 200 objects of four kinds is four calls.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from pulumi_runpod.wire.model import JsonObject

Listing = dict[str, JsonObject]
"""Objects as they came, by id: parsed when one is asked for, so that another's odd object harms nobody."""

LONGEST_LIFE = 30.0
"""Seconds. Enough for a refresh; a program that lives longer sees what others changed."""

PATIENCE = 3.0
"""Seconds: far longer than an engine takes to ask for the next object of a state, and paid only by what may be gone."""


@dataclass
class _Flight:
    generation: int
    listing: Future[Listing] = field(default_factory=Future)
    landed_at: float = float("inf")


class Lists:
    """One per account and process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._generation = 0
        self._flights: dict[str, _Flight] = {}

    def get(self, kind: str, fetch: Callable[[], Listing]) -> Listing:
        """The list of a kind: the one at hand, the one being fetched, or a new one. Raises what `fetch` raises."""
        with self._lock:
            flight = self._flights.get(kind)
            joins = flight is not None and flight.generation == self._generation and not self._is_old(flight)
            if not joins:
                flight = self._flights[kind] = _Flight(self._generation)
        assert flight is not None
        if joins:
            return flight.listing.result()
        try:
            listing = fetch()
        except BaseException as error:
            with self._lock:
                if self._flights.get(kind) is flight:
                    del self._flights[kind]
            flight.listing.set_exception(error)
            raise
        flight.landed_at = self._monotonic()
        flight.listing.set_result(listing)
        return listing

    def forget(self) -> None:
        """Something was or may be written: lists at hand and under way do not answer calls from now on.

        Called before and after a write: a list that was fetched meanwhile may or may not show it. All kinds go, since a
        write on one can show in another (deleting a credential takes it out of templates).
        """
        with self._lock:
            self._generation += 1

    def _is_old(self, flight: _Flight) -> bool:
        return self._monotonic() - flight.landed_at > LONGEST_LIFE


class Census:
    """What was asked for by id in this process, and what of it was there.

    One missing object was deleted. When nothing of what was asked for is there, the key is of another account: an
    answer that must not empty a state file. So before one find answers "gone", those that began earlier are waited for;
    and while no other object of its kind decides, those that are about to begin, for `patience` seconds: an
    engine that refreshes asks for all objects of a state at once, but nothing says when it has asked for the last (and
    with `--parallel 1` it asks for the next when it has the answer to the first).

    An object that was last seen with another key is gone only when one that was last seen with that same key is here:
    ids exist nowhere twice, so that proves the account. A state may hold objects of two accounts: an object that this
    key itself has made proves nothing of the others.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._settled = threading.Condition()
        self._tickets = itertools.count()
        self._under_way: set[int] = set()
        self._found: set[str] = set()
        self._missing: dict[str, dict[str, None]] = {}
        self._proven: set[str | None] = set()

    def begin(self) -> int:
        """A ticket for one find, to be handed back with its outcome."""
        with self._settled:
            ticket = next(self._tickets)
            self._under_way.add(ticket)
            return ticket

    def abandon(self, ticket: int) -> None:
        """A find that ended without an outcome."""
        with self._settled:
            self._end(ticket)

    def found(self, ticket: int, kind: str, seen_with: str | None = None) -> None:
        with self._settled:
            self._found.add(kind)
            self._proven.add(seen_with)
            self._end(ticket)

    def deleted(self, seen_with: str | None) -> None:
        """An object last seen with this key digest was in this account."""
        with self._settled:
            self._proven.add(seen_with)
            self._settled.notify_all()

    def proves(self, seen_with: str | None) -> bool:
        """Whether an object last seen with this key digest was here. Waits for one, `patience` seconds at most."""
        with self._settled:
            return self._settled.wait_for(lambda: seen_with in self._proven, timeout=self._patience)

    def missing(
        self, ticket: int, kind: str, object_id: str, *, other_key: str | None = None
    ) -> tuple[list[str], list[str]] | None:
        """Record a miss; `(kinds, ids)` when it is one of several and nothing contradicts "everything vanished", or
        when it was last seen with another key (`other_key` is that digest) and nothing that this key has seen is here.
        """
        with self._settled:
            self._missing.setdefault(kind, {})[object_id] = None
            self._end(ticket)

            def is_proven() -> bool:
                return kind in self._found if other_key is None else other_key in self._proven

            self._settled.wait_for(lambda: is_proven() or all(other > ticket for other in self._under_way))
            self._settled.wait_for(lambda: is_proven() or self._vanished(kind), timeout=self._patience)
            if other_key is not None and not is_proven():
                return self._vanished(kind) or ([kind], [object_id])
            return self._vanished(kind)

    def _vanished(self, kind: str) -> tuple[list[str], list[str]] | None:
        if kind not in self._found and len(self._missing[kind]) > 1:
            return [kind], list(self._missing[kind])
        if not self._found and sum(map(len, self._missing.values())) > 1:
            return list(self._missing), [i for ids in self._missing.values() for i in ids]
        return None

    def _end(self, ticket: int) -> None:
        self._under_way.remove(ticket)
        self._settled.notify_all()
