"""The engine on the tiny weights: real diffusers, every feature of a job, and what is put back after it."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
import torch
from conftest import LORA
from PIL import Image

from sdxl_worker.engine import Engine, Result, is_black
from sdxl_worker.failure import Cancelled, Code, JobError
from sdxl_worker.gpu import is_gpu_failure
from sdxl_worker.request import Limits, Request, parse
from sdxl_worker.schedulers import ALIASES, SchedulerName
from sdxl_worker.settings import Settings
from sdxl_worker.watch import Watch

SIDE = 64
BLUE = Image.new("RGB", (SIDE, SIDE), (20, 40, 200))


def request(engine: Engine, settings: Settings, **fields: Any) -> Request:
    job = {"prompt": "a fox", "width": SIDE, "height": SIDE, "seed": 1, "num_inference_steps": 2, **fields}
    return parse(job, Limits(settings=settings, defaults=engine.defaults))


@pytest.fixture
def settings(engine: Engine) -> Settings:
    return engine.model.settings


@pytest.fixture
def make(engine: Engine, settings: Settings) -> Any:
    """Runs a job: its fields, optionally what to watch it with and what to start from."""

    def run(watch: Watch | None = None, start: Image.Image | None = None, **fields: Any) -> Result:
        job = request(engine, settings, **fields)
        return engine.generate(job, size=(SIDE, SIDE), watch=watch or Watch(), image=start)

    return run


def array(image: Image.Image) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(image).astype(np.int64)


def test_the_model_is_loaded_once_for_many_jobs(engine: Engine, make: Any) -> None:
    """Jobs use the pipeline that was loaded before the first of them."""
    pipe = engine.model.base
    make()
    make()

    assert engine.loads == 1
    assert engine.model.base is pipe
    assert engine.warmup_seconds > 0


def test_same_seed_same_bytes(make: Any) -> None:
    """Equal jobs give equal pixels, and other seeds give others, whatever ran in between."""
    first, other, again = make(seed=5), make(seed=6, scheduler="heun"), make(seed=5)

    assert first.images[0].tobytes() == again.images[0].tobytes()
    assert first.images[0].tobytes() != other.images[0].tobytes()


def test_an_image_of_a_batch_can_be_made_again_alone(make: Any) -> None:
    """Image i of a batch is the image of seed+i, up to one level of 255."""
    batch = make(seed=5, num_images=3)
    alone = make(seed=7)

    assert len(batch.images) == 3
    assert abs(array(batch.images[2]) - array(alone.images[0])).max() <= 1


@pytest.mark.parametrize("name", list(SchedulerName))
def test_every_scheduler_takes_the_fewest_steps_that_a_job_may_ask_for(
    engine: Engine, settings: Settings, make: Any, name: SchedulerName
) -> None:
    """What the input allows, the scheduler can do."""
    fewest = 1
    while fewest < 10:
        try:
            request(engine, settings, scheduler=name.value, num_inference_steps=fewest)
        except JobError:
            fewest += 1
        else:
            break

    assert make(scheduler=name.value, num_inference_steps=fewest).images


@pytest.mark.parametrize("name", list(SchedulerName))
def test_every_scheduler_makes_an_image_and_counts_its_steps(make: Any, name: SchedulerName) -> None:
    """Progress ends at exactly all steps, also where a scheduler calls back more often than it has steps."""
    steps: list[tuple[int, int]] = []
    result = make(Watch(report=lambda step, of: steps.append((step, of))), scheduler=name.value, num_inference_steps=5)

    assert not is_black(result.images[0])
    assert [step for step, _ in steps] == list(range(1, len(steps) + 1))
    assert {of for _, of in steps} == {len(steps)}


def test_the_official_names_mean_the_same_schedulers(make: Any) -> None:
    """An alias gives the image of the name behind it."""
    for alias, name in ALIASES.items():
        by_alias, by_name = (make(scheduler=said, num_inference_steps=4) for said in (alias, name.value))
        assert by_alias.images[0].tobytes() == by_name.images[0].tobytes()


def test_a_scheduler_leaves_nothing_behind(engine: Engine, make: Any) -> None:
    """A job without a scheduler gets the model's own, as it was loaded."""
    before = make()
    make(scheduler="dpmpp_2m_sde_karras")
    after = make()

    assert before.images[0].tobytes() == after.images[0].tobytes()
    assert type(engine.model.base.scheduler).__name__ == "EulerDiscreteScheduler"


def test_image_to_image_keeps_the_start_and_shares_the_modules(engine: Engine, make: Any) -> None:
    """strength x steps are run, the result depends on the start, and no second UNet is loaded."""
    steps: list[int] = []
    job = {"width": None, "height": None, "strength": 0.3, "num_inference_steps": 10, "image": "unused"}
    weak = make(Watch(report=lambda step, of: steps.append(step)), BLUE, **job)
    strong = make(None, BLUE, **{**job, "strength": 1.0})
    other = make(None, Image.new("RGB", (SIDE, SIDE), (200, 40, 20)), **job)

    assert steps == [1, 2, 3]
    assert weak.images[0].size == (SIDE, SIDE)
    assert weak.images[0].tobytes() != strong.images[0].tobytes()
    assert weak.images[0].tobytes() != other.images[0].tobytes()
    assert engine.model.image_to_image.unet is engine.model.base.unet


