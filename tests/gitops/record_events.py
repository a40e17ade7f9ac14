"""Records the golden events anew, from real previews: `.venv/bin/python -m tests.gitops.record_events [SITUATION...]`.

For when the engine, the provider or a situation has changed; look at the difference before it is committed.
"""

from __future__ import annotations

import sys

from tests.gitops.project.situations import SITUATIONS
from tests.gitops.recording import GOLDEN, record


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in SITUATIONS]
    if unknown:
        print(f"no such situation: {', '.join(unknown)}; there are {', '.join(SITUATIONS)}", file=sys.stderr)
        return 2
    GOLDEN.mkdir(exist_ok=True)
    for name in names or SITUATIONS:
        lines = record(name)
        (GOLDEN / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        print(f"{name}: {len(lines)} events")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
