"""Blocks of `docs/gitops.md`: what it tells a reader to type or to copy."""

from __future__ import annotations

import re

from tests.pulumi_folder import ROOT

TEXT = (ROOT / "docs" / "gitops.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Up to the next heading of any level."""
    return re.split(r"^#+ ", TEXT.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
