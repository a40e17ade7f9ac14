"""Finds the weights and says whether they are whole, in milliseconds and before anything heavy is imported.

Never goes to the internet. A half-written set is refused here, with the file's name, instead of failing in the load.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sdxl_worker.schedulers import SchedulerName

INDEX = "model_index.json"
MANIFEST = "READY.json"
DEFAULTS = "worker.json"
# Classes of model_index.json that carry no weights of their own.
_WITHOUT_WEIGHTS = ("Tokenizer", "Scheduler", "FeatureExtractor", "ImageProcessor")
_HALF = re.compile(r"\.fp16[.-]")
_LONGEST_HEADER = 100_000_000  # bytes; the safetensors format's own limit


class WeightsError(RuntimeError):
    """The weights are missing or not whole; the text names the files and what to do."""


class ModelDefaults(BaseModel):
    """What a job gets when it does not say: ``worker.json`` beside the weights, for few-step and small models."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    width: int = Field(1024, ge=8, le=4096, multiple_of=8)
    height: int = Field(1024, ge=8, le=4096, multiple_of=8)
    num_inference_steps: int = Field(30, ge=1, le=100)
    guidance_scale: float = Field(7.0, ge=0, le=20)
    scheduler: SchedulerName | None = Field(None, strict=False)
    timestep_spacing: str | None = Field(None, pattern="^(leading|trailing|linspace)$")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A whole set of weights.

    Attributes:
        name: what answers call the model.
        folder: holds ``model_index.json``.
        variant: ``"fp16"`` where the files carry that in their names, else None.
        files: every file with weights, with its size in bytes.
        defaults: what a job gets when it does not say.
    """

    name: str
    folder: Path
    variant: str | None
    files: tuple[tuple[Path, int], ...]
    defaults: ModelDefaults

    @property
    def total_bytes(self) -> int:
        """Size of all files with weights."""
        return sum(size for _, size in self.files)


def candidates(*, name: str, volume: Path, path: Path | None = None) -> list[Path]:
    """Where weights may lie, in order: the explicit path alone, else the volume's folder, then the cache's snapshot."""
    if path is not None:
        return [path]
    found = [volume / "models" / name]
    if "/" in name:
        cached = volume / "huggingface-cache" / "hub" / f"models--{name.replace('/', '--')}"
        reference = cached / "refs" / "main"
        commit = reference.read_text().strip() if reference.is_file() else "<refs/main is missing>"
        found.append(cached / "snapshots" / commit)
    return found


def find_weights(*, name: str, volume: Path, path: Path | None = None, half: bool = True) -> Weights:
    """The first whole set among the candidates. Where it holds both precisions, ``half`` says which is taken.

    Raises:
        WeightsError: nothing is there (lists the tried paths), or what is there is not whole (lists the files).
    """
    tried = candidates(name=name, volume=volume, path=path)
    for folder in tried:
        if (folder / INDEX).is_file():
            return _checked(name if path is None else path.name, folder, half=half)
        if (folder / MANIFEST).exists() or (folder.is_dir() and any(folder.iterdir())):
            raise WeightsError(f"{folder} has files but no {INDEX}: the upload is not whole; upload the weights again")
    places = ", ".join(str(place) for place in tried)
    raise WeightsError(
        f"no weights found; tried {places}. Put a diffusers folder there, or set MODEL_NAME or MODEL_PATH"
    )


def _checked(name: str, folder: Path, *, half: bool) -> Weights:
    components = _components(folder)
    problems = list(_manifest_problems(folder))
    weighted: dict[str, list[Path]] = {}
    for component, kind in components.items():
        home = folder / component
        if not home.is_dir():
            problems.append(f"{component}/ is missing")
        elif not any(kind.endswith(ending) or ending in kind for ending in _WITHOUT_WEIGHTS):
            if not (home / "config.json").is_file():
                problems.append(f"{component}/config.json is missing")
            files = sorted(home.glob("*.safetensors"))
            if not files:
                problems.append(f"{component}/ has no .safetensors file")
            weighted[component] = files
            problems += _missing_shards(home)
    for file in (file for files in weighted.values() for file in files):
        problem = length_problem(file)
        if problem:
            problems.append(f"{file.relative_to(folder)} {problem}")
    if problems:
        raise WeightsError(f"weights in {folder} are not whole: {'; '.join(problems)}. Upload them again")
    variant, chosen = _choose(weighted.values(), half=half)
    sizes = tuple((file, file.stat().st_size) for file in chosen)
    return Weights(name=name, folder=folder, variant=variant, files=sizes, defaults=_defaults(folder))


def length_problem(file: Path) -> str | None:
    """What is wrong with the length of a safetensors file, by its own header; None when it is as long as it says."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        prefix = stream.read(8)
        if len(prefix) < 8:
            return "is cut off in its first 8 bytes"
        (header_length,) = struct.unpack("<Q", prefix)
        if header_length > min(size, _LONGEST_HEADER):
            return "is cut off in its header, or is no safetensors file"
        try:
            header = json.loads(stream.read(header_length))
            ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return "has a header that can't be read"
    expected = 8 + header_length + max(ends, default=0)
    return None if size == expected else f"has {size} bytes where its header says {expected}"


def _components(folder: Path) -> dict[str, str]:
    try:
        index = json.loads((folder / INDEX).read_text())
        return {
            name: str(value[1])
            for name, value in index.items()
            if isinstance(value, list) and len(value) == 2 and value[1] is not None
        }
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{folder / INDEX} is not a pipeline index ({error}); upload the weights again") from None


def _missing_shards(home: Path) -> list[str]:
    missing = []
    for index in home.glob("*.safetensors.index*.json"):
        try:
            shards = set(json.loads(index.read_text())["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            missing.append(f"{home.name}/{index.name} can't be read")
            continue
        missing += [f"{home.name}/{shard} is missing" for shard in sorted(shards) if not (home / shard).is_file()]
    return missing


def _manifest_problems(folder: Path) -> Iterable[str]:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return
    try:
        entries = [(str(entry["path"]), int(entry["size"])) for entry in json.loads(manifest.read_text())["files"]]
    except (ValueError, KeyError, TypeError):
        yield f"{MANIFEST} can't be read"
        return
    for name, size in entries:
        file = folder / name
        if not file.is_file():
            yield f"{name} is missing"
        elif file.stat().st_size != size:
            yield f"{name} has {file.stat().st_size} bytes where {MANIFEST} says {size}"


def _choose(components: Iterable[Sequence[Path]], *, half: bool) -> tuple[str | None, list[Path]]:
    # Both wrong guesses fail in diffusers, so the files decide. For a component without the variant it takes the plain
    # files.
    pairs = [
        ([file for file in files if _HALF.search(file.name)], [file for file in files if not _HALF.search(file.name)])
        for files in components
    ]
    all_plain = all(plain for _, plain in pairs)
    any_half = any(small for small, _ in pairs)
    if any_half and (half or not all_plain):
        return "fp16", [file for small, plain in pairs for file in (small or plain)]
    return None, [file for _, plain in pairs for file in plain]


def _defaults(folder: Path) -> ModelDefaults:
    file = folder / DEFAULTS
    if not file.is_file():
        return ModelDefaults()
    try:
        return ModelDefaults.model_validate_json(file.read_text())
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors(include_url=False)
        )
        raise WeightsError(f"{file}: {problems}") from None
