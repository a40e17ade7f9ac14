"""The input of a job: every bound, every refusal, and the words of both."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from worker_process import WORKER

from sdxl_worker.failure import RETRYABLE, Code, JobError
from sdxl_worker.refusal import MAX_SEED, allowed
from sdxl_worker.request import Limits, Request, parse
from sdxl_worker.schedulers import SchedulerName
from sdxl_worker.settings import Settings, read_settings
from sdxl_worker.weights import ModelDefaults

PLAIN = read_settings({})
BUCKET = dict.fromkeys(("BUCKET_ENDPOINT_URL", "BUCKET_NAME", "BUCKET_ACCESS_KEY_ID", "BUCKET_SECRET_ACCESS_KEY"), "x")


def limits(settings: Settings = PLAIN, defaults: ModelDefaults | None = None) -> Limits:
    return Limits(settings=settings, defaults=defaults or ModelDefaults())


def refused(job_input: object, given: Limits | None = None) -> JobError:
    with pytest.raises(JobError) as caught:
        parse(job_input, given or limits())
    return caught.value


def test_a_prompt_is_enough() -> None:
    """All else has defaults, and the seed is drawn."""
    first, second = parse({"prompt": "a fox"}, limits()), parse({"prompt": "a fox"}, limits())

    assert (first.width, first.height, first.num_inference_steps, first.guidance_scale) == (1024, 1024, 30, 7.0)
    assert first.seed != second.seed
    assert 0 <= first.seed < 2**53


def test_the_models_own_defaults_win() -> None:
    """A few-step model brings its steps, guidance and scheduler with it; the job may still say otherwise."""
    few = ModelDefaults(num_inference_steps=4, guidance_scale=0.0, scheduler=SchedulerName.LCM, width=512, height=512)
    silent, said = (
        parse({"prompt": "x"}, limits(defaults=few)),
        parse({"prompt": "x", "num_inference_steps": 8, "scheduler": "tcd"}, limits(defaults=few)),
    )

    assert (silent.num_inference_steps, silent.guidance_scale, silent.scheduler) == (4, 0.0, SchedulerName.LCM)
    assert (silent.width, silent.height) == (512, 512)
    assert (said.num_inference_steps, said.scheduler) == (8, SchedulerName.TCD)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", " \n"),
        ("prompt", "x" * 2001),
        ("prompt", 5),
        ("prompt", None),
        ("negative_prompt", "x" * 2001),
        ("width", 100),
        ("width", 248),
        ("width", 1544),
        ("width", 512.0),
        ("height", "512"),
        ("height", True),
        ("num_inference_steps", 0),
        ("num_inference_steps", 101),
        ("num_inference_steps", True),
        ("num_inference_steps", "25"),
        ("num_inference_steps", None),
        ("guidance_scale", -0.1),
        ("guidance_scale", 20.1),
        ("guidance_scale", float("nan")),
        ("guidance_scale", float("inf")),
        ("seed", -1),
        ("seed", 2**63),
        ("num_images", 0),
        ("num_images", 5),
        ("scheduler", "KLMS"),
        ("scheduler", 3),
        ("image", ""),
        ("image", 5),
        ("image_url", "http://example.com/a.png"),
        ("image_url", "file:///etc/passwd"),
        ("image_url", "https://a b"),
        ("loras", [{"name": "a"}] * 5),
        ("loras", [{"name": "a"}, {"name": "a"}]),
        ("refiner", {}),
        ("surprise", 1),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_field(field: str, value: object) -> None:
    """The refusal names the field, what is wrong and what is allowed, and is not retryable."""
    error = refused({"prompt": "x", field: value})

    assert error.code == Code.INVALID_INPUT
    assert [detail["field"] for detail in error.details] == [field]
    assert error.details[0]["problem"]
    assert error.details[0]["allowed"]
    assert error.message.startswith(f"{field}: ")
    assert json.loads(error.to_json())["retryable"] is False


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({"loras": [{"name": "../secret"}]}, "loras.0.name"),
        ({"loras": [{"name": "a", "scale": 5}]}, "loras.0.scale"),
        ({"loras": [{"name": "a", "url": "https://x"}]}, "loras.0.url"),
        ({"output": {"format": "gif"}}, "output.format"),
        ({"output": {"quality": 0}}, "output.quality"),
        ({"output": {"delivery": "url"}}, "output.delivery"),
        ({"strength": 0.5}, "strength"),
        ({"image": "x", "strength": 0}, "strength"),
        ({"image": "x", "strength": 0.05, "num_inference_steps": 10}, "strength"),
        ({"image": "x", "image_url": "https://example.com/a.png"}, "image, image_url"),
        ({"width": 1536, "height": 1536}, "width x height"),
        ({"scheduler": "pndm", "num_inference_steps": 3}, "num_inference_steps"),
        ({"seed": MAX_SEED, "num_images": 2}, "seed"),
    ],
)
def test_rules_inside_and_between_fields_name_them(job: dict[str, Any], field: str) -> None:
    """Also where no single bound is broken, the refusal says which fields don't fit."""
    assert [detail["field"] for detail in refused({"prompt": "x", **job}).details] == [field]


