"""`.venv`: what the package and its tests run on, exactly as pinned, with the package itself in editable form.

Redone only when what it is made from has changed. It keeps pip, which the official language host calls.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from bootstrap.cache import key_of, locked
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.places import Places, base_python

PIP_INSTALL = ("-m", "pip", "install", "--disable-pip-version-check", "--quiet")
NETWORK_ADVICE = "Check that the network, or your package index, can be reached, then run this again."


def ensure_uv(places: Places, *, console: Console) -> None:
    """An environment with pip and uv in it. Raises SetupError when they cannot be installed."""
    pins = _input(places.tools / "requirements-bootstrap.txt")

    def install() -> None:
        ensure_interpreter(places, console=console)
        run(
            [places.venv_python, *PIP_INSTALL, "--require-hashes", "-r", pins],
            purpose="install uv into .venv",
            advice=NETWORK_ADVICE,
        )

    _once(places, "uv", {"bootstrap": pins}, install, console=console)


def ensure(places: Places, *, console: Console) -> None:
    """The whole environment. Raises SetupError when an input is missing or a package cannot be installed."""
    bootstrap = _input(places.tools / "requirements-bootstrap.txt")
    pins = _input(places.repository / "requirements-dev.txt")
    build = _input(places.tools / "requirements-build.txt")
    described = _input(places.repository / "pyproject.toml")
    ensure_uv(places, console=console)

    def uv_pip(verb: str, *arguments: str | Path) -> list[str | Path]:
        return [places.uv, "pip", verb, "--quiet", "--python", places.venv_python, *arguments]

    def install() -> None:
        with console.step("Installing the package and its tools into .venv"):
            run(
                uv_pip("sync", "--compile-bytecode", "--require-hashes", bootstrap, pins),
                purpose="install the pinned requirements into .venv",
                advice=NETWORK_ADVICE,
            )
            run(
                uv_pip("install", "--no-deps", "--build-constraints", build, "--editable", places.repository),
                purpose="install the package itself into .venv",
                advice="The package's own build failed: look at pyproject.toml.",
            )
            _show_plugin_note(places)

    inputs = {"bootstrap": bootstrap, "pins": pins, "build": build, "described": described}
    _once(places, "package", inputs, install, console=console)


def _show_plugin_note(places: Places) -> None:
    """Put `pulumi-plugin.json` where the wheel has it. An editable install has no such folder, and the official
    language host would then have the engine look for a plugin of the package's name.
    """
    for site_packages in places.venv.glob("lib/python3*/site-packages"):
        folder = site_packages / "pulumi_runpod_serverless"
        folder.mkdir(exist_ok=True)
        shutil.copy2(places.tools / "plugin" / "pulumi-plugin.json", folder)


def _input(path: Path) -> Path:
    if not path.is_file():
        raise SetupError(f"{path} is missing: this clone is not complete. Restore it: git checkout -- {path}")
    return path


def _once(places: Places, name: str, inputs: dict[str, Path], install: Callable[[], None], *, console: Console) -> None:
    """Runs `install` unless the environment's stamp says that it was done with the same inputs."""
    stamp = places.venv / f".{name}-stamp"

    def key() -> str:
        # An interpreter that was removed leaves a broken link: then the environment is made anew.
        state = f"{_version(places)} {places.venv_python.exists()}"
        return key_of({**inputs, "interpreter": state})

    if stamp.is_file() and stamp.read_text() == key():
        return
    with locked(places.cache, f"venv-{key_of({'repository': str(places.repository)})}", console=console):
        if stamp.is_file() and stamp.read_text() == key():
            return
        stamp.unlink(missing_ok=True)
        install()
        stamp.write_text(key())


def ensure_interpreter(places: Places, *, console: Console) -> None:
    """A `.venv` whose Python runs, is new enough and has pip. Raises SetupError when it cannot be made."""
    if places.venv_python.exists() and _version(places) >= (3, 11) and _has_pip(places):
        return
    with console.step(f"Making .venv from {base_python()}"):
        run(
            [base_python(), "-m", "venv", "--clear", places.venv],
            purpose="make the Python environment .venv",
            advice="Check that this Python can make environments (package python3-venv), then run this again.",
        )


def _has_pip(places: Places) -> bool:
    return any(places.venv.glob("lib/python3*/site-packages/pip/__init__.py"))


def _version(places: Places) -> tuple[int, ...]:
    """The environment's Python, from the file that describes it; () when that says nothing usable."""
    config = places.venv / "pyvenv.cfg"
    for line in config.read_text().splitlines() if config.is_file() else []:
        key, _, value = line.partition("=")
        if key.strip() in ("version", "version_info"):
            return tuple(int(part) for part in value.strip().split(".")[:2] if part.isdigit())
    return ()
