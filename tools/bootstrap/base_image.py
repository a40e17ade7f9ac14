"""The image that others build on where we have a builder of our own: Debian with Python, made by debootstrap.

A machine without a way to a public registry can build all the same. Made once for all clones, and kept in the local
registry; what it holds comes from the mirror that apt-get uses here.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from bootstrap import system_packages
from bootstrap.cache import key_of, obtain
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.image_services import ImageServices
from bootstrap.image_toolchain import DEBOOTSTRAP, ImageTools
from bootstrap.places import Places

PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates")
DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]
"""


def ensure(places: Places, services: ImageServices, tools: ImageTools, *, console: Console) -> str:
    """Its reference, pinned by digest; empty where it cannot be made and a public image must do. Raises SetupError."""
    release = debian_release()
    if tools.buildctl is None or not release or not (DEBOOTSTRAP.present() or system_packages.can_install()):
        return ""
    note = services.directory / "base.json"
    made_from = key_of({"packages": " ".join(PACKAGES), "release": release, "dockerfile": DOCKERFILE})
    if note.exists():
        document = json.loads(note.read_text())
        if document["made_from"] == made_from:
            return str(document["reference"])

    def build(directory: Path) -> None:
        system_packages.ensure([DEBOOTSTRAP], as_root=True, console=console)
        with console.step("Making the base image", f"{release} with Python, about a minute, once for all clones"):
            _pack(release, directory)

    name = f"image-base-{key_of({'made_from': made_from, 'machine': platform.machine()})}"
    reference = _push(obtain(places.cache, name, build=build, console=console), services, tools, release)
    note.write_text(json.dumps({"made_from": made_from, "reference": reference}))
    return reference


def debian_release() -> str:
    """`bookworm`; empty where this is no Debian."""
    try:
        result = dict(re.findall(r'^(\w+)="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE))
    except OSError:
        return ""
    return result.get("VERSION_CODENAME", "") if result.get("ID") == "debian" else ""


def _pack(release: str, directory: Path) -> None:
    root = directory / "rootfs"
    run(
        [
            *("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
            *(release, str(root), *_mirror()),
        ],
        purpose="make the base image",
        advice="Check that the mirror of apt-get can be reached, then run this again.",
    )
    for left in (*root.glob("var/cache/apt/archives/*.deb"), *root.glob("var/lib/apt/lists/*_*")):
        left.unlink()
    run(
        ["tar", "--numeric-owner", "--one-file-system", "-C", root, "-cf", directory / "rootfs.tar", "."],
        purpose="pack the base image",
        advice="Check the space on the disk.",
    )
    shutil.rmtree(root)
    (directory / "Dockerfile").write_text(DOCKERFILE)


def _mirror() -> list[str]:
    """Where apt-get gets the release from on this machine; nothing when it does not say."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in asked.stdout.splitlines() if line.startswith("http")][:1]


def _push(entry: Path, services: ImageServices, tools: ImageTools, release: str) -> str:
    name = f"{services.registry()}/python-base:{release}"
    metadata = services.directory / "run" / "base-metadata.json"
    output = f"type=image,name={name},push=true,store=false,compression=uncompressed,oci-mediatypes=true"
    run(
        [
            *(str(tools.buildctl), "--addr", f"unix://{services.socket}", "build", "--frontend", "dockerfile.v0"),
            *("--local", f"context={entry}", "--local", f"dockerfile={entry}", "--metadata-file", metadata),
            *("--opt", "build-arg:SOURCE_DATE_EPOCH=0"),
            *("--output", f"{output},rewrite-timestamp=true"),
        ],
        purpose="push the base image to the local registry",
        advice=f"Look at {services.store.log} and {services.builder.log}.",
        environ=os.environ | {"BUILDKIT_PROGRESS": "plain"},
    )
    return f"{name}@{json.loads(metadata.read_text())['containerimage.digest']}"
