"""Guard levels and silences."""

from __future__ import annotations

from typing import Any

import pytest
from catalogs import MARKET

from pulumi_runpod.planning.quantities import PlanningError
from pulumi_runpod.planning.review import Review, review
from pulumi_runpod.planning.service import ServicePlan

WARNED: dict[str, Any] = {"gpu_pools": ("MIDDLE_24",), "idle_timeout_seconds": 5}
WRONG: dict[str, Any] = {**WARNED, "execution_timeout_seconds": 300, "endpoint_timeout_seconds": 300}


def reviewed(**given: Any) -> Review:
    return review(ServicePlan.model_validate(given), MARKET)


def ids(advice: tuple[Any, ...]) -> list[str]:
    return [a.id for a in advice]


def test_warn_says_everything_and_stops_at_errors() -> None:
    """A warning does not stop a deployment, an error does."""
    assert ids(reviewed(**WRONG, guard="warn").advice) == ["RP002", "RP004"]
    assert ids(reviewed(**WRONG, guard="warn").stops) == ["RP002"]


def test_error_stops_at_warnings_too() -> None:
    """The strict level lets information alone pass."""
    assert ids(reviewed(**WARNED, guard="error").stops) == ["RP004"]


def test_off_says_nothing() -> None:
    """A caller that does not want advice gets none."""
    assert reviewed(**WRONG, guard="off") == Review((), (), ())


def test_a_silenced_rule_is_kept_with_its_reason() -> None:
    """Silence does not hide: the reason is beside what would have been said, and nothing stops."""
    review = reviewed(**WARNED, guard="error", silenced={"RP004": "one user, who waits"})
    assert (review.advice, review.stops) == ((), ())
    assert [(a.id, a.silenced) for a in review.silenced] == [("RP004", "one user, who waits")]


@pytest.mark.parametrize(
    ("silenced", "line"),
    [
        ({"RP999": "no"}, "silenced.RP999: there is no such rule; known are RP001 to RP017"),
        ({"RP004": " "}, "silenced.RP004: say why this advice does not hold here"),
    ],
)
def test_a_silence_needs_a_rule_and_a_reason(silenced: dict[str, str], line: str) -> None:
    """An unknown id or an empty reason is a mistake, not a silence."""
    with pytest.raises(PlanningError) as caught:
        reviewed(**WARNED, silenced=silenced)
    assert str(caught.value) == line


def test_the_worst_severity_is_reported() -> None:
    """What a script exits by: the gravest advice there is."""
    assert (reviewed(**WRONG).worst, reviewed(**WARNED).worst) == ("error", "warning")
    assert reviewed(gpu_pools=("MIDDLE_24",)).worst is None
