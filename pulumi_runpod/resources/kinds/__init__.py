"""What each kind's lifecycle adds to what its `Collection` says. Imported by the provider process alone."""

from __future__ import annotations
