"""`make preview-all`: what an update would do to each stack, side by side, on the local RunPod. Changes nothing there.

Every stack with a file of settings is previewed, whatever becomes of the others. A stack that the backend does not know
yet is made, empty, as `make up` makes it; what only its first update will give is unknown in the previews of the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stack import ROOT, local_port, make_tiny_model, run, start_local

ORDER = ("platform", "dev", "staging", "prod")
LOCAL_PORT = 8777


@dataclass(frozen=True)
class Preview:
    stack: str
    failed: bool
    text: str

    def summary(self) -> str:
        """`2 to create, 1 to update`, or that it failed."""
        if self.failed:
            return "FAILED"
        text = self.text.partition("\nResources:\n")[2].partition("\n\n")[0]
        steps = [line.strip(" +-~\t") for line in text.splitlines() if " to " in line]
        return ", ".join(steps) or "unchanged"


def stacks() -> list[str]:
    """Those with a file of settings, in the order in which one builds on another."""
    found = {
        file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in (ROOT / "stacks").glob("Pulumi.*.yaml")
    }
    return [*(name for name in ORDER if name in found), *sorted(found.difference(ORDER))]


def make_missing(names: Sequence[str]) -> None:
    """Previews need the stack, and the stacks that it refers to, in the backend."""
    known = {
        result["name"] for result in json.loads(run("pulumi", "stack", "ls", "--json", "--non-interactive", quiet=True))
    }
    for name in names:
        if name not in known:
            run("pulumi", "stack", "init", name, "--no-select", "--non-interactive", quiet=True)


def preview(stack: str, port: int) -> Preview:
    """Runs with the local RunPod's address and key where the stack's settings name no other."""
    done = subprocess.run(
        [
            "pulumi",
            "preview",
            "--stack",
            stack,
            "--non-interactive",
            "--color",
            "never",
            "--suppress-progress",
        ],
        cwd=ROOT,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={
            **os.environ,
            "RUNPOD_API_BASE_URL": f"http://127.0.0.1:{port}",
            "STACKS_UNDEPLOYED": "unknown",
        },
    )
    return Preview(stack, done.returncode != 0, done.stdout.strip())


def main() -> None:
    (ROOT / ".local" / "pulumi").mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    names = sys.argv[1:] or stacks()
    port = next(filter(None, map(local_port, names)), LOCAL_PORT)
    if all(local_port(name) is not None for name in names) and "PULUMI_CONFIG_PASSPHRASE_FILE" not in os.environ:
        os.environ.setdefault("PULUMI_CONFIG_PASSPHRASE", "")  # as in `make up`
    start_local(port)
    make_tiny_model()
    make_missing(names)
    # Each is an engine and a program; more at a time than there are cores would only wait for each other.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as side_by_side:
        previews = list(side_by_side.map(lambda name: preview(name, port), names))
    for result in previews:
        print(f"\n{f' {result.stack} ':=^100}\n{result.text}")
    print(f"\n{' all stacks ':=^100}")
    width = max(len(result.stack) for result in previews)
    for result in previews:
        print(f"{result.stack:{width}}  {result.summary()}")
    sys.exit(any(result.failed for result in previews))


if __name__ == "__main__":
    main()
