"""A webhook: each message is posted as JSON to an address that the manual names.

It is how a security team's tool, a bot or a bus of your own is told. An address that is a secret is
written as ``env:NAME``.
"""

from __future__ import annotations

from bongsu.channels.environment import Environment
from bongsu.channels.webhook.channel import WebhookChannel

__all__ = ["HOW_TO_CONFIGURE", "VARIABLES", "WebhookChannel", "build"]

VARIABLES: tuple[str, ...] = ()
HOW_TO_CONFIGURE = ""


def build(environment: Environment) -> WebhookChannel:
    """Make the channel; where it sends to, the manual says."""
    return WebhookChannel(environment.get)
