"""What all databases have in common: their address, and connections against a limit."""

from __future__ import annotations

from urllib.parse import SplitResult

from bongsu.actions.looking import LookContext
from bongsu.actions.probes.outcome import bounded, found, parts_of, percent, said, unreadable
from bongsu.i18n import N_
from bongsu.incident.alert import Remark
from bongsu.incident.report import Evidence, Finding
from bongsu.manual.schema.diagnosis import DatabaseProbe

LONGEST_STATEMENT = 200
"""characters of a statement that a finding shows"""
MOST_ROWS = 10
"""sessions, operations or clients that the evidence shows"""


def address(probe: DatabaseProbe, context: LookContext) -> tuple[str, SplitResult] | Remark:
    """Return the connection string and its parts, or why the environment has none."""
    dsn = context.env.get(probe.dsn_env, "").strip()
    if not dsn:
        text = N_("nobody has said where it is: set {name} to its address")
        return said(text, name=probe.dsn_env)
    parts = parts_of(dsn)
    return (dsn, parts) if parts else unreadable(probe.dsn_env)


def not_asked(error: object) -> Remark:
    """Say that it can't be asked, for credentials mostly: that says nothing of its health."""
    text = N_("it can't be asked: {error}")
    return said(text, error=bounded(str(error), LONGEST_STATEMENT))


def crowded(kind: str, used: int, limit: int, over: float, evidence: Evidence) -> list[Finding]:
    """Hold the connections in use against the limit.

    What is left below the limit is what the next ones get: none is exhaustion, above the share
    that the manual gives it is near.
    """
    share = used / limit if limit > 0 else 0.0
    if limit <= 0 or (share <= over and used < limit):
        return []
    values = {"used": used, "limit": limit, "share": percent(share)}
    if used >= limit:
        says = said(N_("all {limit} connections are in use: exhausted"), **values)
        code = f"{kind}_connections_exhausted"
        return [found(code, "unhealthy", says, weight=1.0, evidence=evidence)]
    says = said(N_("{used} of {limit} connections are in use ({share})"), **values)
    code = f"{kind}_connections_high"
    weight = min(0.5 + share / 2 - 0.1, 0.9)
    return [found(code, "degraded", says, weight=weight, evidence=evidence)]


def statement(text: str | bytes | None) -> str:
    """Return a statement in one line, masked and cut."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return bounded(" ".join((text or "").split()), LONGEST_STATEMENT)
