"""What the service does with a kind beyond create, read, update and delete: one module per kind, one class each."""

from __future__ import annotations
