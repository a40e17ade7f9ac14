"""The one error of the set-up: its text says what was wrong, where, and what to do."""

from __future__ import annotations


class SetupError(Exception):
    """Ends the set-up; the text is all that the user sees."""
