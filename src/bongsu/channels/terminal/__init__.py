"""The terminal that `bongsu serve` runs in: pages and notices as text, coloured by severity."""

from __future__ import annotations

from bongsu.channels.environment import Environment
from bongsu.channels.terminal.channel import TerminalChannel

__all__ = ["HOW_TO_CONFIGURE", "VARIABLES", "TerminalChannel", "build"]

VARIABLES: tuple[str, ...] = ()
HOW_TO_CONFIGURE = ""


def build(environment: Environment) -> TerminalChannel:  # noqa: ARG001  it needs no settings
    """Make the channel; it always works."""
    return TerminalChannel()
