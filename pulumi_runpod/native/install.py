"""Puts the plugin where the engine looks for it. The folder names this environment, so nothing is fetched or built."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pulumi_runpod.native.version import VERSION
from pulumi_runpod.resources.schema_names import NATIVE_PACKAGE

PLUGIN_FOLDER = Path(__file__).with_name("plugin")
"""Runs as it is: for `path:` of a plugin in Pulumi.yaml, and for `pulumi package add`."""
_LAUNCHER = """#!{python}
from pulumi_runpod.native.server import main

main()
"""


def install(home: Path | None = None) -> Path:
    """The plugin's new folder below `home`, PULUMI_HOME or `~/.pulumi`. Other versions stay."""
    home = home or Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / f"resource-{NATIVE_PACKAGE}-v{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / f"pulumi-resource-{NATIVE_PACKAGE}"
    launcher.write_text(_LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)
    return folder