def test_all_mistakes_are_reported_at_once() -> None:
    """One round trip is enough to correct a job."""
    error = refused({"width": 1, "guidance_scale": "high", "extra": 0})

    assert {detail["field"] for detail in error.details} == {"prompt", "width", "guidance_scale", "extra"}


@pytest.mark.parametrize(
    ("value", "name"), [(None, "null"), ([], "a list"), ("x", "a string"), (3, "a number"), (True, "a boolean")]
)
def test_an_input_that_is_no_object_is_refused(value: object, name: str) -> None:
    """The platform hands over any JSON value."""
    assert name in refused(value).message


def test_a_refusal_never_repeats_the_input() -> None:
    """An input can hold an image, and errors are logged."""
    assert "aGVsbG8" not in refused({"prompt": 5, "image": "aGVsbG8" * 10, "scheduler": "aGVsbG8"}).to_json()


def test_an_image_longer_than_the_limit_is_refused_before_it_is_decoded() -> None:
    """Its length alone tells."""
    small = read_settings({"MAX_INPUT_BYTES": "1000"})

    assert refused({"prompt": "x", "image": "A" * 2000}, limits(small)).details[0]["field"] == "image"


def test_the_refiner_is_only_taken_where_there_is_one() -> None:
    """The refusal says which setting is missing; with it, a job may ask, but not together with an image."""
    there = limits(read_settings({"REFINER_NAME": "refiner"}))

    assert "REFINER_NAME" in refused({"prompt": "x", "refiner": {}}).message
    assert parse({"prompt": "x", "refiner": {}}, there).refiner is not None
    assert refused({"prompt": "x", "refiner": {}, "image": "x"}, there).details[0]["field"] == "refiner"
    few = {"prompt": "x", "refiner": {"start": 0.99}, "num_inference_steps": 4}
    assert refused(few, there).details[0]["field"] == "refiner.start"


@pytest.mark.parametrize("variable", ["FUSE_QKV", "COMPILE"])
def test_no_lora_where_the_model_can_not_take_one(variable: str) -> None:
    """Fused and compiled models are fixed."""
    assert (
        refused({"prompt": "x", "loras": [{"name": "a"}]}, limits(read_settings({variable: "1"}))).code
        == "INVALID_INPUT"
    )


def test_url_delivery_needs_a_bucket() -> None:
    """With one, it is taken."""
    job = {"prompt": "x", "output": {"delivery": "url"}}

    assert parse(job, limits(read_settings(BUCKET))).output.delivery == "url"


@pytest.mark.parametrize(
    ("prompt", "blocked"), [("a Gun, please", True), ("a gunboat", False), ("two words (gun)", True), ("a fox", False)]
)
def test_blocked_words_are_whole_words(prompt: str, blocked: bool) -> None:
    """The operator's list has its own code, and does not repeat the word."""
    given = limits(read_settings({"BLOCKED_WORDS": "gun, knife"}))
    if blocked:
        error = refused({"prompt": prompt}, given)
        assert error.code == Code.PROMPT_BLOCKED
        assert "gun" not in error.message
    else:
        assert parse({"prompt": prompt}, given)


def test_numbers_may_be_whole_where_fractions_are_allowed() -> None:
    """JSON knows one kind of number."""
    assert parse({"prompt": "x", "guidance_scale": 3}, limits()).guidance_scale == 3.0


def test_each_image_has_its_seed() -> None:
    """Image i of a job has seed+i."""
    assert parse({"prompt": "x", "seed": 10, "num_images": 3}, limits()).seeds == (10, 11, 12)


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields(part, f"{prefix}{name}.")


def test_every_field_says_what_it_takes() -> None:
    """A new field without its words would be refused without saying what is allowed."""
    assert set(fields(Request)) == set(allowed(PLAIN))


def test_every_code_is_named_like_its_value() -> None:
    """Codes are what callers compare with; retryable ones are among them."""
    assert all(code.name == code.value for code in Code)
    assert set(Code) >= RETRYABLE


def test_checking_an_input_imports_nothing_heavy() -> None:
    """A bad job is answered without torch, and the package can be read without it."""
    code = (
        "import sys, sdxl_worker.request, sdxl_worker.handler, sdxl_worker.startup, sdxl_worker.tiny_weights\n"
        "assert not {'torch', 'diffusers', 'transformers', 'boto3', 'runpod', 'requests'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(WORKER)}, check=True)
