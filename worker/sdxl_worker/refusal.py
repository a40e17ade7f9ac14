"""The words of a refused input: field, what is wrong, what is allowed.

Never repeats the input, which can hold an image.
"""

from __future__ import annotations

from pydantic import ValidationError

from sdxl_worker.failure import Code, JobError
from sdxl_worker.schedulers import SchedulerName
from sdxl_worker.settings import Settings

MAX_PROMPT = 2000  # characters
MAX_STEPS = 100
MAX_SEED = 2**63 - 1  # torch.Generator takes a signed 64-bit number


def allowed(settings: Settings) -> dict[str, str]:
    """What each field takes, in words, by its dotted name."""
    side = f"a multiple of 8 from {settings.min_side} to {settings.max_side}, area up to {settings.max_pixels} pixels"
    return {
        "prompt": f"1 to {MAX_PROMPT} characters, not blank",
        "negative_prompt": f"up to {MAX_PROMPT} characters",
        "width": side,
        "height": side,
        "num_inference_steps": f"a whole number from 1 to {MAX_STEPS}",
        "guidance_scale": "a number from 0 to 20",
        "seed": f"a whole number from 0 to {MAX_SEED}",
        "num_images": f"a whole number from 1 to {settings.max_images}",
        "scheduler": f"one of {', '.join(SchedulerName)}",
        "image": f"base64 of a PNG, JPEG or WebP file of up to {settings.max_input_bytes} bytes",
        "image_url": "an https URL of a PNG, JPEG or WebP file",
        "strength": "a number above 0 and up to 1, together with image or image_url",
        "refiner": "an object with start and num_inference_steps, both optional",
        "refiner.start": "a number between 0 and 1",
        "refiner.num_inference_steps": f"a whole number from 1 to {MAX_STEPS}",
        "loras": "up to 4 objects with name and scale",
        "loras.name": "the name of a file in the volume's loras folder",
        "loras.scale": "a number from -4 to 4",
        "output": "an object with format, quality and delivery, all optional",
        "output.format": "png, jpeg or webp",
        "output.quality": "a whole number from 1 to 100 (jpeg and webp)",
        "output.delivery": "auto, base64 or url",
    }


def refusal(error: ValidationError, settings: Settings) -> JobError:
    """INVALID_INPUT with every problem that the validation found."""
    fields = allowed(settings)
    details = []
    # include_input=False: an input can hold an image, and answers are logged.
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        path = [str(part) for part in item["loc"]]
        text = str(item["msg"]).removeprefix("Value error, ")
        if not path:  # a rule about several fields names them itself
            names, _, text = text.partition(": ")
            path = names.split(".")
        generic = ".".join(part for part in path if not part.isdigit())
        if item["type"] == "extra_forbidden":
            inside = generic.rpartition(".")[0]
            known = [name for name in fields if name.rpartition(".")[0] == inside]
            permitted, text = ", ".join(known), "is not a known field"
        else:
            permitted = fields.get(generic, "")
        details.append({"field": ".".join(path), "problem": text, "allowed": permitted})
    message = "; ".join(
        f"{item['field']}: {item['problem']}" + (f" (allowed: {item['allowed']})" if item["allowed"] else "")
        for item in details
    )
    return JobError(Code.INVALID_INPUT, message, details=details)


def json_type(value: object) -> str:
    """The JSON name of a value's type."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
