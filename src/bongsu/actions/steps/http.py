"""``http``: one request as the manual writes it; redirects are not followed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bongsu.actions.probes.outcome import bounded, place_of, seconds
from bongsu.actions.probes.reaching import REFUSED, tls_context, trouble_of
from bongsu.actions.programs import KIB
from bongsu.actions.steps.outcome import StepContext, StepOutcome, done, failed, refused
from bongsu.actions.steps.showing import Shown
from bongsu.i18n import N_
from bongsu.manual.schema.playbooks import HttpStep

if TYPE_CHECKING:
    import httpx

MUCH_OF_BODY = 64 * KIB
"""bytes of an answer that are read"""
FROM_ENVIRONMENT = "env:"
SAFE_METHODS = frozenset(("GET",))
_PORTS = {"https": 443}
_REDIRECTS = range(300, 400)


class _Ask(NamedTuple):
    """The request as it goes out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None


def variables(step: HttpStep) -> list[str]:
    """Return the environment variables that its headers send."""
    begins = FROM_ENVIRONMENT
    return [one.removeprefix(begins) for one in step.headers.values() if one.startswith(begins)]


async def perform(
    step: HttpStep, context: StepContext, shown: Shown, timeout_s: float, *, undo: bool
) -> StepOutcome:
    """Send the request, or the one that takes it back."""
    missing = [name for name in variables(step) if not context.look.env.get(name)]
    if missing:
        text = N_("the environment variable {name} is not set where the step is run")
        return refused(text, name=missing[0])
    ask = _ask(step, context.look.env, undo=undo)
    if ask is None:
        return refused(N_("the manual names no way back"))
    if (fault := _fault(ask.url)) is not None:
        return refused(N_("{url} can't be asked for: {error}"), url=bounded(ask.url), error=fault)
    _show(step, ask, shown)
    return await _send(step, ask, context, shown, timeout_s)


def dry(step: HttpStep, shown: Shown, *, undo: bool) -> StepOutcome:
    """Show the request; nothing is sent."""
    if (ask := _ask(step, {}, undo=undo)) is not None:
        _show(step, ask, shown)
    return done(N_("nothing was sent"))


def _ask(step: HttpStep, env: Mapping[str, str], *, undo: bool) -> _Ask | None:
    headers = {
        name: env.get(value.removeprefix(FROM_ENVIRONMENT), "")
        if value.startswith(FROM_ENVIRONMENT)
        else value
        for name, value in step.headers.items()
    }
    if not undo:
        return _Ask(step.method, step.url, headers, step.body)
    if (step.undo_url, step.undo_method, step.undo_body) == (None, None, None):
        return None
    method, url = step.undo_method or step.method, step.undo_url or step.url
    return _Ask(method, url, headers, step.undo_body)


def _fault(url: str) -> str | None:
    """Return what keeps an address from being one."""
    parts = urlsplit(url)
    try:
        known = parts.hostname and parts.port != 0
    except ValueError as error:
        return str(error)
    return None if known else "no host"


def _show(step: HttpStep, ask: _Ask, shown: Shown) -> None:
    shown.line(f"{ask.method} {ask.url}")
    for name, value in step.headers.items():
        shown.line(f"{name}: {value}")
    if ask.body is not None:
        shown.line(f"\n{ask.body}")


async def _send(
    step: HttpStep, ask: _Ask, context: StepContext, shown: Shown, timeout_s: float
) -> StepOutcome:
    import httpx  # noqa: PLC0415  slow to import, and only this kind needs it

    client = httpx.AsyncClient(
        verify=tls_context(context.look.env), follow_redirects=False, timeout=timeout_s,
        headers={"user-agent": "bongsu-playbook", "accept": "*/*"},
    )  # fmt: skip
    content = None if ask.body is None else ask.body.encode()
    try:
        async with (
            asyncio.timeout(timeout_s),
            client,
            client.stream(
                ask.method, ask.url, headers=dict(ask.headers), content=content
            ) as response,
        ):
            await _show_answer(response, shown)
            return _judged(step, response)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError) as error:
        return refused(N_("{url} can't be asked for: {error}"), url=_place(ask), error=error)
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        return _broke(ask, error, timeout_s)


async def _show_answer(response: httpx.Response, shown: Shown) -> None:
    shown.line(f"HTTP {response.status_code} {response.reason_phrase}")
    left = MUCH_OF_BODY
    async for block in response.aiter_bytes():
        shown.take("out", block[:left])
        left -= len(block)
        if left <= 0:
            return


def _judged(step: HttpStep, response: httpx.Response) -> StepOutcome:
    status, place = response.status_code, str(response.url.host)
    if status in step.expect_status:
        return done(N_("{place} answered with status {status}"), place=place, status=status)
    expected = ", ".join(map(str, step.expect_status))
    if status in _REDIRECTS:
        where = bounded(response.headers.get("location", "-"), 200)
        text = N_("{place} redirects to {where}, which is not followed; write that address")
        return failed(text, place=place, where=where)
    text = N_("{place} answered with status {status} instead of {expected}")
    return failed(text, place=place, status=status, expected=expected)


def _broke(ask: _Ask, error: Exception, timeout_s: float) -> StepOutcome:
    """Say what broke off, and whether the request may have been done all the same."""
    import httpx  # noqa: PLC0415

    known = trouble_of(TimeoutError() if isinstance(error, httpx.TimeoutException) else error)
    place = _place(ask)
    if known is None:
        came = failed(N_("{url} can't be asked for: {error}"), url=place, error=bounded(str(error)))
    else:
        trouble, detail = known
        came = failed(trouble.text, place=place, wait=seconds(timeout_s), detail=detail)
    never_sent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
    if never_sent or (known is not None and known[0] is REFUSED):
        return replace(came, outcome="refused")
    return came if ask.method in SAFE_METHODS else replace(came, outcome="unknown")


def _place(ask: _Ask) -> str:
    parts = urlsplit(ask.url)
    return place_of(parts, _PORTS.get(parts.scheme, 80))
