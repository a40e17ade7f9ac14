"""What `pulumi` says of a state that it cannot read, and what that means."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_runpod.gitops.started import StartedHere
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace
from tests.e2e.killable import BIN

pytestmark = pytest.mark.engine


def test_an_empty_file_of_attributes_is_recognised(tmp_path: Path) -> None:
    """As an interrupted `pulumi` leaves it; after the mend that the message names, the state is read again."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nbackend:\n  url: file://.\n")
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(tmp_path), "PULUMI_CONFIG_PASSPHRASE": ""}
    workspace = Workspace(tmp_path, str(BIN / "pulumi"), environment, StartedHere(None))
    workspace.run("stack", "init", "dev")
    attributes = tmp_path / ".pulumi/stacks/shop/dev.json.attrs"
    attributes.write_text("")
    for command in (("stack", "export", "--stack", "dev"), ("stack", "ls", "--json")):
        with pytest.raises(PulumiFailed, match=r"Delete each empty \.attrs file .*\?metadata=skip"):
            workspace.run(*command)
    attributes.unlink()

    assert "deployment" in workspace.run("stack", "export", "--stack", "dev")
