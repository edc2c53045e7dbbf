"""``dns``, ``tcp``, ``tls``: does the name resolve, the port open, the certificate hold?"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.outcome import bounded, found, looked, said, typed
from bongsu.actions.probes.reaching import connect, resolve, tls_context, unreachable
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding, Looked
from bongsu.manual.schema.diagnosis import NetworkProbe

EXPIRES_SOON = timedelta(days=14)
"""half of the thirty days at which renewals are due: then one has failed"""
HTTPS = 443


async def look(check: str, probe: NetworkProbe, context: LookContext) -> Looked:
    """Look at one host; whatever it does not do in time is its own trouble."""
    port = probe.port or (HTTPS if probe.kind == "tls" else 0)
    place = f"{probe.host}:{port}" if port else probe.host
    try:
        async with asyncio.timeout(context.timeout_s):
            return await _looked(check, probe, port, context)
    except (OSError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError) as error:
        evidence = Evidence(command=_command(probe, port), output=bounded(str(error)))
        if finding := unreachable(probe.kind, error, place, context.timeout_s):
            return looked(check, [finding], evidence)
        why = said(
            N_("{place} can't be looked at: {error}"), place=place, error=bounded(str(error))
        )
        return unknown(check, why, evidence)


async def _looked(check: str, probe: NetworkProbe, port: int, context: LookContext) -> Looked:
    command = _command(probe, port)
    started = time.perf_counter()
    if probe.kind == "dns":
        addresses = await resolve(probe.host, port)
        numbers = {"took_s": time.perf_counter() - started, "addresses": len(addresses)}
        return looked(check, [], Evidence(command, bounded("\n".join(addresses)), numbers))
    tls = tls_context(context.env) if probe.kind == "tls" else None
    _, writer = await connect(probe.host, port, tls)
    numbers = {"took_s": time.perf_counter() - started}
    certificate = writer.get_extra_info("peercert") if tls else None
    writer.close()
    with contextlib.suppress(OSError):
        writer.transport.abort()
    if certificate is None:
        return looked(check, [], Evidence(command, "", numbers))
    return _certified(check, certificate, Evidence(command, "", numbers), probe.host, context)


def _certified(
    check: str, certificate: dict[str, Any], evidence: Evidence, host: str, context: LookContext
) -> Looked:
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    left = ends - context.now()
    names = ", ".join(value for _, value in certificate.get("subjectAltName", ()))
    numbers = {**evidence.numbers, "days_left": round(left / timedelta(days=1), 1)}
    output = bounded(f"notAfter: {ends:%Y-%m-%d %H:%M} UTC\nsubjectAltName: {names}")
    kept = Evidence(evidence.command, output, numbers)
    return looked(check, _expiring(left, ends, host), kept)


def _expiring(left: timedelta, ends: datetime, host: str) -> list[Finding]:
    if left > EXPIRES_SOON:
        return []
    text = N_("the TLS certificate of {place} ends in {days} days, on {date}")
    says = said(text, place=host, days=left.days, date=f"{ends:%Y-%m-%d}")
    weight = 0.3 + 0.5 * (1 - max(left, timedelta()) / EXPIRES_SOON)
    return [found("tls_expires_soon", "degraded", says, weight=weight, subject=host)]


def _command(probe: NetworkProbe, port: int) -> str:
    match probe.kind:
        case "dns":
            return typed(["getent", "ahosts", probe.host])
        case "tcp":
            return typed(["nc", "-zv", probe.host, str(port)])
        case "tls":
            place = f"{probe.host}:{port}"
            return typed(["openssl", "s_client", "-connect", place, "-servername", probe.host])
