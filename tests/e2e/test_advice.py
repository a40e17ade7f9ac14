"""Advice and cost in the output of `pulumi preview`: the command itself, its language host, a local RunPod.

One preview holds a service for each rule on which it fires, and one with a single change on which it does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.planning.rules import RULE_IDS
from tests.pulumi_folder import PulumiFolder

pytestmark = pytest.mark.engine

STOPS = "RP002"  # an error, which has its own preview


@dataclass(frozen=True)
class Preview:
    code: int
    text: str

    def of(self, service: str) -> str:
        """What was said of one service."""
        found = re.search(rf"^  \S+ \({re.escape(service)}\):\n((?:    .*\n)+)", self.text, re.MULTILINE)
        return found[1] if found else ""

    def of_stack(self) -> str:
        found = re.search(r"^  pulumi:pulumi:Stack \(.*\):\n((?:    .*\n)+)", self.text, re.MULTILINE)
        return found[1] if found else ""


@pytest.fixture(scope="module")
def runpod() -> Iterator[LocalRunPod]:
    with LocalRunPod() as local:
        local.call(lambda platform: platform.stock.set("AMPERE_24@EU-RO-1", 0))
        yield local


class Project(PulumiFolder):
    """The project of these tests, with a stack."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        super().__init__(base, Path(__file__).parent / "advice_project", environment)
        self.done("stack", "init", "dev")

    def preview(self, show: str = "all", **environment: str) -> Preview:
        """The output of `pulumi preview` with these services; `environment` overrides."""
        self.pulumi("config", "set", "show", show, "--stack", "dev")
        done = self.pulumi("preview", "--stack", "dev", **environment)
        return Preview(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def project(runpod: LocalRunPod, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A pool that neither catalog knows would stop the preview; as one newer than the dated copy, it is a matter of
    advice."""
    environment = {**runpod.environment, "PULUMI_HOME": str(pulumi_home), "RUNPOD_NEWER_CATALOG": "1"}
    return Project(tmp_path_factory.mktemp("advice"), environment)


@pytest.fixture(scope="module")
def preview(project: Project) -> Callable[..., Preview]:
    return project.preview


@pytest.fixture(scope="module")
def previewed(preview: Callable[..., Preview], runpod: LocalRunPod) -> Preview:
    """The preview of all services, with the calls that it took."""
    runpod.forget_calls()
    return preview()


def test_a_preview_with_advice_goes_through(previewed: Preview, runpod: LocalRunPod) -> None:
    """Warnings do not stop, and 35 services together ask for the catalog once, and for nothing else."""
    assert previewed.code == 0, previewed.text
    assert [f"{call.method} {call.path}" for call in runpod.calls()] == ["GET /v2/catalog/gpus"]


@pytest.mark.parametrize("rule", [rule for rule in RULE_IDS if rule != STOPS])
def test_a_rule_fires_in_the_preview_of_its_service_alone(previewed: Preview, rule: str) -> None:
    """The service that breaks the rule is named, and the same service with one change is not."""
    assert f"{rule} " in previewed.of(f"fires-{rule}")
    silent = previewed.of(f"silent-{rule}")
    assert "prices: " in silent
    assert f"{rule} " not in silent


def test_every_service_learns_its_monthly_range(previewed: Preview) -> None:
    """500 requests of 4 s on a pool at $1.116/h: $18.60 of work, and disk; the currency is said."""
    result = previewed.of("silent-RP012")
    assert re.search(r"\$18\.65 to \$[\d,.]+ a month, \$[\d,.]+ expected \(USD\); prices: catalog of RunPod", result), (
        result
    )


def test_a_silenced_rule_and_an_unguarded_service_are_quiet(previewed: Preview) -> None:
    """A reason given by id, or guard off: the cost is said, the advice not."""
    for service in ("silenced", "unguarded"):
        assert "a month" in previewed.of(service)
        assert "RP004" not in previewed.of(service)


def test_an_error_stops_before_anything_is_declared(previewed: Preview, preview: Callable[..., Preview]) -> None:
    """RP002 ends the program in one message without a traceback; the service with a shorter timeout goes through."""
    stopped = preview("error")
    assert stopped.code != 0
    assert "error: fires-RP002: RP002 callers give up" in stopped.of_stack()
    assert "fires-RP002 is not deployed because of RP002" in stopped.text
    assert "Traceback" not in stopped.text
    assert "dynamic/runpod" not in stopped.text
    assert "RP002" not in previewed.of("silent-RP002")


def test_a_strict_guard_stops_at_a_warning(preview: Callable[..., Preview]) -> None:
    """guard=error: what is a warning elsewhere is not deployed here."""
    stopped = preview("strict")
    assert stopped.code != 0
    assert "strict is not deployed because of RP004" in stopped.text


def test_a_failing_catalog_is_said_and_stops_nothing(preview: Callable[..., Preview]) -> None:
    """Nobody answers: the preview goes on with the dated copy of the catalog, and warns once."""
    review = preview("all", RUNPOD_API_BASE_URL="http://127.0.0.1:9")
    assert review.code == 0, review.text
    assert review.of_stack().count("the RunPod catalog could not be read") == 1
    assert "prices: copy of the catalog of 2026-" in review.of("silent-RP012")
    assert "RP017" not in review.of("fires-RP017")
    assert "RP001" in review.of("fires-RP001")


def test_the_dated_copy_can_be_asked_for(preview: Callable[..., Preview], runpod: LocalRunPod) -> None:
    """Without any call, and without a complaint."""
    runpod.forget_calls()
    review = preview("strict", RUNPOD_OFFLINE_CATALOG="1")
    assert runpod.calls() == []
    assert "could not be read" not in review.text


def test_commands_read_the_plan_of_a_deployed_stack(project: Project) -> None:
    """`cost` and `advise` know a stack's services, take one by name, change it by flags, and keep its silences."""
    project.pulumi("config", "set", "show", "deployed", "--stack", "dev")
    done = project.pulumi("up", "--yes", "--skip-preview", "--stack", "dev")
    assert done.returncode == 0, done.stdout

    costs = json.loads(project.command("cost", "--stack", "dev", "--json").stdout)
    assert {result["name"] for result in costs} == {"sdxl", "quiet"}
    (sdxl,) = (result for result in costs if result["name"] == "sdxl")
    assert sdxl["prices"]["source"] == "AMPERE_80, catalog of RunPod"
    assert f"${sdxl['low']:,.2f} to ${sdxl['high']:,.2f} a month" in done.stdout

    (cheaper,) = json.loads(
        project.command("cost", "--stack", "dev", "--service", "sdxl", "--gpu-pools", "AMPERE_16", "--json").stdout
    )
    assert cheaper["expected"] < sdxl["expected"]

    advised = project.command("advise", "--stack", "dev")
    assert advised.returncode == 3, advised.stderr
    assert "sdxl: warning: RP001 GPU larger than needed" in advised.stdout
    assert "quiet: silenced: RP004" in advised.stdout

    missing = project.command("cost", "--stack", "dev", "--service", "none")
    assert (missing.returncode, missing.stderr) == (1, "error: stack dev has no service 'none'; it has quiet, sdxl\n")


def test_commands_say_when_a_stack_has_no_service(project: Project) -> None:
    """A stack that was never deployed, and one that does not exist, are one line each."""
    project.pulumi("stack", "init", "empty")
    empty = project.command("cost", "--stack", "empty")
    absent = project.command("advise", "--stack", "absent")

    assert empty.stderr.startswith("error: stack empty has no deployed service: run `pulumi up --stack empty`, or")
    assert absent.stderr == "error: pulumi stack export -> no stack named 'absent' found\n"
    assert (empty.returncode, absent.returncode) == (1, 1)