def test_the_refiner_takes_the_last_part_of_the_steps(engine: Engine, make: Any) -> None:
    """Ten steps are eight of the base and two of the refiner, which shares VAE and second encoder with the base."""
    steps: list[tuple[int, int]] = []
    refined = make(
        Watch(report=lambda step, of: steps.append((step, of))), refiner={"start": 0.8}, num_inference_steps=10
    )
    plain = make(num_inference_steps=10)

    assert steps == [(step, 10) for step in range(1, 11)]
    assert refined.images[0].tobytes() != plain.images[0].tobytes()
    assert engine.model.refiner.vae is engine.model.base.vae
    assert engine.model.refiner.text_encoder_2 is engine.model.base.text_encoder_2


def test_a_lora_works_for_its_job_alone(make: Any) -> None:
    """It changes the image by its scale, and the next job is as if it had never been there."""
    before = make()
    full, half = make(loras=[{"name": LORA}]), make(loras=[{"name": LORA, "scale": 0.5}])
    after = make()

    assert len({result.images[0].tobytes() for result in (before, full, half)}) == 3
    assert before.images[0].tobytes() == after.images[0].tobytes()


@pytest.mark.parametrize(("name", "code"), [("absent", Code.INVALID_INPUT), ("foreign", Code.LORA_INVALID)])
def test_a_lora_that_can_not_be_used_fails_its_job_alone(make: Any, name: str, code: Code) -> None:
    """An unknown name lists the names there are, a foreign file is named as such, and nothing stays behind."""
    before = make()
    with pytest.raises(JobError) as caught:
        make(loras=[{"name": LORA}, {"name": name}])

    assert caught.value.code == code
    assert name in caught.value.message
    assert not caught.value.recycle
    assert make().images[0].tobytes() == before.images[0].tobytes()


