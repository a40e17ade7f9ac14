"""A module beside the program."""

from __future__ import annotations

WORD = "beside"
