"""`RegistryCredential`: how workers pull a private image."""

from __future__ import annotations

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.resource import RunPodResource


class RegistryCredential(RunPodResource, name="RegistryCredential"):
    """A user and password for a container registry. Any change makes a new one, points its users there, and deletes the
    old one last. The service has no field for the registry's host.
    """

    name: pulumi.Output[str]
    username: pulumi.Output[str]
    password: pulumi.Output[str]

    _implementation = providers.REGISTRY_CREDENTIAL
    _input_names = ("name", "username", "password", "adopt_id")
    _secret_names = ("username", "password")

    def __init__(
        self,
        resource_name: str,
        *,
        username: pulumi.Input[str],
        password: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        adopt_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param username: 1-191 characters. Always secret in the state.
        :param password: Password or token, 1-16384 characters. Always secret in the state.
        :param name: Default: the resource's name with a suffix that makes it unique.
        :param adopt_id: Id of an existing credential to manage from now on, instead of creating one. What it holds
            cannot be compared.
        """
        props = {
            "name": name,
            "username": pulumi.Output.secret(username),
            "password": pulumi.Output.secret(password),
            "adopt_id": adopt_id,
        }
        super().__init__(resource_name, props, opts)
