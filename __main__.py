from __future__ import annotations

from stacks.program import program

program()
