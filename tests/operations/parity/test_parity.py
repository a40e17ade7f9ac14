"""The script against two local RunPods: the same one gives no difference, and other switches are found.

A real account is not available here, so the second service is a local RunPod with other switches.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from pulumi_runpod.client.exchange import Exchanges
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.errors import ConnectionFailed, RunPodError
from pulumi_runpod.operations.parity import local_worker
from pulumi_runpod.operations.parity.budget import Place, cheapest
from pulumi_runpod.operations.parity.compare import differences
from pulumi_runpod.operations.parity.recording import Recording, read_recording
from pulumi_runpod.operations.parity.script import IMAGE, Pace, ParityRun
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.catalog import offline_catalog

WORKERS = {IMAGE: f"{sys.executable} {local_worker.__file__}"}
PACE = Pace(interval=0.2, patience=60, rest=7)
PLACE = cheapest(offline_catalog(), hours=Decimal(1), max_cost=Decimal(1))


def recorded(switches: Switches) -> tuple[Recording, str, dict[str, int]]:
    """The recording, the server's key, and how many objects of each kind are left."""
    with LocalRunPod(workers=WORKERS, switches=switches, api_key="a-key-of-the-test") as server:
        settings = Settings.load({}, server.environment)
        with Exchanges(settings) as exchanges:
            steps = ParityRun(exchanges, PLACE, PACE).run()
            left = {
                key: len(exchanges.send("GET", f"/v2/{path}").body[key])
                for path, key in (
                    ("serverless", "endpoints"),
                    ("templates", "templates"),
                    ("network-volumes", "networkVolumes"),
                )
            }
    return Recording(service="local", recorded="2026-11-25", steps=steps), server.api_key, left


@pytest.fixture(scope="module")
def recordings() -> Iterator[list[tuple[Recording, str, dict[str, int]]]]:
    """Twice with the same switches, once with others; side by side, since most of the time is waiting."""
    others = Switches(omitted_timeout_ms=300_000, volume_delete="allow", default_disk_gb=50)
    with ThreadPoolExecutor(3) as pool:
        yield list(pool.map(recorded, (Switches(), Switches(), others)))


@pytest.mark.process
def test_the_same_service_gives_the_same_answers(recordings: list[tuple[Recording, str, dict[str, int]]]) -> None:
    """Ids, names, times and addresses are replaced; the script reaches its end."""
    first, second, _ = (recording for recording, _, _ in recordings)
    assert [str(difference) for difference in differences(first, second)] == []
    names = {step.name for step in first.steps}
    assert {"job.cold: end", "job.beyond its execution timeout: end", "idle out: at rest"} <= names


@pytest.mark.process
def test_a_service_with_other_switches_is_found_out(recordings: list[tuple[Recording, str, dict[str, int]]]) -> None:
    """Each switch that was turned shows in the steps that it decides, and nowhere else."""
    first, _, other = (recording for recording, _, _ in recordings)
    found = {(one.step, one.where) for one in differences(first, other)}
    assert ("endpoint.create", "body.timeout") in found
    assert ("volume.delete while in use", "status") in found
    assert ("template.create", "body.disk") in found
    assert not {step for step, _ in found if step.startswith("job.")}


@pytest.mark.process
def test_a_recording_holds_no_secret_and_survives_a_file(
    recordings: list[tuple[Recording, str, dict[str, int]]], tmp_path: Path
) -> None:
    """Neither the key nor a header; what is read is what was written. Nothing is left in the account."""
    recording, key, left = recordings[0]
    file = tmp_path / "account.json"
    recording.write(file)
    assert key not in file.read_text()
    assert "Bearer" not in file.read_text()
    assert read_recording(file) == recording
    assert left == {"endpoints": 0, "templates": 0, "networkVolumes": 0}


@pytest.mark.process
def test_what_was_made_is_deleted_when_the_script_breaks_off() -> None:
    """Also an object whose answer was lost: it is found by the name of the run."""
    with LocalRunPod(workers=WORKERS) as server, Exchanges(Settings.load({}, server.environment)) as exchanges:
        run = ParityRun(exchanges, PLACE, PACE)
        server.fault("http.cut_after", method="POST", path="/v2/serverless")
        with pytest.raises(ConnectionFailed):
            run.run()
        assert run.left_over == []
        for path, key in (
            ("serverless", "endpoints"),
            ("templates", "templates"),
            ("network-volumes", "networkVolumes"),
        ):
            assert exchanges.send("GET", f"/v2/{path}").body[key] == []


def test_a_run_that_could_cost_more_than_the_limit_does_not_start() -> None:
    """The message has the sum, where it comes from, and the option."""
    with pytest.raises(
        RunPodError, match=r"may cost \$\d+\.\d\d \(cpu\w+ in [A-Z0-9-]+ for 100 h\), over the limit.*raise --max-cost"
    ):
        cheapest(offline_catalog(), hours=Decimal(100), max_cost=Decimal("0.01"))


def test_the_cheapest_flavor_is_taken() -> None:
    """By the price of a vCPU, in a data center that has volumes."""
    place: Place = cheapest(offline_catalog(), hours=Decimal(1), max_cost=Decimal(1))
    prices = [cpu.price.serverless_per_vcpu for cpu in offline_catalog().cpus.values()]
    assert place.flavor.price.serverless_per_vcpu == min(prices)
    assert place.data_center.network_volume_types


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "Invalid JSON"), ("[]", "Input should be an object"), ('{"service": "x"}', "recorded: Field required")],
)
def test_a_file_that_is_not_a_recording_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    """One line with the file, what is wrong, and the command that writes one."""
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(RunPodError, match=rf"x\.json -> .*{reason}.*parity --record"):
        read_recording(file)
