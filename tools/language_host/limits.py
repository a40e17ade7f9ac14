"""Bounds of the protocol."""

from __future__ import annotations

MESSAGE_LIMIT_BYTES = 400 * 1024 * 1024
"""The engine's own limit (rpcutil in the Pulumi SDK)."""

MESSAGE_SIZE = (
    ("grpc.max_receive_message_length", MESSAGE_LIMIT_BYTES),
    ("grpc.max_send_message_length", MESSAGE_LIMIT_BYTES),
)
"""gRPC options, for servers and channels alike."""
