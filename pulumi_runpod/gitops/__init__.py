"""Previews on pull requests, an endpoint per pull request, drift reports: what workflows call, in tested code."""

from __future__ import annotations
