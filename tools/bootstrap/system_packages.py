"""What must come from the system's package manager: installed when we are root and apt-get is there, else named."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.errors import SetupError


@dataclass(frozen=True)
class SystemPackage:
    """A Debian package, why it is needed, and how to see that it (or an equal) is there."""

    name: str
    purpose: str
    present: Callable[[], bool]


def on_path(program: str) -> Callable[[], bool]:
    """Whether a program is on PATH, asked when it matters."""
    return lambda: shutil.which(program) is not None


def _has_ensurepip() -> bool:
    importlib.invalidate_caches()
    return importlib.util.find_spec("ensurepip") is not None


REQUIRED = (
    SystemPackage("python3-venv", "makes Python environments", _has_ensurepip),
    SystemPackage("git", "fetches and describes sources", on_path("git")),
    SystemPackage("make", "runs the targets of the Makefile", on_path("make")),
)
BROWSER = SystemPackage(
    "chromium",
    "shows the console to its tests",
    lambda: any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
)
C_COMPILER = SystemPackage("gcc", "compiles programs that are partly C", on_path("gcc"))


def can_install() -> bool:
    """Whether `ensure` would install instead of telling what is missing."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def ensure(packages: Iterable[SystemPackage], *, as_root: bool, console: Console) -> None:
    """Installs what is missing as root; else raises SetupError with the exact command."""
    missing = [package for package in packages if not package.present()]
    if not missing:
        return
    names = [package.name for package in missing]
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    what = "; ".join(f"{package.name} ({package.purpose})" for package in missing)
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"missing on this system: {what}.\nInstall the packages that hold them with your package manager "
            "(the names are Debian's), then run this again."
        )
    if not as_root:
        raise SetupError(
            f"missing on this system: {what}.\nRun this, then run the set-up again:\n  sudo {shlex.join(install)}"
        )
    with console.step(f"Installing {', '.join(names)}"):
        advice = f"Install {' '.join(names)} by hand, then run this again."
        run(["apt-get", "update"], purpose="read the list of system packages", advice=advice)
        run(
            install,
            purpose=f"install {' '.join(names)}",
            advice=advice,
            environ=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )
    if still := [package.name for package in missing if not package.present()]:
        raise SetupError(f"{' '.join(still)} was installed but is not found; open a new shell and run this again.")
