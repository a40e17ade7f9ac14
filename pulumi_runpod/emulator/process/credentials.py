"""The key of a state directory: random, made once, kept for its owner alone where stacks and commands find it.

A file beside the state, since several local RunPods may run on one machine. `pulumi_runpod.settings` reads it for a
stack whose API base URL is the address in it; a server that was given its key with `--api-key` leaves no address there.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from pulumi_runpod.emulator.platform.defaults import DEFAULT_KEY
from pulumi_runpod.emulator.platform.s3_owner_key import owner_key
from pulumi_runpod.emulator.process.private_files import write_private
from pulumi_runpod.emulator.process.server_settings import CREDENTIALS_FILE


def key_of(state_dir: Path) -> str | None:
    """The key that a server on this state has where none is given; None before its first start."""
    try:
        key = json.loads((state_dir / CREDENTIALS_FILE).read_text())["apiKey"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(key)


def made_key(state_dir: Path) -> str:
    """The key of this state, made with its first start. State of a release that had no such keys keeps `local`."""
    known = key_of(state_dir)
    if known is not None:
        return known
    key = DEFAULT_KEY if (state_dir / "runpod.sqlite").exists() else f"rpa_{secrets.token_hex(20).upper()}"
    announce(state_dir, key, api=None)
    return key


def announce(state_dir: Path, key: str, *, api: str | None) -> None:
    """Note under which address the key opens a server now; None: under none."""
    s3 = owner_key(key)
    fields = {
        "api": api,
        "apiKey": key,
        "s3AccessKeyId": s3.access_key_id,
        "s3SecretAccessKey": s3.secret_access_key,
    }
    write_private(state_dir / CREDENTIALS_FILE, json.dumps(fields))
