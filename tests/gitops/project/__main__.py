"""Declares what the stack's configuration asks for: `situation`, and `then` for what the pull request makes of it."""

from __future__ import annotations

import pulumi
from situations import SITUATIONS

config = pulumi.Config()
now, then = SITUATIONS[config.require("situation")]
(then if config.get_bool("then") else now)()
