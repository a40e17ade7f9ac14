"""`Provider`: another account or another RunPod, with another key and URL."""

from __future__ import annotations

import pulumi

from pulumi_runpod.resources.registration import is_native
from pulumi_runpod.resources.schema_names import NATIVE_PACKAGE


class Provider(pulumi.ProviderResource):
    """Give it to resources as `opts=ResourceOptions(provider=...)`. It takes nothing from the stack's config; the
    environment variables fill in what is not given here. Another key is an update in place, never a replacement.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        api_key: pulumi.Input[str] | None = None,
        api_base_url: pulumi.Input[str] | None = None,
        allow_plain_http: pulumi.Input[bool] | None = None,
        timeout: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param api_key: Always secret in the state. Default: RUNPOD_API_KEY.
        :param api_base_url: Control plane without `/v2`. Default: RUNPOD_API_BASE_URL, or RunPod itself.
        :param allow_plain_http: True: send the key over http to other machines. Default: to this machine alone.
        :param timeout: Seconds to wait for an answer. Default 30.
        """
        props = {
            "runpod:apiKey": None if api_key is None else pulumi.Output.secret(api_key),
            "runpod:apiBaseUrl": api_base_url,
            "runpod:allowPlainHttp": allow_plain_http,
            "runpod:timeout": timeout,
        }
        given = {key: value for key, value in props.items() if value is not None}
        if is_native():
            given = {key.partition(":")[2]: value for key, value in given.items()}
        super().__init__(NATIVE_PACKAGE if is_native() else "pulumi-python", resource_name, given, opts)
