"""The program that every stack of this project runs, and the settings of each stack."""

from __future__ import annotations
