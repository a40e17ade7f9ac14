"""What must hold before a worker takes a job, as the SDK's fitness checks and in their order.

A failed check is reported to the platform with its name and reason, and ends the process; a failure at import time
would be a traceback that nobody reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from sdxl_worker.engine import Engine
from sdxl_worker.handler import Log
from sdxl_worker.model import Prefetch
from sdxl_worker.settings import Settings
from sdxl_worker.weights import Weights, WeightsError, find_weights


class Startup:
    """The checks of one process. The platform reports the method names."""

    def __init__(self, settings: Settings, engine: Engine, log: Log) -> None:
        self._settings = settings
        self._engine = engine
        self._log = log
        self._prefetch: Prefetch | None = None

    @property
    def checks(self) -> list[Callable[[], None]]:
        """In order: cheap and telling first."""
        return [self.gpu_present, self.weights_present, self.load_model]

    def read_ahead(self) -> None:
        """Starts reading the weights while the libraries are imported. Missing weights are weights_present's to say."""
        if not self._settings.prefetch:
            return
        try:
            weights = self._base_weights()
        except WeightsError:
            return
        self._prefetch = Prefetch(weights)
        self._prefetch.start()

    def gpu_present(self) -> None:
        """torch sees a GPU with enough memory; or the settings allow a CPU."""
        if self._settings.allow_cpu:
            return
        torch = self._engine.libraries.torch()
        if not torch.cuda.is_available():
            raise RuntimeError("torch sees no CUDA device: check the host's driver, or set ALLOW_CPU=1 for a trial run")
        memory = torch.cuda.get_device_properties(0).total_memory / 1e9
        if memory < self._settings.min_vram_gb:
            raise RuntimeError(
                f"{torch.cuda.get_device_name()} has {memory:.1f} GB and MIN_VRAM_GB asks for "
                f"{self._settings.min_vram_gb:g}: choose a larger GPU pool"
            )

    def weights_present(self) -> None:
        """All weights are there and whole; nothing is loaded yet."""
        self._base_weights()
        self._refiner_weights()

    def load_model(self) -> None:
        """Loads the model, once, and warms it up."""
        base, refiner = self._base_weights(), self._refiner_weights()
        self._engine.libraries.torch()
        self._engine.libraries.diffusers()
        if self._prefetch is not None:
            self._prefetch.join()
        self._engine.load(base, refiner)
        self._engine.ready_seconds = time.time() - psutil.Process().create_time()
        model = self._engine.model
        self._log.info(
            f"loaded {base.name} ({base.total_bytes / 1e6:.0f} MB, {model.dtype}, {model.device_name}): imports "
            f"{self._engine.libraries.seconds:.2f} s, load {model.load_seconds:.2f} s, warm-up "
            f"{self._engine.warmup_seconds:.2f} s{self._read_rate()}"
        )

    def _base_weights(self) -> Weights:
        return find_weights(
            name=self._settings.model_name,
            volume=self._settings.volume_root,
            path=self._settings.model_path,
            half=self._half,
        )

    def _refiner_weights(self) -> Weights | None:
        if self._settings.refiner_name is None:
            return None
        return find_weights(name=self._settings.refiner_name, volume=self._settings.volume_root, half=self._half)

    @property
    def _half(self) -> bool:
        # Known before torch is: auto means float16 on a GPU, and a worker without one must be allowed to.
        return self._settings.dtype != "float32" and not (self._settings.dtype == "auto" and self._settings.allow_cpu)

    def _read_rate(self) -> str:
        if self._prefetch is None or not self._prefetch.seconds:
            return ""
        rate = self._prefetch.bytes / self._prefetch.seconds / 1e6
        return f", read ahead {self._prefetch.bytes / 1e6:.0f} MB at {rate:.0f} MB/s"
