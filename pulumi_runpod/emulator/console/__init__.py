"""The console: one page that shows the local RunPod at work, and the feed behind it. It only looks; what it does, it
does through the control API and the job URLs, as any other client."""

from __future__ import annotations
