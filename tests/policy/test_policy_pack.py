"""The policy pack under the real engine: what it stops, what it lets through, and how it is configured."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Policed:
    code: int
    text: str

    @property
    def violations(self) -> dict[str, str]:
        """Policy -> what was said, without the policy's own description above it."""
        found = re.findall(r"^ +- \[\w+\]  ([\w-]+)  \(.*\)\n +.*\n +(.*)\n", self.text, re.MULTILINE)
        return dict(found)


@pytest.fixture(scope="module")
def runpod() -> Iterator[LocalRunPod]:
    with LocalRunPod() as local:
        yield local


@pytest.fixture(scope="module")
def pulumi(
    runpod: LocalRunPod, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command in its own project, with a stack `prod`."""
    base = tmp_path_factory.mktemp("policy")
    project = base / "project"
    shutil.copytree(Path(__file__).parent / "project", project)
    (base / "backend").mkdir()
    environment = {
        **os.environ,
        **runpod.environment,
        "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{base / 'backend'}",
        "PULUMI_HOME": str(base / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "policy",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        return subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    made = run("stack", "init", "prod")
    assert made.returncode == 0, made.stderr
    return run


@pytest.fixture
def policed(pulumi: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Callable[..., Policed]:
    """`policed("preview", image=..., rules={...})` -> exit code, output, violations."""

    def run(command: str, *, rules: dict[str, object] | None = None, **config: object) -> Policed:
        pairs = [part for key, value in config.items() for part in ("--plaintext", f"{key}={value}")]
        pulumi("config", "set-all", *pairs, "--stack", "prod")
        arguments = [command, "--stack", "prod", "--policy-pack", str(ROOT / "policy")]
        if command == "up":
            arguments += ["--yes", "--skip-preview"]
        if rules is not None:
            (tmp_path / "rules.json").write_text(json.dumps(rules))
            arguments += ["--policy-pack-config", str(tmp_path / "rules.json")]
        done = pulumi(*arguments)
        return Policed(done.returncode, done.stdout + done.stderr)

    return run


def test_every_policy_stops_what_it_forbids(policed: Callable[..., Policed], runpod: LocalRunPod) -> None:
    """An H100 with fifty workers, a moving tag and an unprotected volume: five violations, and nothing is made."""
    result = policed(
        "preview", image="registry.example.com/team/worker:latest", pool="ADA_80_PRO", workers=50, protect="false"
    )

    assert result.code != 0, result.text
    assert result.violations == {
        "gpu-allow-list": "sdxl uses ADA_80_PRO; allowed are AMPERE_16, AMPERE_24, ADA_24, AMPERE_48, ADA_48_PRO",
        "protected-volumes": (
            "weights is not protected in stack prod: set protect (ResourceOptions(protect=True), or "
            "protect_volume=True of SdxlService)"
        ),
        "no-moving-tags": (
            "sdxl runs registry.example.com/team/worker:latest, tag latest: name it by digest, or by its own tag "
            "for every build"
        ),
        "endpoint-cost-ceiling": (
            "sdxl can cost $150,336.00 a month with all workers busy, above $5,000.00: lower its max workers, or take "
            "a cheaper pool"
        ),
        "stack-cost-ceiling": (
            "the endpoints of this stack can cost $150,336.00 a month together with all workers busy, above $10,000.00"
        ),
    }
    assert runpod.calls() == []


def test_a_violation_stops_an_update_before_anything_is_made(
    policed: Callable[..., Policed], runpod: LocalRunPod
) -> None:
    """`up` itself is policed: a volume without protection is not created."""
    result = policed("up", image="registry.example.com/team/worker:1.4", pool="ADA_24", workers=2, protect="false")

    assert result.code != 0, result.text
    assert set(result.violations) == {"protected-volumes"}
    assert runpod.calls(method="POST") == []


def test_configuration_of_an_organisation_decides(policed: Callable[..., Policed]) -> None:
    """Another list, other stacks, another ceiling, one policy as advice and one off."""
    result = policed(
        "preview",
        image="registry.example.com/team/worker:latest",
        pool="ADA_80_PRO",
        workers=2,
        protect="false",
        rules={
            "gpu-allow-list": {"pools": ["ADA_80_PRO"]},
            "protected-volumes": {"stacks": ["live"]},
            "no-moving-tags": "advisory",
            "endpoint-cost-ceiling": {"usdPerMonth": 100},
            "stack-cost-ceiling": "disabled",
        },
    )

    assert result.code != 0, result.text
    assert set(result.violations) == {"no-moving-tags", "endpoint-cost-ceiling"}
    assert "[advisory]  no-moving-tags" in result.text
    assert "above $100.00" in result.violations["endpoint-cost-ceiling"]


def test_a_pool_without_a_price_is_no_way_around_the_ceiling(
    policed: Callable[..., Policed],
) -> None:
    """What it costs cannot be determined, so it is refused."""
    result = policed("preview", pool="NEWEST_512", protect="true", rules={"gpu-allow-list": {"pools": ["NEWEST_512"]}})

    assert (
        result.violations["endpoint-cost-ceiling"] == "sdxl: pool NEWEST_512 has no price in the catalog of 2026-11-24"
    ), result.text


def test_a_good_stack_goes_up(policed: Callable[..., Policed], runpod: LocalRunPod) -> None:
    """An allowed GPU, a tag of one build, a protected volume, two workers: deployed."""
    result = policed("up", image="registry.example.com/team/worker:1.4", pool="ADA_24", workers=2, protect="true")

    assert result.code == 0, result.text
    assert result.violations == {}
    assert len(runpod.calls(method="POST")) == 2
