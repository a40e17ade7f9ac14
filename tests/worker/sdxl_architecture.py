"""SDXL base at its true size with random weights, for measuring on a GPU without the real weights.

Configurations are those that the SDXL base 1.0 repository publishes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from sdxl_worker.tiny_weights import write_tokenizer

_TEXT = {"vocab_size": 49408, "max_position_embeddings": 77}


def components(device: str, **ids: int) -> dict[str, Any]:
    """The four models in float16 on a device; ``meta`` gives their shapes alone."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)
    try:
        with torch.device(device):
            return {
                "vae": AutoencoderKL(
                    latent_channels=4,
                    block_out_channels=(128, 256, 512, 512),
                    layers_per_block=2,
                    sample_size=1024,
                    down_block_types=("DownEncoderBlock2D",) * 4,
                    up_block_types=("UpDecoderBlock2D",) * 4,
                    scaling_factor=0.13025,
                    force_upcast=True,
                ),
                "text_encoder": CLIPTextModel(
                    CLIPTextConfig(
                        hidden_size=768,
                        intermediate_size=3072,
                        num_hidden_layers=12,
                        num_attention_heads=12,
                        projection_dim=768,
                        hidden_act="quick_gelu",
                        **_TEXT,
                        **ids,
                    )
                ),
                "text_encoder_2": CLIPTextModelWithProjection(
                    CLIPTextConfig(
                        hidden_size=1280,
                        intermediate_size=5120,
                        num_hidden_layers=32,
                        num_attention_heads=20,
                        projection_dim=1280,
                        hidden_act="gelu",
                        **_TEXT,
                        **ids,
                    )
                ),
                "unet": UNet2DConditionModel(
                    sample_size=128,
                    block_out_channels=(320, 640, 1280),
                    layers_per_block=2,
                    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                    attention_head_dim=(5, 10, 20),
                    transformer_layers_per_block=(1, 2, 10),
                    use_linear_projection=True,
                    addition_embed_type="text_time",
                    addition_time_embed_dim=256,
                    projection_class_embeddings_input_dim=2816,
                    cross_attention_dim=2048,
                ),
            }
    finally:
        torch.set_default_dtype(torch.float32)


def write(folder: Path) -> None:
    """Puts the whole diffusers folder there, about 7 GB; built on the GPU: seconds, not minutes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(folder.with_name("tokenizer"))
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading", steps_offset=1
    )
    StableDiffusionXLPipeline(
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        scheduler=scheduler,
        add_watermarker=False,
        **components("cuda", **ids),
    ).save_pretrained(folder, safe_serialization=True)
