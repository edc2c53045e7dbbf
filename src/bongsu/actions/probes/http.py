"""``http``: the status, and where the time of the answer went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from bongsu.actions.looking import LookContext, unknown
from bongsu.actions.probes.outcome import bounded, found, looked, place_of, said, seconds, typed
from bongsu.actions.probes.reaching import resolve, tls_context, unreachable
from bongsu.i18n import N_
from bongsu.incident.report import Evidence, Finding, Looked
from bongsu.manual.schema.diagnosis import HttpProbe

if TYPE_CHECKING:
    import httpx

MOST_REDIRECTS = 10
MUCH_OF_BODY = 2000
"""bytes of an answer's body that are read for the evidence"""
PORTS = {"https": 443}


@dataclass
class Watch:
    """Where the time goes, from the notes that the client makes on its way."""

    spent: dict[str, float] = field(default_factory=dict)
    """seconds by step, of all redirects together"""
    redirects: int = 0
    _began: dict[str, float] = field(default_factory=dict)

    STEPS = (
        ("connect_tcp", "connect_s"),
        ("start_tls", "tls_s"),
        ("receive_response_headers", "first_byte_s"),
    )

    async def note(self, event: str, _info: Mapping[str, Any]) -> None:
        """Take one note of httpcore: ``connection.connect_tcp.started`` and the like."""
        for step, name in self.STEPS:
            if event.endswith(f".{step}.started"):
                self._began[name] = time.perf_counter()
            elif event.endswith(f".{step}.complete"):
                took = time.perf_counter() - self._began.pop(name)
                self.spent[name] = self.spent.get(name, 0.0) + took


async def look(check: str, probe: HttpProbe, context: LookContext) -> Looked:
    """Ask once, as a user would, and judge by status and time."""
    import httpx  # noqa: PLC0415  slow to import, and only this kind needs it

    watch = Watch()
    started = time.perf_counter()
    try:
        async with asyncio.timeout(context.timeout_s):
            response, body = await _get(probe, context, watch)
    except httpx.TooManyRedirects:
        return looked(check, [_loops(probe.url)], _evidence(probe, context, watch.spent))
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        spent = {**watch.spent, "took_s": time.perf_counter() - started}
        return _failed(check, probe, context, error, spent)
    except (httpx.InvalidURL, ValueError) as error:
        why = said(
            N_("{url} can't be asked for: {error}"),
            url=bounded(probe.url),
            error=bounded(str(error), 300),
        )
        return unknown(check, why)
    took = time.perf_counter() - started
    numbers = {"status": float(response.status_code), "took_s": took, **watch.spent}
    evidence = _evidence(probe, context, numbers, body)
    return looked(check, _judged(probe, response.status_code, took), evidence)


async def _get(probe: HttpProbe, context: LookContext, watch: Watch) -> tuple[httpx.Response, str]:
    import httpx  # noqa: PLC0415

    parts = urlsplit(probe.url)
    if parts.hostname and not _through_proxy(parts.scheme, parts.hostname):
        began = time.perf_counter()
        await resolve(parts.hostname, parts.port or PORTS.get(parts.scheme, 80))
        watch.spent["dns_s"] = time.perf_counter() - began
    follow = probe.expect_status // 100 != 3  # noqa: PLR2004  a redirect that is itself expected
    client = httpx.AsyncClient(
        verify=tls_context(context.env), follow_redirects=follow, max_redirects=MOST_REDIRECTS,
        timeout=context.timeout_s, headers={"user-agent": "bongsu-diagnose", "accept": "*/*"},
    )  # fmt: skip
    extensions = {"trace": watch.note}
    async with client, client.stream("GET", probe.url, extensions=extensions) as response:
        body = b""
        async for block in response.aiter_bytes():
            body += block
            if len(body) >= MUCH_OF_BODY:
                break
        watch.redirects = len(response.history)
        return response, body[:MUCH_OF_BODY].decode(errors="replace")


def _through_proxy(scheme: str, host: str) -> bool:
    """Whether somebody else resolves the name: httpx takes proxies from the same variables."""
    proxies = getproxies_environment()
    return (scheme in proxies or "all" in proxies) and not proxy_bypass(host)


def _judged(probe: HttpProbe, status: int, took: float) -> list[Finding]:
    if status != probe.expect_status:
        text = N_("{url} answers with status {status}, not {expected}")
        says = said(text, url=bounded(probe.url), status=status, expected=probe.expect_status)
        return [found("http_status", "unhealthy", says, weight=0.9, subject=_place(probe.url))]
    limit = probe.degraded_over.total_seconds() if probe.degraded_over else None
    if limit is None or took <= limit:
        return []
    text = N_("{url} takes {took} to answer, more than {limit}")
    says = said(text, url=bounded(probe.url), took=seconds(took), limit=seconds(limit))
    return [found("http_slow", "degraded", says, weight=0.6, subject=_place(probe.url))]


def _loops(url: str) -> Finding:
    text = N_("{url} redirects more than {most} times, in a circle as it seems")
    says = said(text, url=bounded(url), most=MOST_REDIRECTS)
    return found("http_redirect_loop", "unhealthy", says, weight=0.9, subject=_place(url))


def _failed(
    check: str, probe: HttpProbe, context: LookContext, error: Exception, spent: dict[str, float]
) -> Looked:
    import httpx  # noqa: PLC0415

    evidence = _evidence(probe, context, spent, str(error) or type(error).__name__)
    place = _place(probe.url)
    wait = context.timeout_s
    cause = TimeoutError() if isinstance(error, httpx.TimeoutException) else error
    if finding := unreachable("http", cause, place, wait):
        return looked(check, [finding], evidence)
    if isinstance(error, httpx.RemoteProtocolError):
        says = said(N_("{place} answers with something that is not HTTP"), place=place)
        return looked(check, [found("http_garbled", "unhealthy", says, subject=place)], evidence)
    why = said(
        N_("{url} can't be asked for: {error}"),
        url=bounded(probe.url),
        error=bounded(str(error), 300),
    )
    return unknown(check, why, evidence)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return place_of(parts, PORTS.get(parts.scheme, 80))


def _evidence(
    probe: HttpProbe, context: LookContext, numbers: dict[str, float], output: str = ""
) -> Evidence:
    command = typed(["curl", "-sSiL", "--max-time", f"{context.timeout_s:g}", probe.url])
    kept = {name: round(value, 4) for name, value in numbers.items()}
    return Evidence(command, bounded(output, MUCH_OF_BODY), kept, link=bounded(probe.url))
