"""The end of all waiting: the engine's Cancel reaches every pause of a lifecycle within a moment."""

from __future__ import annotations

import threading

from pulumi_runpod.errors import RunPodError


class Cancelled(RunPodError):  # noqa: N818 - says what is the case
    """A pause was ended by Ctrl-C. What had been sent to RunPod stays."""


class Cancellation:
    """One per provider process. The engine sends Cancel once, and ends the process soon after."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    def sleep(self, seconds: float) -> None:
        """`time.sleep` that ends early. Raises `Cancelled`."""
        if self._event.wait(seconds):
            raise Cancelled("the update was cancelled while it waited for RunPod; run `pulumi up` again to go on")
