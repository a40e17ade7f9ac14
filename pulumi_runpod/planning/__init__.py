"""Which GPU, at what cost, and what to think of before it runs: pure functions on typed inputs.

Nothing here reads a file, a clock or the network: prices and stock are handed in as the catalog told them.
"""

from __future__ import annotations
