"""Writes LoRA files for the tests: one for the tiny UNet, made by peft and saved by diffusers, and one for no model."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file


def write_fitting(file: Path, unet_folder: Path) -> None:
    """A LoRA of rank 2 with weights large enough to change every pixel."""
    unet = UNet2DConditionModel.from_pretrained(unet_folder)
    torch.manual_seed(0)
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"]))
    for name, parameter in unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    StableDiffusionXLPipeline.save_lora_weights(
        file.parent, unet_lora_layers=get_peft_model_state_dict(unet), weight_name=file.name
    )


def write_foreign(file: Path) -> None:
    """A whole file whose names belong to no module of any SDXL."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"other.lora_A.weight": torch.zeros(2, 2), "other.lora_B.weight": torch.zeros(2, 2)}, file)
