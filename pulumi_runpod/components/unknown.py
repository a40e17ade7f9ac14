"""A value that a preview cannot know yet, as the engine itself marks what resources to be created will have."""

from __future__ import annotations

import pulumi


def unknown() -> pulumi.Output[str]:
    """For previews alone: in an update, what depends on it would wait for nothing and get nothing."""

    async def no() -> bool:
        return False

    async def nothing() -> str:
        return ""

    return pulumi.Output(set(), nothing(), no(), no())