def test_a_cut_lora_file_is_refused_by_name(engine: Engine, make: Any) -> None:
    """A half-uploaded file is distinguished from one that does not fit."""
    folder = engine.model.settings.volume_root / "loras"
    whole = (folder / f"{LORA}.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[:-100])
    with pytest.raises(JobError, match=r"cut .*upload it again"):
        make(loras=[{"name": "cut"}])


def test_a_stopped_job_ends_within_one_step(make: Any) -> None:
    """After the signal not one further step is reported, and the next job runs."""
    cancel = threading.Event()
    steps: list[int] = []

    def report(step: int, of: int) -> None:
        steps.append(step)
        if step == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        make(Watch(cancel=cancel, report=report), num_inference_steps=50)

    assert steps == [1, 2, 3]
    assert make().images


def test_a_job_stopped_before_it_starts_does_nothing(engine: Engine, settings: Settings) -> None:
    """The pipeline is not entered."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        engine.generate(request(engine, settings), size=(SIDE, SIDE), watch=Watch(cancel=cancel))


def test_a_job_beyond_the_workers_own_limit_times_out(make: Any) -> None:
    """The limit is checked at each step and has its own code."""
    with pytest.raises(JobError) as caught:
        make(Watch(deadline=time.monotonic() - 1))

    assert caught.value.code == Code.TIMEOUT


class Faulty(Engine):
    """The shared engine, with faults that need a GPU to happen by themselves: raised as torch raises them."""

    def __init__(self, loaded: Engine, faults: list[BaseException]) -> None:
        super().__init__(loaded.model.settings)
        self._model = loaded.model
        self.faults = faults
        self.batches: list[int] = []
        self.tiled: list[bool] = []

    def _pipeline(self, *arguments: Any, **named: Any) -> list[Image.Image]:
        self.batches.append(len(named["seeds"]))
        self.tiled.append(bool(self.model.base.vae.use_tiling))
        if self.faults:
            raise self.faults.pop(0)
        return super()._pipeline(*arguments, **named)


def test_out_of_memory_is_retried_image_by_image(engine: Engine, settings: Settings, make: Any) -> None:
    """The images of the second way are those of the first, and nothing was made smaller."""
    faulty = Faulty(engine, [torch.OutOfMemoryError("CUDA out of memory")])
    retried = faulty.generate(request(engine, settings, num_images=2), size=(SIDE, SIDE), watch=Watch())
    batch = make(num_images=2)

    assert faulty.batches == [2, 1, 1]
    assert retried.warnings == []
    assert all(
        abs(array(one) - array(other)).max() <= 1 for one, other in zip(retried.images, batch.images, strict=True)
    )


def test_the_last_way_decodes_in_tiles_and_says_so(engine: Engine, settings: Settings) -> None:
    """Tiling is on for that attempt alone, and the answer warns of it."""
    out_of_memory = [torch.OutOfMemoryError("CUDA out of memory") for _ in range(2)]
    faulty = Faulty(engine, out_of_memory)
    result = faulty.generate(request(engine, settings, num_images=2), size=(SIDE, SIDE), watch=Watch())

    assert faulty.batches == [2, 1, 1, 1]
    assert faulty.tiled == [False, False, True, True]
    assert "tiles" in result.warnings[0]
    assert not engine.model.base.vae.use_tiling


def test_out_of_memory_to_the_end_has_its_code_and_recycles_only_in_a_row(engine: Engine, settings: Settings) -> None:
    """One job that is too large keeps the worker; a second one in a row replaces it."""
    job = request(engine, settings)
    faulty = Faulty(engine, [torch.OutOfMemoryError("CUDA out of memory") for _ in range(4)])
    errors = []
    for _ in range(2):
        with pytest.raises(JobError) as caught:
            faulty.generate(job, size=(SIDE, SIDE), watch=Watch())
        errors.append(caught.value)

    assert [error.code for error in errors] == [Code.OUT_OF_MEMORY, Code.OUT_OF_MEMORY]
    assert [error.recycle for error in errors] == [False, True]
    assert faulty.generate(job, size=(SIDE, SIDE), watch=Watch()).images


def test_a_lost_gpu_recycles_the_worker(engine: Engine, settings: Settings) -> None:
    """Every later call of that process would fail too."""
    faulty = Faulty(engine, [RuntimeError("CUDA error: device-side assert triggered")])
    with pytest.raises(JobError) as caught:
        faulty.generate(request(engine, settings), size=(SIDE, SIDE), watch=Watch())

    assert caught.value.code == Code.GPU_FAILED
    assert caught.value.recycle


def test_another_crash_in_the_pipeline_is_not_taken_for_a_lost_gpu(engine: Engine, settings: Settings) -> None:
    """It leaves the engine unchanged, for the handler to name, and the next job runs."""
    faulty = Faulty(engine, [RuntimeError("shapes do not match")])
    with pytest.raises(RuntimeError, match="shapes"):
        faulty.generate(request(engine, settings), size=(SIDE, SIDE), watch=Watch())

    assert faulty.generate(request(engine, settings), size=(SIDE, SIDE), watch=Watch()).images


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (torch.AcceleratorError("CUDA error: unspecified launch failure"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling cublasCreate"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error"), False),
    ],
)
def test_only_a_lost_context_counts_as_a_lost_gpu(error: Exception, lost: bool) -> None:
    """Recognised by torch's class or by the words of CUDA's libraries."""
    assert is_gpu_failure(error) is lost


def test_overflowed_numbers_are_a_failure_and_not_a_black_image(engine: Engine, settings: Settings) -> None:
    """NaN in the weights comes out black: the job fails with its code."""
    weight = next(engine.model.base.vae.decoder.parameters())
    kept = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.fill_(float("nan"))
        with pytest.raises(JobError) as caught, pytest.warns(RuntimeWarning, match="invalid value"):
            engine.generate(request(engine, settings), size=(SIDE, SIDE), watch=Watch())
    finally:
        with torch.no_grad():
            weight.copy_(kept)

    assert caught.value.code == Code.BAD_IMAGE


def test_a_long_prompt_is_cut_and_the_caller_is_warned(make: Any) -> None:
    """77 tokens fit; the answer says how many were given."""
    assert make(prompt="word " * 300).warnings == ["prompt: cut after 77 of 1202 tokens"]
    assert make(prompt="short").warnings == []


def test_jobs_never_share_the_pipeline(engine: Engine, settings: Settings) -> None:
    """Two threads' steps are never interleaved."""
    steps: list[str] = []

    def run(name: str) -> None:
        watch = Watch(report=lambda step, of: steps.append(name))
        engine.generate(request(engine, settings, num_inference_steps=10), size=(SIDE, SIDE), watch=watch)

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "".join(steps) in ("a" * 10 + "b" * 10, "b" * 10 + "a" * 10)


def test_half_precision_runs_on_a_cpu_too(engine: Engine) -> None:
    """So that what a GPU will do with it can be tried."""
    half = Engine(engine.model.settings.model_copy(update={"dtype": "bfloat16"}))
    half.load(engine.model.weights)
    made = half.generate(request(engine, engine.model.settings), size=(SIDE, SIDE), watch=Watch()).images[0]

    assert half.model.base.unet.dtype == torch.bfloat16
    assert not is_black(made)


def test_fused_projections_change_nothing_but_rounding(engine: Engine, settings: Settings, make: Any) -> None:
    """The fused model gives the same image, up to one level of 255."""
    fused = Engine(settings.model_copy(update={"fuse_qkv": True}))
    fused.load(engine.model.weights)
    image = fused.generate(request(engine, settings), size=(SIDE, SIDE), watch=Watch()).images[0]

    assert abs(array(image) - array(make().images[0])).max() <= 1
