"""The worker's README against the code: no field, code, setting or scheduler is missing from it."""

from __future__ import annotations

import re

import pytest
from worker_process import WORKER

from sdxl_worker.failure import RETRYABLE, Code
from sdxl_worker.request import Request
from sdxl_worker.schedulers import SchedulerName
from sdxl_worker.settings import variables
from sdxl_worker.weights import ModelDefaults

README = (WORKER / "README.md").read_text()
NAMES = [
    *Request.model_fields,
    *Code,
    *(name for name in variables() if name != "RUNPOD_POD_ID"),
    *SchedulerName,
    *ModelDefaults.model_fields,
]


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_every_name_that_a_user_can_meet_is_explained(name: str) -> None:
    """As code, so that it can be searched for."""
    assert f"`{name}`" in README


def test_the_codes_say_whether_to_retry_as_the_worker_does() -> None:
    """The table and the errors agree."""
    said = dict(re.findall(r"^\| `([A-Z_]+)` \|.*\| (yes|no) \|$", README, re.MULTILINE))

    assert said == {code.value: "yes" if code in RETRYABLE else "no" for code in Code}
