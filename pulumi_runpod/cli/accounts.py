"""Accounts in which a stack has its objects: the one of its key, and those of the explicit providers in its state."""

from __future__ import annotations

import json

from pulumi_runpod.cli.deployment import Project
from pulumi_runpod.client import client_for
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.api import Api
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject

_PROVIDER_TYPES = frozenset({"pulumi:providers:pulumi-python", "pulumi:providers:runpod-serverless"})


class Accounts:
    """The clients of a stack: its account, and those of its explicit providers. Each is looked up once."""

    def __init__(self, project: Project, stack: str) -> None:
        self.project, self.stack = project, stack
        self._known: dict[str, Api] = {}

    def of(self, resource: JsonObject) -> Api:
        """Of the account in which a resource is made."""
        provider_urn = str(resource.get("provider", "")).rsplit("::", 1)[0]
        if "::default" in provider_urn:
            provider_urn = ""
        if provider_urn not in self._known:
            settings = self._explicit(provider_urn) if provider_urn else self.project.settings(self.stack)
            self._known[provider_urn] = client_for(settings)
        return self._known[provider_urn]

    def all(self, deployment: JsonObject) -> list[Api]:
        """Of all accounts that the state names: where every provider is explicit, the stack may have no account.

        The stack's own for a state that is empty.
        """
        providers = [r["urn"] for r in deployment.get("resources") or [] if r["type"] in _PROVIDER_TYPES]
        return list(dict.fromkeys(self.of({"provider": f"{urn}::"}) for urn in providers or [""]))

    def _explicit(self, urn: str) -> Settings:
        deployment = self.project.export(self.stack, show_secrets=True)["deployment"]
        for other in deployment.get("resources") or []:
            if other["urn"] == urn and other["type"] in _PROVIDER_TYPES:
                return Settings.load({_key(key): _plain(value) for key, value in other.get("inputs", {}).items()})
        raise RunPodError(f"stack {self.stack}: the provider {urn} is not in the state")


def _key(name: str) -> str:
    """Config key of a provider's input; the native provider's have no namespace."""
    return name if ":" in name else f"runpod:{name}"


def _plain(value: object) -> str:
    if isinstance(value, dict) and "plaintext" in value:
        return str(json.loads(value["plaintext"]))
    return str(value)
