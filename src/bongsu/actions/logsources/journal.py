"""A systemd unit's log through journalctl."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bongsu.actions.logsources.programs import output_of
from bongsu.actions.logsources.source import Source


def arguments(source: Source, start: int) -> list[str]:
    """Return what is run to read the unit's lines since ``start``, in seconds since 1970."""
    return [
        *("journalctl", f"--unit={source.query}", f"--since=@{start}"),
        *("--output=short-iso-precise", "--no-pager", "--quiet"),
    ]


def pieces(source: Source, start: int, deadline_s: float) -> AsyncIterator[bytes]:
    """Give the unit's lines."""
    return output_of(arguments(source, start), deadline_s)
