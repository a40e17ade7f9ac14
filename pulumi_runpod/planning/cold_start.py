"""How long a cold start takes, phase by phase, and which part of it is billed.

RunPod bills a worker from its container's start: the image pull is free, container start and model load are not
(its pricing page). FlashBoot skips pull and container start, never the model load.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.planning.quantities import Given, Seconds


@dataclass(frozen=True)
class Span:
    """Seconds: at best, expected, at worst."""

    low: Decimal
    expected: Decimal
    high: Decimal

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    @classmethod
    def known(cls, seconds: Decimal) -> Span:
        return cls(seconds, seconds, seconds)


NOTHING = Span.known(Decimal(0))
# Ranges as practice reports them; the expected figures are those of a slim image (about 2 GB) with its weights on a
# network volume.
IMAGE_PULL = Span(Decimal(5), Decimal(8), Decimal(60))
CONTAINER_START = Span(Decimal(2), Decimal(3), Decimal(5))
MODEL_LOAD = Span(Decimal(10), Decimal(15), Decimal(45))


class ColdStart(Given):
    """What was measured of a worker's cold start; what is left out is forecast as a range."""

    image_pull_seconds: Seconds | None = None
    """From the choice of a host to the image there. Default: 5 to 60, a forecast."""
    container_start_seconds: Seconds | None = None
    """From the image to the first line of the worker. Default: 2 to 5, a forecast."""
    model_load_seconds: Seconds | None = None
    """From there to a worker that takes jobs. Default: 10 to 45, a forecast."""

    def phases(self, *, flashboot: bool) -> dict[str, Span]:
        """Phase -> seconds, as a caller waits for them."""
        load = _span(self.model_load_seconds, MODEL_LOAD)
        if flashboot:
            return {"image pull": NOTHING, "container start": NOTHING, "model load": load}
        return {
            "image pull": _span(self.image_pull_seconds, IMAGE_PULL),
            "container start": _span(self.container_start_seconds, CONTAINER_START),
            "model load": load,
        }

    def wait(self, *, flashboot: bool) -> Span:
        """Seconds from the first request to a worker that can take it."""
        return sum(self.phases(flashboot=flashboot).values(), NOTHING)

    def billed(self, *, flashboot: bool) -> Span:
        """Seconds of it that are charged."""
        phases = self.phases(flashboot=flashboot)
        return phases["container start"] + phases["model load"]


def _span(measured: Decimal | None, forecast: Span) -> Span:
    return forecast if measured is None else Span.known(measured)
