"""``python -m sdxl_worker.tiny_weights DIR`` writes a tiny random SDXL: the real architecture, 1.4 million parameters.

For trying everything around the images without a GPU; the images are noise. Written whole or not at all; a second call
changes nothing. Refuses a folder that holds anything else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sdxl_worker.weights import DEFAULTS, MANIFEST, WeightsError, find_weights

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTokenizer

Kind = Literal["base", "refiner"]
Precision = Literal["float32", "float16"]

# Part of the manifest: a change of what is written below changes this, and folders of the old kind are refused.
RECIPE = "tiny-sdxl-1"
DEFAULT_JOB = {"width": 256, "height": 256, "num_inference_steps": 4}
_HIDDEN, _TIME_DIM = 32, 8


def write(target: Path, *, kind: Kind = "base", precision: Precision = "float32", variant: str | None = None) -> bool:
    """Puts the weights into ``target``.

    Returns:
        False when they were there already.

    Raises:
        WeightsError: ``target`` holds something else, or a damaged set.
    """
    recipe = f"{RECIPE}/{kind}/{precision}/{variant or 'plain'}"
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        _check_existing(target, recipe)
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _build(scratch / "weights", kind=kind, precision=precision, variant=variant)
        (scratch / "weights" / DEFAULTS).write_text(json.dumps(DEFAULT_JOB, indent=2) + "\n")
        _write_manifest(scratch / "weights", recipe)
        try:
            # Over an empty folder this is one step; over a full one it fails, and the other writer was first.
            (scratch / "weights").rename(target)
        except OSError:
            _check_existing(target, recipe)
            return False
    finally:
        shutil.rmtree(scratch)
    return True


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="sdxl_worker.tiny_weights", description="Write a tiny random SDXL to DIR.")
    parser.add_argument("dir", type=Path, metavar="DIR", help="e.g. <volume>/models/sdxl-tiny")
    parser.add_argument("--kind", choices=["base", "refiner"], default="base")
    parser.add_argument("--precision", choices=["float32", "float16"], default="float32")
    given = parser.parse_args(arguments)
    try:
        written = write(given.dir, kind=given.kind, precision=given.precision)
    except (WeightsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'written' if written else 'already there'}: {given.dir}")
    return 0


def _check_existing(target: Path, recipe: str) -> None:
    try:
        found = json.loads((target / MANIFEST).read_text())["recipe"]
    except (OSError, ValueError, KeyError, TypeError):
        found = "something else"
    if found != recipe:
        raise WeightsError(f"{target} holds {found}, not {recipe}: remove it, or name another folder")
    find_weights(name=target.name, volume=target.parent, path=target)


def _write_manifest(folder: Path, recipe: str) -> None:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    entries = [
        {
            "path": str(file.relative_to(folder)),
            "size": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in files
    ]
    (folder / MANIFEST).write_text(json.dumps({"recipe": recipe, "files": entries}, indent=1) + "\n")


def write_tokenizer(folder: Path) -> CLIPTokenizer:
    """A tokenizer that needs no download: printable ASCII as 94 letters and 94 word ends, 2 marks, no merges."""
    from transformers import CLIPTokenizer

    folder.mkdir()
    letters = [chr(code) for code in range(0x21, 0x7F)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=77)


def _unet(cross_attention_dim: int, time_ids: int) -> UNet2DConditionModel:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        transformer_layers_per_block=(1, 1),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=_TIME_DIM,
        projection_class_embeddings_input_dim=_HIDDEN + time_ids * _TIME_DIM,
        cross_attention_dim=cross_attention_dim,
        norm_num_groups=8,
    )


def _build(out: Path, *, kind: Kind, precision: Precision, variant: str | None) -> None:
    import torch
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLImg2ImgPipeline,
        StableDiffusionXLPipeline,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer = write_tokenizer(out.with_name("tokenizer"))
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=_HIDDEN,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        projection_dim=_HIDDEN,
        hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    shared: dict[str, Any] = {
        # Four blocks make the factor 8 of SDXL.
        "vae": AutoencoderKL(
            latent_channels=4,
            block_out_channels=(16, 32, 32, 32),
            sample_size=256,
            norm_num_groups=8,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            scaling_factor=0.13025,
            force_upcast=False,
        ),
        "text_encoder_2": CLIPTextModelWithProjection(text),
        "tokenizer_2": tokenizer,
        "scheduler": EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            timestep_spacing="leading",
            steps_offset=1,
        ),
        "add_watermarker": False,
    }
    pipe: StableDiffusionXLPipeline | StableDiffusionXLImg2ImgPipeline
    if kind == "base":
        pipe = StableDiffusionXLPipeline(
            text_encoder=CLIPTextModel(text), tokenizer=tokenizer, unet=_unet(2 * _HIDDEN, 6), **shared
        )
    else:
        # The refiner has one text encoder, and an aesthetics score in place of the target size: five numbers.
        pipe = StableDiffusionXLImg2ImgPipeline(
            text_encoder=None,
            tokenizer=None,
            unet=_unet(_HIDDEN, 5),
            requires_aesthetics_score=True,
            **shared,
        )
    if precision != "float32":
        pipe.to(getattr(torch, precision))
    pipe.save_pretrained(out, safe_serialization=True, variant=variant)


if __name__ == "__main__":
    # Read by the libraries when they are imported.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", DIFFUSERS_VERBOSITY="error")
    sys.exit(main())
