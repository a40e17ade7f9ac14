"""How a worker runs: the contract of a runtime, and the runtime that runs workers as processes of this machine."""

from __future__ import annotations
